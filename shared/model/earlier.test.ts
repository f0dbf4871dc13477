// Agents up to two minor versions older are served: what they report must still fit.
import { describe, expect, it } from 'vitest';
import { SECTIONS } from './inventory.ts';
import { installedPackage } from './package.ts';

describe('when an agent of an earlier release reports', () => {
  it('its other updaters are taken as far as it knows them', () => {
    const told = [
      { name: 'unattended-upgrades', enabled: true, detail: 'every 1 d, started by apt-daily-upgrade.timer' },
    ];

    expect(SECTIONS.updaters.parse(told)).toMatchObject([{ ...told[0], nextRun: null, units: [] }]);
  });

  it('it does not know whose builds its packages are, nor all owners of replaced files', () => {
    const installed = {
      ...{ provider: 'apt', name: 'bash', version: '5.2-1', arch: 'amd64', source: 'bash', sourceVersion: '5.2-1' },
      ...{ state: 'installed', held: false, installedAt: null },
    };
    const stale = { pid: 1, program: 'sshd', files: ['/usr/lib/libz.so.1'], service: null, package: 'zlib1g' };

    expect(SECTIONS.packages.parse([installed])).toEqual([installed]);
    const told = { complete: true, unreadable: 0, processes: [stale] };
    expect(SECTIONS.staleProcesses.parse(told)).toEqual(told);
  });

  it('it does not know modules, and where a newer one tells them, collectors of before have the field', () => {
    const known = ['provider', 'name', 'version', 'arch', 'source', 'sourceVersion', 'state', 'held', 'installedAt'];

    // One more would make them refuse the packages of every host that sends it.
    expect(Object.keys(installedPackage.shape)).toEqual([...known, 'origin', 'module']);
    const told = { provider: 'dnf', name: 'a', version: '1-1', arch: 'noarch', source: 'a', sourceVersion: '1-1' };
    const rest = { state: 'installed', held: false, installedAt: null };
    for (const module of [{}, { module: 'nodejs:18:9030020240301111035:rhel9' }]) {
      const sent = [{ ...told, ...rest, ...module }];
      expect(SECTIONS.packages.parse(sent)).toEqual(sent);
    }
  });

  it('it says nothing of a takeover, and is no other agent for that', () => {
    const told = { version: '0.1.0', mode: 'managed', labels: { tier: ['web'] }, components: [] };

    expect(SECTIONS.agent.parse(told)).toEqual(told);
  });

  it('it says nothing of advisories of its repositories, and every section it sends has its name still', () => {
    const sent = ['os', 'kernel', 'packages', 'repositories', 'updates', 'updaters', 'agent', 'changes'] as const;

    for (const name of sent) expect(SECTIONS).toHaveProperty(name);
    expect(SECTIONS.updateinfo.safeParse(undefined).success).toBe(false);
  });
});

// From committed inventories and feeds to findings, on a real store: what is worked out, when, at which price, and that neither an order
// of arrival nor a crash makes a difference.
import { describe, expect, it } from 'vitest';
import { inTurns } from '../api/in-turns.ts';
import { pendingSample } from '../api/testing/inventories.ts';
import { hostId } from '../store/samples.ts';
import { at, debs, findingsLab, rule } from './testing/findings-lab.ts';

const { make } = findingsLab('findings');

describe('when a host reports', () => {
  it('its packages are matched by their sources, and a fixed version closes', async () => {
    const lab = await make();
    await lab.host(1);
    await lab.feed('debian-tracker', 0, [rule('CVE-2026-1', 'openssl', '3.0.12-1'), rule('CVE-2026-2', 'bash', null)]);
    await lab.inventory(1, 5, {
      'libssl3 openssl': '3.0.11-1',
      'openssl openssl': '3.0.11-1',
      bash: '5.2-1',
      zlib: '1',
    });

    expect(lab.lines()).toEqual(['host-1 bash 5.2-1 CVE-2026-2 no-fix', 'host-1 openssl 3.0.11-1 CVE-2026-1 fixable']);
    await lab.inventory(1, 10, { 'libssl3 openssl': '3.0.12-1', bash: '5.2-1' });
    expect(lab.lines()).toEqual(['host-1 bash 5.2-1 CVE-2026-2 no-fix']);
    expect(lab.fleet.complete).toBe(true);
  });

  it('a package of which only settings are left does not count', async () => {
    const lab = await make();
    await lab.host(1);
    await lab.feed('debian-tracker', 0, [rule('CVE-2026-1', 'openssl', '3.0.12-1')]);
    await lab.inventory(
      1,
      5,
      debs({ openssl: '3.0.11-1' }).map((one) => ({ ...one, state: 'config-files' })),
    );
    expect(lab.lines()).toEqual([]);
    await lab.inventory(
      1,
      6,
      debs({ openssl: '3.0.11-1' }).map((one) => ({ ...one, state: 'half-configured' })),
    );
    expect(lab.lines()).toHaveLength(1);
  });

  it('what it was offered once is let go, however many times it was offered something else', async () => {
    const lab = await make();
    await lab.host(1);
    const pending = (version: number) => [pendingSample({ candidateSourceVersion: `3.0.${version}` })];
    for (const version of [1, 2, 3, 4]) {
      const updates = { known: true as const, asOf: at(version), pending: pending(version) };
      await lab.inventory(1, version, { openssl: '3.0.0-1' }, { updates });
    }
    expect(lab.fleet.offersKept).toBe(4);
    await inTurns(lab.fleet.unusedSteps());
    expect(lab.fleet.offersKept).toBe(1);
    expect(lab.fleet.machines.get(`host:${hostId(1)}`)?.offers).toMatchObject([{ version: '3.0.4' }]);
  });

  it('one whose packages cannot be taken is unknown, not clean, and has the old times when they can again', async () => {
    const lab = await make();
    await lab.host(1);
    await lab.feed('debian-tracker', 0, [rule('CVE-2026-1', 'openssl', '3.0.12-1')]);
    await lab.inventory(1, 5, { openssl: '3.0.11-1' });
    await lab.put(1, 6, {});
    lab.events.publish({ type: 'inventory.received', host: hostId(1), name: 'host-1', changed: ['packages'] });
    await lab.idle();
    const key = `host:${hostId(1)}`;
    expect(lab.fleet.machines.get(key)?.unknown).toContain('packages are not known');
    expect(lab.lines()).toEqual([]);
    await lab.inventory(1, 50, { openssl: '3.0.11-1' });
    expect(lab.fleet.machines.get(key)).toMatchObject({ unknown: null, software: [{ since: at(5) }] });
  });

  it('one with more packages than are looked at is unknown with that reason, and holds up nobody', async () => {
    const lab = await make();
    for (const number of [1, 2, 3]) await lab.host(number);
    await lab.feed('debian-tracker', 0, [rule('CVE-2026-1', 'openssl', '3.0.12-1')]);
    const names = (count: number, length: number) =>
      Object.fromEntries(Array.from({ length: count }, (_, index) => [`${'p'.repeat(length)}${index}`, '1-1']));
    await lab.inventory(1, 5, { ...names(12_000, 200), openssl: '3.0.9-1' });
    await lab.inventory(2, 5, { ...names(20_001, 2), openssl: '3.0.9-1' });
    await lab.inventory(3, 5, { ...names(3000, 100), openssl: '3.0.9-1' });
    expect([...lab.fleet.machines.values()].map(({ unknown }) => unknown)).toEqual([
      'its packages are not known: the list is longer than 4 MiB and is not looked at',
      expect.stringMatching(/are not looked at: 20002 are more than 20000$|longer than 4 MiB/),
      null,
    ]);
    expect(lab.lines()).toEqual(['host-3 openssl 3.0.9-1 CVE-2026-1 fixable']);
  });

  it('one that has not reported is unknown; one that waits, is revoked or retired is not there', async () => {
    const lab = await make();
    await lab.feed('debian-tracker', 0, [rule('CVE-2026-1', 'openssl', '3.0.12-1')]);
    for (const number of [1, 2, 3]) await lab.host(number, number === 2 ? { acceptedAt: null } : {});
    for (const number of [1, 2]) await lab.inventory(number, 5, { openssl: '3.0.11-1' });
    await lab.restart();
    const shown = () => [...lab.fleet.machines.values()].map(({ name, unknown }) => `${name} ${unknown ?? 'known'}`);
    expect(shown()).toEqual(['host-1 known', 'host-3 no inventory has arrived yet']);

    await lab.store.transaction(({ hosts }) => hosts.accept(hostId(2), at(20)));
    lab.events.publish({ type: 'host.accepted', host: hostId(2), name: 'host-2' });
    await lab.idle();
    expect(lab.lines()).toHaveLength(2);

    await lab.store.transaction(({ hosts }) => hosts.revoke(hostId(1), at(21)));
    lab.events.publish({ type: 'host.revoked', host: hostId(1), name: 'host-1' });
    await lab.store.transaction(({ hosts }) => hosts.retire(hostId(3), at(21)));
    lab.events.publish({ type: 'host.retired', host: hostId(3), name: 'host-3' });
    await lab.idle();
    expect(shown()).toEqual(['host-2 known']);
    expect(await lab.store.read.software.machines('', 10)).toHaveLength(1);
  });
});

describe('when a feed has new data', () => {
  it('only packages that it says something else of are matched again', async () => {
    const lab = await make();
    await lab.host(1);
    const [one, two] = [rule('CVE-2026-1', 'openssl', '3.0.12-1'), rule('CVE-2026-2', 'bash', '5.3-1')];
    await lab.feed('debian-tracker', 0, [one, two]);
    await lab.inventory(1, 5, { openssl: '3.0.11-1', bash: '5.2-1' });
    const bash = lab.fleet.byName('bash').map((id) => lab.fleet.matches(id));
    await lab.feed('debian-tracker', 60, [one, two, rule('CVE-2026-3', 'openssl', null)]);

    expect(lab.lines()).toEqual([
      'host-1 bash 5.2-1 CVE-2026-2 fixable',
      'host-1 openssl 3.0.11-1 CVE-2026-1 fixable',
      'host-1 openssl 3.0.11-1 CVE-2026-3 no-fix',
    ]);
    expect(lab.fleet.byName('bash').map((id) => lab.fleet.matches(id))[0]).toBe(bash[0]);
    await lab.feed('debian-tracker', 61, [two]);
    expect(lab.lines()).toEqual(['host-1 bash 5.2-1 CVE-2026-2 fixable']);
  });

  it('a switch that nobody took in is found at the next start, also when its generations are no longer kept', async () => {
    const lab = await make();
    await lab.host(1);
    await lab.feed('debian-tracker', 0, [rule('CVE-2026-1', 'openssl', '3.0.12-1')]);
    await lab.inventory(1, 5, { openssl: '3.0.11-1' });
    await lab.abandon();
    for (const minutes of [60, 61, 62]) {
      await lab.feed('debian-tracker', minutes, [rule(`CVE-2026-${minutes}`, 'openssl', null)]);
    }
    await lab.restart();
    expect(lab.lines()).toEqual(['host-1 openssl 3.0.11-1 CVE-2026-62 no-fix']);
  });
});

describe('when a finding is dated', () => {
  it('it is as old as the affected version on the machine, or as what is known here, whichever came later', async () => {
    const lab = await make();
    await lab.host(1);
    await lab.feed('debian-tracker', 0, [rule('CVE-2026-1', 'openssl', '3.0.12-1'), rule('CVE-2026-2', 'bash', null)]);
    await lab.inventory(1, 5, { openssl: '3.0.9-1', bash: '5.1-1' });
    // Another version with the same hole: no break. A version without: a break.
    await lab.inventory(1, 30, { openssl: '3.0.10-1', bash: '5.2-1' });
    const seen = () => Object.fromEntries(lab.open().map(({ cve, firstSeen }) => [cve, firstSeen]));
    const known = lab.clock.now().toString();
    expect(seen()).toEqual({ 'CVE-2026-1': known, 'CVE-2026-2': known });

    await lab.store.transaction(({ software }) =>
      software.putSince([{ ecosystem: 'Debian:12', package: 'openssl', since: { 'CVE-2026-1': at(-60) } }]),
    );
    await lab.restart();
    expect(seen()).toEqual({ 'CVE-2026-1': at(5), 'CVE-2026-2': known });
    await lab.inventory(1, 40, { openssl: '3.0.12-1', bash: '5.2-1' });
    await lab.inventory(1, 50, { openssl: '3.0.10-1', bash: '5.2-1' });
    expect(seen()).toEqual({ 'CVE-2026-1': at(50), 'CVE-2026-2': known });
  });

  it('what is known of a package stays known since then, whichever version comes later', async () => {
    const lab = await make();
    for (const number of [1, 2]) await lab.host(number);
    await lab.feed('debian-tracker', 0, [rule('CVE-2026-1', 'openssl', '3.0.12-1')]);
    await lab.inventory(1, 5, { openssl: '3.0.9-1' });
    const known = lab.clock.now().toString();
    lab.clock.advance(86_400_000);
    await lab.inventory(2, 6, { openssl: '3.0.10-1' });
    expect(lab.open().map(({ host, firstSeen }) => `${host} ${firstSeen}`)).toEqual([
      `host-1 ${known}`,
      `host-2 ${known}`,
    ]);
    // Also when the version that it was known of is gone for long.
    await lab.inventory(1, 7, {});
    await lab.inventory(2, 8, {});
    await lab.restart();
    lab.clock.advance(86_400_000);
    await lab.inventory(2, 9, { openssl: '3.0.11-1' });
    expect(lab.fleet.byName('openssl').map((id) => lab.fleet.since(id))).toEqual([{ 'CVE-2026-1': known }]);
  });

  it('a machine whose clock is ahead makes nothing younger than it is known', async () => {
    const lab = await make();
    await lab.host(1);
    await lab.feed('debian-tracker', 0, [rule('CVE-2026-1', 'openssl', '3.0.12-1')]);
    await lab.inventory(1, 1_000_000, { openssl: '3.0.9-1' });
    expect(lab.open()[0]?.firstSeen).toBe(lab.clock.now().toString());
  });
});

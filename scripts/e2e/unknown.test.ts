// What cannot be read is unknown all the way up to the admin's screen: a malformed package database is never a shorter list.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { documentOf, succeeded } from '../lab/commands.ts';
import { makeCollector, type RealCollector } from './testing/collector.ts';
import { enroll, makeHost, PACKAGES, type RealHost } from './testing/host.ts';

interface HostDocument {
  readonly host: {
    readonly packages: number | null;
    readonly upgradable: number | null;
    readonly security: number | null;
    readonly unknown: readonly string[];
    readonly problems: readonly { readonly section: string; readonly code: string; readonly reason: string }[];
  };
}

describe('when the package database of a host is malformed', () => {
  let collector: RealCollector;
  let host: RealHost;
  let whole: string;
  const status = () => join(host.root, 'var/lib/dpkg/status');
  const shown = async () => {
    succeeded(await host.agent(['connect', '--once']));

    return documentOf<HostDocument>(await collector.selvage(['host', 'show', 'web-1', '--json'])).host;
  };
  beforeAll(async () => {
    collector = await makeCollector();
    await collector.serve();
    host = await makeHost({ name: 'web-1' });
    await enroll(collector, host);
    whole = readFileSync(status(), 'utf8');
    expect(await shown()).toMatchObject({ packages: PACKAGES.length });
  });

  it.each<[string, (text: string) => string, string]>([
    [
      'cut in the middle of an entry',
      (text) => text.slice(0, text.lastIndexOf('Status:') + 12),
      'PACKAGE_DATABASE_INVALID',
    ],
    [
      'with a line that is no field',
      (text) => text.replace('Priority: optional', '<<<<<<< HEAD'),
      'PACKAGE_DATABASE_INVALID',
    ],
  ])('%s: the number of packages is unknown and the reason is shown', async (_what, damage, code) => {
    writeFileSync(status(), damage(whole));
    const { packages, upgradable, security, problems, unknown } = await shown();

    expect({ packages, upgradable, security }).toEqual({ packages: null, upgradable: null, security: null });
    expect(problems).toContainEqual(expect.objectContaining({ section: 'packages', code }));
    expect(unknown.length).toBeGreaterThan(0);

    const { stdout } = await collector.selvage(['host', 'show', 'web-1']);
    expect(stdout).toMatch(/^ +packages +\?$/m);
    expect(stdout).toMatch(/^ +updates +\? \(security \?, held \?, phased \?\)$/m);
    expect(stdout).toContain(code);
    const [row] = (await collector.selvage(['host', 'list'])).stdout
      .split('\n')
      .filter((line) => line.startsWith('web-1'));
    expect(row).toContain('?');
  });

  it('repaired: it is known again', async () => {
    writeFileSync(status(), whole);

    expect(await shown()).toMatchObject({ packages: PACKAGES.length });
  });
});

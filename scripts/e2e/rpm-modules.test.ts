// A host of the RHEL family from its real rpm database to findings: the stream of a module decides, and the evidence names it. The
// advisories are AlmaLinux's own, as the product ships them.
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { needs } from '@selvage/shared/testing/needs.ts';
import { temporaryFolder } from '@selvage/shared/testing/temporary-folder.ts';
import { beforeAll, expect, it } from 'vitest';
import { makeRpmDatabase } from '../../agent/providers/rpm/testing/database.ts';
import { documentOf, succeeded } from '../lab/commands.ts';
import { waitFor } from '../lab/waiting.ts';
import { makeCollector, type RealCollector } from './testing/collector.ts';
import { enroll, makeHost, type RealHost } from './testing/host.ts';

const DEADLINE_MS = 120_000;
const ADVISORIES = join(import.meta.dirname, '../../collector/feeds/snapshot/osv-almalinux.jsonl.gz');
const NODEJS = { epoch: 1, version: '22.22.2', release: '1.module_el8.10.0+4158+e796f37f' };
/** Fixed in nodejs:22 by ALSA-2026:41947 (22.23.1), in nodejs:24 by ALSA-2026:39868. */
const CVE = 'CVE-2026-12151';
/** Fixed in nginx:1.24 by ALSA-2026:18041; in ruby:2.5 and 3.1 by others. */
const NGINX_CVE = 'CVE-2026-42945';
const RUBY_CVE = 'CVE-2024-49761';

interface Explained {
  readonly answer: { readonly here: string };
  readonly here: readonly {
    readonly package: { readonly name: string; readonly module: string | null };
    readonly says: string;
    readonly state: string | null;
    readonly fixed: string | null;
    readonly disagreement: string | null;
    readonly evidence: readonly { readonly record: string; readonly says: string; readonly rule: string }[];
  }[];
}

needs(['rpm', 'rpmbuild'], 'a host with packages of modules', () => {
  let collector: RealCollector;
  let host: RealHost;
  const database = () => join(host.root, 'var/lib/rpm');

  const explained = async (cve: string) =>
    documentOf<Explained>(await collector.selvage(['finding', 'explain', 'web-1', cve, '--json']));
  /** Inventory, and what the collector makes of it. */
  const reported = async (nodejs: string | null) => {
    succeeded(await host.agent(['connect', '--once']));
    let seen: unknown = null;
    await waitFor(
      `nodejs as ${nodejs}`,
      async () => {
        const { here } = await explained(CVE);
        seen = here;

        return here.some(({ package: one }) => one.name === 'nodejs' && one.module === nodejs) ? true : null;
      },
      DEADLINE_MS,
      () => seen,
    );
  };

  beforeAll(async () => {
    collector = await makeCollector();
    await collector.serve();
    succeeded(await collector.selvage(['feed', 'import', ADVISORIES, '--feed', 'osv-almalinux']));
    const folder = temporaryFolder('rpm-host');
    chmodSync(folder, 0o755);
    const files = {
      'usr/lib/os-release':
        'ID="almalinux"\nVERSION_ID="8.10"\nID_LIKE="rhel centos fedora"\nPRETTY_NAME="AlmaLinux 8.10"\n',
      'etc/machine-id': '3d1219c7c4c5404aaa1f6d2a48adfda4\n',
      'etc/hostname': 'web-1\n',
      'etc/passwd': 'root:x:0:0:root:/root:/bin/sh\n',
      'etc/group': 'root:x:0:\n',
    };
    for (const [path, content] of Object.entries(files)) {
      mkdirSync(join(folder, 'root', path, '..'), { recursive: true });
      writeFileSync(join(folder, 'root', path), content);
    }
    makeRpmDatabase(
      join(folder, 'root/var/lib/rpm'),
      [
        { name: 'nodejs', ...NODEJS, module: 'nodejs:22:8100020260401131244:489197e6' },
        { name: 'nginx', epoch: 1, version: '1.24.0', release: '2.module_el8.10.0+4143+ec3e7d32.alma.1' },
        { name: 'ruby', version: '2.5.0', release: '1.el8' },
      ],
      join(folder, 'scratch'),
    );
    host = await makeHost({ name: 'web-1', folder });
    await enroll(collector, host);
    await reported('nodejs:22');
  }, DEADLINE_MS);

  it('a build of a stream is held against the fix of that stream, and the evidence names it', async () => {
    const { answer, here } = await explained(CVE);
    const [nodejs] = here;

    expect(answer.here).toBe('yes');
    expect(here).toHaveLength(1);
    expect(nodejs).toMatchObject({
      ...{ says: 'affected', state: 'fixable', fixed: '1:22.23.1-1.module_el8.10.0+4231+1bf2f855' },
      disagreement: null,
      package: { name: 'nodejs', module: 'nodejs:22' },
    });
    const said = new Map(nodejs?.evidence.map(({ record, says, rule }) => [record, `${says}: ${rule}`]));
    expect(said.get('ALSA-2026:41947')).toBe(
      'affected: rpm: 1:22.22.2-1.module_el8.10.0+4158+e796f37f < 1:22.23.1-1.module_el8.10.0+4231+1bf2f855, in module nodejs:22',
    );
    expect(said.get('ALSA-2026:39868')).toMatch(
      /^not-affected: .*, but only in module nodejs:24, and this build is of module nodejs:22$/,
    );
  });

  it('a build of a module without a label is unknown, and not taken for one outside of modules', async () => {
    const { here } = await explained(NGINX_CVE);

    expect(here).toMatchObject([{ package: { name: 'nginx', module: null }, says: 'unknown' }]);
    expect(here[0]?.evidence[0]?.rule).toMatch(
      /, but only in module nginx:1\.24, and of which stream this build is nobody told$/,
    );
  });

  it('a build outside of modules does not concern them, however low its number', async () => {
    const { answer, here } = await explained(RUBY_CVE);

    expect(answer.here).toBe('no');
    for (const { says, state } of here) expect({ says, state }).toEqual({ says: 'not-affected', state: null });
  });

  it('moved to another stream, it is held against that one', async () => {
    execFileSync('rpm', ['--dbpath', database(), '--justdb', '--nodeps', '--force-debian', '-e', 'nodejs']);
    makeRpmDatabase(
      database(),
      [{ name: 'nodejs', ...NODEJS, module: 'nodejs:24:8100020260401131244:489197e6' }],
      join(host.folder, 'scratch-24'),
    );
    await host.handOver();
    await reported('nodejs:24');

    expect((await explained(CVE)).here).toMatchObject([
      { says: 'affected', fixed: '1:24.18.0-1.module_el8.10.0+4228+2938bc94' },
    ]);
  });
});

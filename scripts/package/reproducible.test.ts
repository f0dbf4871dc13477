// Two builds give the same bytes: from different folders, by different user masks, in other zones and languages, at other times.
import { cpSync, mkdirSync, readdirSync, rmSync, utimesSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createRun } from '@selvage/shared/exec/run.ts';
import { needs } from '@selvage/shared/testing/needs.ts';
import { temporaryFolder } from '@selvage/shared/testing/temporary-folder.ts';
import { expect, it } from 'vitest';

const run = createRun(process.env);
const root = join(import.meta.dirname, '../..');
const folder = temporaryFolder('reproducible');
/** Below a checkout. */
const PROGRAM = relative(root, fileURLToPath(new URL('./testing/build-twice.ts', import.meta.url)));
const BUILD_MS = 300_000;
const EPOCH = '1700000000';

interface Surroundings {
  readonly checkout: string;
  readonly umask: string;
  readonly env: Readonly<Record<string, string>>;
}

async function build(name: string, { checkout, umask, env }: Surroundings): Promise<Readonly<Record<string, string>>> {
  const program = join(checkout, PROGRAM);
  const made = join(folder, name);
  const command = `umask ${umask}; exec "$@"`;
  const { stdout } = await run({
    file: 'sh',
    args: ['-c', command, 'sh', process.execPath, program, checkout, made, EPOCH],
    env,
    deadlineMs: BUILD_MS,
    check: true,
  });

  return JSON.parse(stdout);
}

/** As somebody else would have it: other folders, other times. */
async function otherCheckout(): Promise<string> {
  const copy = join(folder, 'another place/selvage');
  mkdirSync(copy, { recursive: true });
  for (const name of ['agent', 'collector', 'docs', 'packaging', 'proto', 'scripts', 'shared']) {
    cpSync(join(root, name), join(copy, name), { recursive: true });
  }
  for (const name of ['package.json', 'package-lock.json', 'tsconfig.json']) cpSync(join(root, name), join(copy, name));
  // Links of its workspaces lead to its own; the bytes of all others are shared.
  const from = join(root, 'node_modules');
  // Caches of tools are no part of it, and others write to them meanwhile.
  const names = readdirSync(from).filter((name) => !/^\.(cache|vite)/.test(name));
  const modules = [...names.map((name) => join(from, name)), join(copy, 'node_modules')];
  mkdirSync(join(copy, 'node_modules'));
  const linked = await run({ file: 'cp', args: ['--archive', '--link', ...modules], deadlineMs: BUILD_MS });
  if (linked.exitCode !== 0) {
    // Temporary files lie on another disk.
    rmSync(join(copy, 'node_modules'), { recursive: true, force: true });
    mkdirSync(join(copy, 'node_modules'));
    await run({ file: 'cp', args: ['--archive', ...modules], deadlineMs: BUILD_MS, check: true });
  }
  utimesSync(join(copy, 'packaging/agent/vendor/settings.json'), 0, 0);

  return copy;
}

needs(['dpkg-deb', 'rpmbuild', 'patchelf'], 'packages that can be built again', () => {
  it(
    'are the same, byte for byte',
    async () => {
      const here = await build('one', { checkout: root, umask: '022', env: { TZ: 'UTC' } });
      const there = await build('two', {
        checkout: await otherCheckout(),
        umask: '077',
        env: { TZ: 'Pacific/Kiritimati', LC_ALL: 'C.UTF-8', USER: 'somebody' },
      });

      expect(Object.keys(here)).toHaveLength(6);
      expect(there).toEqual(here);
    },
    BUILD_MS * 2,
  );
});

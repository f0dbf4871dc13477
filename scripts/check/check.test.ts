// Plants one violation of each kind in a copy of this checkout and sees `check` refuse every one of them.
import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '@selvage/shared/testing/temporary-folder.ts';
import { beforeAll, describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '../..');
const ROOMS = ['proto', 'shared', 'agent', 'collector'];
const CHECK_DEADLINE_MS = 600_000;

function copyOfCheckout(): string {
  const copy = temporaryFolder('check');
  for (const room of [...ROOMS, 'scripts']) {
    cpSync(join(root, room), join(copy, room), { recursive: true, filter: (path) => !path.includes('node_modules') });
  }
  for (const file of [
    'package.json',
    'tsconfig.json',
    'biome.json',
    'knip.json',
    'vitest.config.ts',
    '.dependency-cruiser.mjs',
  ]) {
    cpSync(join(root, file), join(copy, file));
  }
  mkdirSync(join(copy, 'node_modules/@selvage'), { recursive: true });
  for (const entry of readdirSync(join(root, 'node_modules'))) {
    if (entry !== '@selvage') symlinkSync(join(root, 'node_modules', entry), join(copy, 'node_modules', entry));
  }
  for (const room of ROOMS) symlinkSync(join(copy, room), join(copy, 'node_modules/@selvage', room));

  return copy;
}

function check(folder: string): Promise<{ readonly code: number; readonly output: string }> {
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [join(folder, 'scripts/check.mjs')],
      { cwd: folder, maxBuffer: 64 * 1024 * 1024 },
      (error, stdout, stderr) => resolve({ code: Number(error?.code ?? 0), output: stdout + stderr }),
    );
  });
}

describe('when the tree is as it should be', () => {
  it(
    'passes',
    async () => {
      expect(await check(root)).toEqual({ code: 0, output: expect.stringMatching(/^(ok .*\n)+$/) });
    },
    CHECK_DEADLINE_MS,
  );
});

describe('when violations are planted', () => {
  let result: { readonly code: number; readonly output: string };

  beforeAll(async () => {
    const copy = copyOfCheckout();
    const plant = (path: string, text: string) => writeFileSync(join(copy, path), text);

    plant('agent/runner/planted-import.ts', "import '@selvage/collector/events.ts';\n");
    plant('agent/runner/planted-door.ts', "import 'better-sqlite3';\n");
    plant('shared/exec/planted-a.ts', "import './planted-b.ts';\n");
    plant('shared/exec/planted-b.ts', "import './planted-a.ts';\n");
    plant('shared/random-planted.ts', 'export const nobodyUsesThis = 1;\n');
    plant('shared/schedule/planted-clock.ts', 'export const late = (): number => Date.now();\n');
    plant('shared/schedule/planted-file.ts', "import 'node:fs';\n");
    plant('shared/exec/planted-type.ts', "const number: number = 'text';\nnumber.toFixed();\n");
    plant('shared/exec/planted-lint.ts', 'console.log(1)\n');
    result = await check(copy);
  }, CHECK_DEADLINE_MS);

  it('fails', () => expect(result.code).toBe(1));

  it.each([
    ['a forbidden import', /agent-not-collector: agent\/runner\/planted-import\.ts -> collector\/events\.ts/],
    ['a package past its door', /door-better-sqlite3: agent\/runner\/planted-door\.ts/],
    ['a cycle', /no-cycle: shared\/exec\/planted-[ab]\.ts/],
    ['a dead export', /random-planted\.ts/],
    ['a clock in a pure file', /shared\/schedule\/planted-clock\.ts:1: Date\.now in a pure file/],
    [
      'a file system in a pure file',
      /pure-no-node: shared\/schedule\/planted-file\.ts -> node:fs|pure-no-node: shared\/schedule\/planted-file\.ts -> fs/,
    ],
    ['a wrong type', /planted-type\.ts\(1,7\): error TS2322/],
    ['a lint error', /planted-lint\.ts:1:1 lint\/suspicious\/noConsole/],
  ])('names %s', (_, pattern) => expect(result.output).toMatch(pattern));
});

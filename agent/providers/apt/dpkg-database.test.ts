import { existsSync, mkdirSync, renameSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { asCoded } from '@selvage/shared/errors/coded-error.ts';
import { createRun } from '@selvage/shared/exec/run.ts';
import { temporaryFolder } from '@selvage/shared/testing/temporary-folder.ts';
import { describe, expect, it } from 'vitest';
import { readInstalled } from './dpkg-database.ts';

const FIELDS = ['state', 'name', 'version', 'arch', 'source', 'sourceVersion'] as const;
let number = 0;
const entry = (name: string, version = '1', more = '') =>
  `Package: ${name}\nStatus: install ok installed\nArchitecture: amd64\n${more}Version: ${version}\n\n`;

function database(status: string): { readonly root: string; readonly folder: string } {
  const root = join(temporaryFolder('dpkg'), String(number++));
  const folder = join(root, 'var/lib/dpkg');
  for (const name of ['info', 'updates']) mkdirSync(join(folder, name), { recursive: true });
  writeFileSync(join(folder, 'status'), status);

  return { root, folder };
}

describe('when dpkg runs or was killed', () => {
  it('reads its journal over the status, newest last', async () => {
    const { root, folder } = database(entry('a') + entry('b'));
    writeFileSync(join(folder, 'updates/0009'), entry('a', '2'));
    writeFileSync(join(folder, 'updates/0010'), entry('a', '3'));
    writeFileSync(
      join(folder, 'updates/0011'),
      entry('b').replace('install ok installed', 'deinstall ok config-files'),
    );
    writeFileSync(join(folder, 'updates/tmp.i'), 'Package: b');
    const found = await readInstalled(root);

    expect(found.map(({ name, version }) => [name, version])).toEqual([['a', '3']]);
  });

  it('refuses a torn journal entry', async () => {
    const { root, folder } = database(entry('a'));
    writeFileSync(join(folder, 'updates/0001'), 'Package: a\nStatus: install ok');

    await expect(readInstalled(root)).rejects.toMatchObject({ code: 'PACKAGE_DATABASE_INVALID' });
  });
});

describe('when the status is written while it is read', () => {
  it('gives the old or the new packages, never a part of them', async () => {
    const many = (count: number) => Array.from({ length: count }, (_, index) => entry(`p${index}`)).join('');
    const { root, folder } = database(many(2000));
    let writing = true;
    const writer = (async () => {
      for (let round = 0; writing; round++) {
        writeFileSync(join(folder, 'status-new'), many(round % 2 === 0 ? 1500 : 2000));
        renameSync(join(folder, 'status-new'), join(folder, 'status'));
        await new Promise((resolve) => setTimeout(resolve, 15));
      }
    })();
    const answers = [];
    for (let round = 0; round < 10; round++) {
      answers.push(
        await readInstalled(root).then(
          ({ length }) => length,
          (error) => error.code,
        ),
      );
    }
    writing = false;
    await writer;

    expect(answers.filter((answer) => ![1500, 2000, 'PACKAGE_DATABASE_INVALID'].includes(answer))).toEqual([]);
  });
});

describe('when the database is not there or empty', () => {
  it('refuses a host without a status', async () => {
    await expect(readInstalled(temporaryFolder('none'))).rejects.toMatchObject({ code: 'PACKAGE_DATABASE_INVALID' });
  });

  it('takes an empty status for a new root, but not where packages have files', async () => {
    const { root, folder } = database('');
    expect(await readInstalled(root)).toEqual([]);

    writeFileSync(join(folder, 'info/a.list'), '/.\n');
    await expect(readInstalled(root)).rejects.toMatchObject({ code: 'PACKAGE_DATABASE_INVALID' });
  });
});

describe('when the time of installation is asked', () => {
  it('is that of the file list, of the right architecture', async () => {
    const { root, folder } = database(entry('a') + entry('lib', '1', 'Multi-Arch: same\n') + entry('b'));
    for (const [name, time] of [
      ['a.list', 1_000],
      ['lib:amd64.list', 2_000],
    ] as const) {
      writeFileSync(join(folder, 'info', name), '/.\n');
      utimesSync(join(folder, 'info', name), time, time);
    }

    expect((await readInstalled(root)).map(({ installedAt }) => installedAt)).toEqual([
      '1970-01-01T00:16:40Z',
      '1970-01-01T00:33:20Z',
      null,
    ]);
  });
});

describe.runIf(existsSync('/var/lib/dpkg/status'))('when this host is read', () => {
  it('finds what dpkg-query finds', async () => {
    const fields = ['db:Status-Status', 'Package', 'Version', 'Architecture', 'source:Package', 'source:Version'];
    const format = `${fields.map((field) => `\${${field}}`).join('\t')}\n`;
    const asked = async () => {
      const { stdout } = await createRun({})({ file: 'dpkg-query', args: ['-W', '-f', format], deadlineMs: 60_000 });

      return stdout
        .trim()
        .split('\n')
        .filter((line) => !line.startsWith('config-files') && !line.startsWith('not-installed'))
        .sort();
    };
    let before = await asked();
    let found: readonly string[] = [];
    // Somebody may install something on this machine just now: what counts is a reading between two equal answers.
    for (let after: readonly string[] = []; after.join() !== before.join(); ) {
      if (after.length > 0) before = [...after];
      const all = await readInstalled('/').catch(asCoded);
      found = 'length' in all ? all.map((one) => FIELDS.map((field) => one[field]).join('\t')) : [all.code];
      after = await asked();
    }

    expect([...found].sort()).toEqual(before);
  });
});

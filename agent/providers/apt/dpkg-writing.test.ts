// dpkg's database while somebody writes it: as dpkg does, and badly. What is read is whole and of one moment, or it is an error
// with a code; it is never shorter.
import { mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { asCoded, type CodedError } from '@selvage/shared/errors/coded-error.ts';
import { createRun } from '@selvage/shared/exec/run.ts';
import type { InstalledPackage } from '@selvage/shared/model/package.ts';
import { needs } from '@selvage/shared/testing/needs.ts';
import { temporaryFolder } from '@selvage/shared/testing/temporary-folder.ts';
import { describe, expect, it } from 'vitest';
import { makeSandbox } from '../../../scripts/lab/sandbox.ts';
import { readInstalled } from './dpkg-database.ts';

const top = temporaryFolder('writing');
const COUNT = 400;
const READS = 60;
const INVALID = 'PACKAGE_DATABASE_INVALID';

const stanza = (number: number, version: string) =>
  `Package: p${number}\nStatus: install ok installed\nArchitecture: all\nMaintainer: x <x@example.org>\nVersion: ${version}\nDescription: x\n\n`;
const whole = (version: string) => Array.from({ length: COUNT }, (_, number) => stanza(number, version)).join('');

function database(text = whole('1')) {
  const root = mkdtempSync(join(top, 'root-'));
  const folder = join(root, 'var/lib/dpkg');
  for (const name of ['info', 'updates']) mkdirSync(join(folder, name), { recursive: true });
  for (let number = 0; number < COUNT; number++) writeFileSync(join(folder, `info/p${number}.list`), '/.\n');
  writeFileSync(join(folder, 'status'), text);

  return { root, folder, status: join(folder, 'status') };
}

/*
 * The writers, each in a thread of its own, as text: none of our modules runs in it. `cycle` turns the database from one
 * version into the next.
 */
const STANZA = `const stanza = ${stanza.toString()}; const COUNT = ${COUNT};
const whole = (version) => Array.from({ length: COUNT }, (_, number) => stanza(number, version)).join('');
const fs = require('node:fs'); const { folder, flag } = require('node:worker_threads').workerData;
const stop = new Int32Array(flag);`;
const WRITERS = {
  // dpkg: status-new, link to status-old, rename.
  'as dpkg does, by renaming': `const cycle = (version) => {
    fs.writeFileSync(folder + '/status-new', whole(version));
    fs.rmSync(folder + '/status-old', { force: true });
    fs.linkSync(folder + '/status', folder + '/status-old');
    fs.renameSync(folder + '/status-new', folder + '/status');
  };`,
  // A change per package in updates/, then the status, then the changes go.
  'as dpkg does, through its journal': `const cycle = (version) => {
    for (let number = 0; number < 20; number++) {
      fs.writeFileSync(folder + '/updates/tmp.i', stanza(number, version));
      fs.renameSync(folder + '/updates/tmp.i', folder + '/updates/' + String(number).padStart(4, '0'));
    }
    const text = Array.from({ length: COUNT }, (_, n) => stanza(n, n < 20 ? version : '1')).join('');
    fs.writeFileSync(folder + '/status-new', text);
    fs.renameSync(folder + '/status-new', folder + '/status');
    for (let number = 0; number < 20; number++) fs.rmSync(folder + '/updates/' + String(number).padStart(4, '0'));
  };`,
  // What a reader sees who sleeps for a whole run of dpkg: the same numbers, other changes, and a status not written yet.
  'as dpkg does, with the numbers of its journal used again': `const cycle = (version) => {
    for (let number = 0; number < 20; number++) {
      fs.writeFileSync(folder + '/updates/tmp.i', stanza(number, version));
      fs.renameSync(folder + '/updates/tmp.i', folder + '/updates/' + String(number).padStart(4, '0'));
    }
  };`,
  'badly, in place': `const cycle = (version) => {
    const file = fs.openSync(folder + '/status', 'w');
    for (let number = 0; number < COUNT; number++) fs.writeSync(file, stanza(number, version));
    fs.closeSync(file);
  };`,
} as const;

/** Reads while the writer writes; all answers, and one when it has stopped. */
async function readAgainst(
  root: string,
  folder: string,
  writer: string,
): Promise<(readonly InstalledPackage[] | CodedError)[]> {
  const flag = new SharedArrayBuffer(4);
  const thread = new Worker(
    `${STANZA}${writer} for (let version = 2; Atomics.load(stop, 0) === 0; version++) cycle(String(version));`,
    { eval: true, workerData: { folder, flag } },
  );
  const ended = new Promise<void>((resolve, reject) => thread.once('exit', () => resolve()).once('error', reject));
  const answers: (readonly InstalledPackage[] | CodedError)[] = [];
  for (let read = 0; read < READS; read++) answers.push(await readInstalled(root).catch(asCoded));
  Atomics.store(new Int32Array(flag), 0, 1);
  await ended;
  answers.push(await readInstalled(root));

  return answers;
}

describe('when the database is written while it is read', () => {
  it.each(Object.entries(WRITERS))('%s: whole and of one moment, or an error', async (_, writer) => {
    const { root, folder } = database();
    const answers = await readAgainst(root, folder, writer);

    for (const answer of answers) {
      if (!('length' in answer)) {
        expect(answer.code).toBe(INVALID);
        continue;
      }
      expect(answer).toHaveLength(COUNT);
      const versions = [...answer].sort(byNumber).map(({ version }) => Number(version));
      // One moment: a prefix is newer by one where changes come one by one, else all are the same.
      const changing = versions.slice(0, 20);
      expect(Math.max(...changing) - Math.min(...changing)).toBeLessThanOrEqual(1);
      expect(changing).toEqual([...changing].sort((a, b) => b - a));
      expect(new Set(versions.slice(20)).size).toBe(1);
    }
    expect(answers.at(-1)).toHaveLength(COUNT);
  });
});

describe('when the status is not whole', () => {
  const cuts: readonly (readonly [string, (text: string) => string])[] = [
    ['cut in an entry', (text) => text.slice(0, text.length / 2)],
    ['cut between two entries', (text) => text.slice(0, text.indexOf('\n\n', text.length / 2) + 2)],
    ['without its last entry', (text) => text.slice(0, text.lastIndexOf('Package: '))],
    ['without its first entry', (text) => text.slice(text.indexOf('\n\n') + 2)],
    ['empty', () => ''],
    ['only NUL bytes', (text) => '\0'.repeat(text.length)],
    ['NUL bytes at its end', (text) => `${text.slice(0, -4096)}${'\0'.repeat(4096)}`],
    ['NUL bytes over the border of two entries', (text) => overBorder(text)],
    ['twice the same', (text) => text + text],
    ['another file', () => 'root:x:0:0:root:/root:/bin/bash\n\n'],
    ['Windows line ends', (text) => text.replaceAll('\n', '\r\n')],
  ];

  it.each(cuts)('%s: an error with a code, never fewer packages', async (_, cut) => {
    const { root } = database(cut(whole('1')));
    const answer = await readInstalled(root).catch(asCoded);

    if ('length' in answer) expect(answer).toHaveLength(COUNT);
    else expect([INVALID, 'PARSE']).toContain(answer.code);
  });

  it('NUL bytes are an error by themselves, also where no file lists tell what is missing', async () => {
    const { root, folder } = database(overBorder(whole('1')));
    rmSync(join(folder, 'info'), { recursive: true });

    await expect(readInstalled(root)).rejects.toMatchObject({ code: INVALID });
  });

  it('larger than it may be: FILE_TOO_LARGE, without reading it', async () => {
    const { root, status } = database();
    truncateSync(status, 300 * 1024 * 1024);

    await expect(readInstalled(root)).rejects.toMatchObject({ code: 'FILE_TOO_LARGE' });
  });

  it('a change of a damaged journal is an error', async () => {
    const { root, folder } = database();
    writeFileSync(join(folder, 'updates/0000'), 'Package: p1\nStatus: install ok insta');

    await expect(readInstalled(root)).rejects.toHaveProperty(
      'code',
      expect.stringMatching(/^(PARSE|PACKAGE_DATABASE_INVALID)$/),
    );
  });

  it('what dpkg is only about to write is not read', async () => {
    const { root, folder } = database();
    writeFileSync(join(folder, 'updates/tmp.i'), 'Package: p1\nStatus: install ok insta');
    writeFileSync(join(folder, 'status-new'), 'Package: half');
    writeFileSync(join(folder, 'lock'), '');
    writeFileSync(join(folder, 'lock-frontend'), '');

    expect(await readInstalled(root)).toHaveLength(COUNT);
  });

  it('a package in a state between two says so', async () => {
    const states = ['half-installed', 'unpacked', 'half-configured', 'triggers-awaited', 'triggers-pending'];
    const text = states.map((state, number) => stanza(number, '1').replace('ok installed', `ok ${state}`)).join('');
    const { root } = database(
      text + Array.from({ length: COUNT - 5 }, (_, number) => stanza(number + 5, '1')).join(''),
    );

    expect((await readInstalled(root)).slice(0, 5).map(({ state }) => state)).toEqual(states);
  });
});

needs(['dpkg-deb', 'busybox-static', 'unshare'], 'when the real dpkg works while the database is read', () => {
  it('every reading is whole and of one moment, or an error', async () => {
    const specs = (version: string) => Array.from({ length: 8 }, (_, number) => ({ name: `q${number}`, version }));
    const sandbox = await makeSandbox({
      folder: join(top, 'sandbox'),
      run: createRun({}),
      installed: specs('1'),
    });
    let working = true;
    const work = sandbox.dpkgInstall(specs('2')).finally(() => {
      working = false;
    });
    const answers: (readonly InstalledPackage[] | CodedError)[] = [];
    while (working) answers.push(await readInstalled(sandbox.root).catch(asCoded));
    await work;

    for (const answer of answers) {
      if ('length' in answer) expect(answer).toHaveLength(8);
      else expect(answer.code).toBe(INVALID);
    }
    expect((await readInstalled(sandbox.root)).map(({ version }) => version)).toEqual(Array(8).fill('2'));
    expect(answers.filter((answer) => 'length' in answer).length).toBeGreaterThan(0);
  });
});

function overBorder(text: string): string {
  const at = text.indexOf('\n\n', text.length / 2);
  // From the end of one entry to the description of the next: the second one's name is gone.
  const to = text.indexOf('Description', at);

  return `${text.slice(0, at)}${'\0'.repeat(to - at)}${text.slice(to)}`;
}

function byNumber(one: InstalledPackage, other: InstalledPackage): number {
  return Number(one.name.slice(1)) - Number(other.name.slice(1));
}

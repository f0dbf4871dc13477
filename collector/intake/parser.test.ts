import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { zstdCompressSync } from 'node:zlib';
import { createRun } from '@selvage/shared/exec/run.ts';
import { canonicalJson, sha256 } from '@selvage/shared/files/canonical.ts';
import { temporaryFolder } from '@selvage/shared/testing/temporary-folder.ts';
import { MAX_SECTION_JSON_BYTES } from '@selvage/shared/wire/wire.ts';
import { describe, expect, it } from 'vitest';
import { SectionParser } from './parser.ts';
import { checkSection } from './section.ts';

const bytes = (text: string) => new Uint8Array(Buffer.from(text));
const REBOOT = { required: true, reasons: ['kernel'] };
/** What is asked is not how long it takes here and now. */
const PATIENT = { deadlineMs: 120_000 };
/** Milliseconds. */
const spent = ({ user, system }: NodeJS.CpuUsage) => (user + system) / 1000;
/** JSON that costs far more than its size says: nesting, and entries that are all wrong. */
const COSTLY: readonly [string, 'reboot' | 'repositories', string][] = [
  ['eight million brackets', 'reboot', '['.repeat(MAX_SECTION_JSON_BYTES)],
  ['two million empty entries', 'repositories', `[${'{},'.repeat(2_500_000)}{}]`],
];

describe('when a section costs far more than it weighs', () => {
  it.each(COSTLY)('%s are refused, and the event loop goes on meanwhile', async (_what, name, text) => {
    const zstdJson = zstdCompressSync(text);
    const hash = sha256(text);
    let ticks = 0;
    const ticking = setInterval(() => (ticks += 1), 5);
    const [all, own] = [process.cpuUsage(), process.threadCpuUsage()];
    const checked = checkSection(name, hash, zstdJson, new SectionParser(PATIENT));

    await expect(checked).rejects.toMatchObject({ code: 'FRAME_INVALID' });
    const [allMs, ownMs] = [spent(process.cpuUsage(all)), spent(process.threadCpuUsage(own))];
    clearInterval(ticking);

    // A thousandth of its size on the wire, and it would have held up everybody for most of this time. Of the processor, not of the
    // clock: how much else runs here does not matter.
    expect(zstdJson.length).toBeLessThan(10_000);
    expect(allMs).toBeGreaterThan(100);
    expect(ownMs).toBeLessThan(allMs * 0.6);
    expect(ticks).toBeGreaterThan(5);
  });

  it('one that takes too long is given up, and the next one is read', async () => {
    const parser = new SectionParser({ inlineBytes: 0, deadlineMs: 150 });
    const slow = parser.check('repositories', bytes(`[${'{},'.repeat(2_000_000)}{}]`));
    const next = parser.check('reboot', bytes(canonicalJson(REBOOT)));

    expect(await slow).toContain('longer than 150 ms');
    // The start of the thread that was begun anew does not count; a little section takes less than that on most machines.
    expect([null, expect.stringContaining('longer than')]).toContainEqual(await next);
  });

  it('one that needs too much memory ends the thread, not the collector', async () => {
    const parser = new SectionParser({ ...PATIENT, inlineBytes: 0, memoryMib: 24 });

    expect(await parser.check('repositories', bytes(`[${'{"a":{}},'.repeat(800_000)}{}]`))).toContain(
      'more than 24 MiB',
    );
    expect(await parser.check('reboot', bytes(canonicalJson(REBOOT)))).toBeNull();
  });
});

describe('when the thread takes long to start', () => {
  it('that is not counted against the first section, and what comes after it is', async () => {
    const folder = temporaryFolder('slow-start');
    const file = join(folder, 'slow.mjs');
    const wait = (ms: number) => `Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ${ms});`;
    writeFileSync(
      file,
      `import { parentPort } from 'node:worker_threads';
       let asked = 0;
       parentPort.on('message', () => {
         asked += 1;
         if (asked === 2) ${wait(60_000)}
         parentPort.postMessage(null);
       });
       ${wait(1500)}
       parentPort.postMessage(true);`,
    );
    const parser = new SectionParser({ inlineBytes: 0, deadlineMs: 1000 }, pathToFileURL(file));

    expect(await parser.check('reboot', bytes('{}'))).toBeNull();
    expect(await parser.check('reboot', bytes('{}'))).toContain('longer than 1000 ms');
  });
});

describe('when the thread does not start', () => {
  it('no section is refused for it, and the next one gets another thread', async () => {
    const folder = temporaryFolder('no-start');
    const file = join(folder, 'once.mjs');
    writeFileSync(
      file,
      `import { existsSync, writeFileSync } from 'node:fs';
       import { parentPort } from 'node:worker_threads';
       const hung = ${JSON.stringify(join(folder, 'hung'))};
       if (!existsSync(hung)) {
         writeFileSync(hung, '');
         Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
       }
       parentPort.on('message', () => parentPort.postMessage(null));
       parentPort.postMessage(true);`,
    );
    const parser = new SectionParser({ ...PATIENT, inlineBytes: 0, startMs: 5000 }, pathToFileURL(file));
    const [first, next] = [parser.check('reboot', bytes('{}')), parser.check('reboot', bytes('{}'))];

    await expect(first).rejects.toMatchObject({ code: 'INTERNAL' });
    expect(await next).toBeNull();
  });
});

describe('when sections are read in the thread', () => {
  it('the answer is the one that is given without it', async () => {
    const [inline, threaded] = [new SectionParser(), new SectionParser({ ...PATIENT, inlineBytes: 0 })];
    const texts = [canonicalJson(REBOOT), '{"required":"maybe"}', '{"required":', '\u00ff', 'null', '[]'];
    for (const text of texts) {
      expect(await threaded.check('reboot', bytes(text))).toBe(await inline.check('reboot', bytes(text)));
    }
    expect(inline.running).toBe(false);
    expect(threaded.running).toBe(true);
  });

  it('many at once are answered each with its own, in one thread', async () => {
    const parser = new SectionParser({ ...PATIENT, inlineBytes: 0 });
    const answers = await Promise.all(
      Array.from({ length: 40 }, (_, at) => parser.check('reboot', bytes(at % 2 === 0 ? canonicalJson(REBOOT) : '{}'))),
    );

    expect(answers.map((fault) => fault === null)).toEqual(Array.from({ length: 40 }, (_, at) => at % 2 === 0));
  });

  it('as much waits as there is room for; the rest is let go and unpacked when its turn comes', async () => {
    const parser = new SectionParser({ ...PATIENT, inlineBytes: 0, waitingBytes: 100 });
    const texts = Array.from({ length: 12 }, (_, at) => (at % 3 === 0 ? '{}' : canonicalJson(REBOOT)));
    let again = 0;
    const answers = texts.map((text) =>
      parser.check('reboot', bytes(text), async () => {
        again += 1;
        return bytes(text);
      }),
    );
    const { waitingBytes } = parser;

    expect((await Promise.all(answers)).map((fault) => fault === null)).toEqual(texts.map((text) => text !== '{}'));
    expect(waitingBytes).toBeLessThanOrEqual(100);
    expect(again).toBeGreaterThan(5);
    expect(parser.waitingBytes).toBe(0);
    const lost = parser.check('reboot', bytes('{}'));
    await expect(parser.check('reboot', new Uint8Array(101), () => Promise.reject(new Error('lost')))).rejects.toThrow(
      'lost',
    );
    expect(await lost).not.toBeNull();
    expect(await parser.check('reboot', bytes(canonicalJson(REBOOT)))).toBeNull();
  });

  it('where no thread can be had, nobody waits for ever', async () => {
    // A worker is not made of such an address: it throws at once, as where the system gives no more threads.
    const parser = new SectionParser({ ...PATIENT, inlineBytes: 0 }, new URL('http://127.0.0.1/none.js'));
    const checks = Array.from({ length: 3 }, () => parser.check('reboot', bytes('{}')));

    for (const result of await Promise.allSettled(checks)) expect(result.status).toBe('rejected');
  });

  it('it ends when nothing came for a while', async () => {
    const parser = new SectionParser({ ...PATIENT, inlineBytes: 0, idleMs: 10 });
    await parser.check('reboot', bytes(canonicalJson(REBOOT)));

    await expect.poll(() => parser.running).toBe(false);
    expect(await parser.check('reboot', bytes('{}'))).not.toBeNull();
  });

  it('idle, it keeps no process alive', async () => {
    const parser = new URL('./parser.ts', import.meta.url).href;
    const script = `
      const { SectionParser } = await import('${parser}');
      console.log(await new SectionParser({ inlineBytes: 0, idleMs: 600_000 }).check('users', Buffer.from('[]')));`;
    const file = join(temporaryFolder('parser'), 'once.mjs');
    writeFileSync(file, script);
    const run = createRun({});

    expect(await run({ file: process.execPath, args: [file], deadlineMs: 60_000 })).toMatchObject({
      stdout: 'null\n',
      exitCode: 0,
    });
  });
});

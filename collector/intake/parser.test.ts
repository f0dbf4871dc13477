import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { zstdCompressSync } from 'node:zlib';
import { createRun } from '@selvage/shared/exec/run.ts';
import { canonicalJson, sha256 } from '@selvage/shared/files/canonical.ts';
import { temporaryFolder } from '@selvage/shared/testing/temporary-folder.ts';
import { MAX_SECTION_JSON_BYTES } from '@selvage/shared/wire/wire.ts';
import { describe, expect, it } from 'vitest';
import { monitorLag } from '../metrics/lag.ts';
import { SectionParser } from './parser.ts';
import { checkSection } from './section.ts';

const bytes = (text: string) => new Uint8Array(Buffer.from(text));
const REBOOT = { required: true, reasons: ['kernel'] };
/** JSON that costs far more than its size says: nesting, and entries that are all wrong. */
const COSTLY: readonly [string, 'reboot' | 'repositories', string][] = [
  ['eight million brackets', 'reboot', '['.repeat(MAX_SECTION_JSON_BYTES)],
  ['two million empty entries', 'repositories', `[${'{},'.repeat(2_500_000)}{}]`],
];

describe('when a section costs far more than it weighs', () => {
  it.each(COSTLY)('%s are refused, and the event loop goes on meanwhile', async (_what, name, text) => {
    const zstdJson = zstdCompressSync(text);
    const hash = sha256(text);
    const lag = monitorLag();
    let ticks = 0;
    const ticking = setInterval(() => (ticks += 1), 5);
    const began = performance.now();
    const checked = checkSection(name, hash, zstdJson, new SectionParser({ deadlineMs: 2000 }));

    await expect(checked).rejects.toMatchObject({ code: 'FRAME_INVALID' });
    const ms = performance.now() - began;
    clearInterval(ticking);
    // What was late is noticed at the next look of the monitor.
    for (let look = 0; look < 4; look++) await new Promise((resolve) => setTimeout(resolve, 25));
    const { maxMs } = lag.read();
    lag.close();

    // A thousandth of its size on the wire, and it would have held up everybody for most of this time.
    expect(zstdJson.length).toBeLessThan(10_000);
    expect(ms).toBeGreaterThan(100);
    expect(maxMs).toBeLessThan(ms * 0.8);
    expect(ticks).toBeGreaterThan(5);
  });

  it('one that takes too long is given up, and the next one is read', async () => {
    const parser = new SectionParser({ inlineBytes: 0, deadlineMs: 150 });
    const slow = parser.check('repositories', bytes(`[${'{},'.repeat(2_000_000)}{}]`));
    const next = parser.check('reboot', bytes(canonicalJson(REBOOT)));

    expect(await slow).toContain('longer than 150 ms');
    // The thread that was begun anew may need longer than that to start on a busy machine: the answer is one of two.
    expect([null, expect.stringContaining('longer than')]).toContainEqual(await next);
  });

  it('one that needs too much memory ends the thread, not the collector', async () => {
    const parser = new SectionParser({ inlineBytes: 0, memoryMib: 24 });

    expect(await parser.check('repositories', bytes(`[${'{"a":{}},'.repeat(800_000)}{}]`))).toContain(
      'more than 24 MiB',
    );
    expect(await parser.check('reboot', bytes(canonicalJson(REBOOT)))).toBeNull();
  });
});

describe('when sections are read in the thread', () => {
  it('the answer is the one that is given without it', async () => {
    const [inline, threaded] = [new SectionParser(), new SectionParser({ inlineBytes: 0 })];
    const texts = [canonicalJson(REBOOT), '{"required":"maybe"}', '{"required":', '\u00ff', 'null', '[]'];
    for (const text of texts) {
      expect(await threaded.check('reboot', bytes(text))).toBe(await inline.check('reboot', bytes(text)));
    }
    expect(inline.running).toBe(false);
    expect(threaded.running).toBe(true);
  });

  it('many at once are answered each with its own, in one thread', async () => {
    const parser = new SectionParser({ inlineBytes: 0 });
    const answers = await Promise.all(
      Array.from({ length: 40 }, (_, at) => parser.check('reboot', bytes(at % 2 === 0 ? canonicalJson(REBOOT) : '{}'))),
    );

    expect(answers.map((fault) => fault === null)).toEqual(Array.from({ length: 40 }, (_, at) => at % 2 === 0));
  });

  it('as much waits as there is room for; the rest is let go and unpacked when its turn comes', async () => {
    const parser = new SectionParser({ inlineBytes: 0, waitingBytes: 100 });
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
    const parser = new SectionParser({ inlineBytes: 0 }, new URL('http://127.0.0.1/none.js'));
    const checks = Array.from({ length: 3 }, () => parser.check('reboot', bytes('{}')));

    for (const result of await Promise.allSettled(checks)) expect(result.status).toBe('rejected');
  });

  it('it ends when nothing came for a while', async () => {
    const parser = new SectionParser({ inlineBytes: 0, idleMs: 10 });
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

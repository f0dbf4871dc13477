// Hostile tars, made byte by byte: nothing but the regular files of collect.sh comes out of one, or nothing at all.
import { gzipSync } from 'node:zlib';
import { fc } from '@selvage/shared/testing/properties.ts';
import { describe, expect, it } from 'vitest';
import { openArchive } from './archive.ts';
import { readImportInThread } from './read-import.ts';
import { collected, factsOf, paxRecord, tarOf } from './testing/tar.ts';

const FACTS = { name: 'selvage-collect/facts', content: factsOf() };
const refusal = (text: string | RegExp) =>
  expect.objectContaining({ code: 'IMPORT_INVALID', message: expect.stringMatching(text) });
const open = (...entries: Parameters<typeof tarOf>[0]) => openArchive(tarOf([FACTS, ...entries]));
const GIB = 1024 ** 3;

describe('when a tar of collect.sh is opened', () => {
  it('has its files, whichever tar wrote it', async () => {
    for (const [prefix, magic] of [
      ['', 'ustar\0'],
      ['./', 'ustar '],
    ]) {
      const files = await openArchive(
        tarOf([
          { name: `${prefix}selvage-collect/`, type: '5', magic: magic ?? '' },
          { ...FACTS, name: `${prefix}selvage-collect/facts`, magic: magic ?? '' },
        ]),
      );
      expect([...files.keys()]).toEqual(['facts']);
      expect(Buffer.from(files.get('facts') ?? []).toString()).toBe(factsOf());
    }
  });

  it('may be gzipped, and may carry dates in POSIX headers', async () => {
    const dates = paxRecord('mtime', '1732000000.123') + paxRecord('atime', '1732000000.5');
    const tar = tarOf([{ name: 'PaxHeaders/facts', type: 'x', content: dates }, FACTS]);

    expect([...(await openArchive(new Uint8Array(gzipSync(tar)))).keys()]).toEqual(['facts']);
  });
});

describe('when a tar holds what collect.sh never writes', () => {
  it.each([
    ['../../etc/cron.d/x', {}],
    ['/etc/passwd', {}],
    ['selvage-collect/../facts', {}],
    ['selvage-collect/sub/facts', {}],
    ['selvage-collect/os-release/x', {}],
    ['selvage-collect//facts', {}],
    ['selvage-collect', {}],
    ['other/facts', {}],
    ['selvage-collect/extra', {}],
    ['selvage-collect/FACTS', {}],
    ['selvage-collect/\x1b[2Jfacts', {}],
    ['', {}],
  ])('refuses the name %j and says it', async (name) => {
    await expect(open({ name, content: 'x' })).rejects.toEqual(refusal(/is no file of collect\.sh/));
  });

  it.each([
    ['1', 'a hard link'],
    ['2', 'a symbolic link'],
    ['3', 'a device'],
    ['4', 'a device'],
    ['6', 'a pipe'],
    ['7', 'a contiguous file'],
    ['S', 'a sparse file'],
    ['g', 'a header for all files'],
    ['L', 'a long name'],
    ['K', 'a long link'],
    ['Z', 'of the unknown type'],
  ])('refuses type %s: %s', async (type, what) => {
    await expect(open({ name: 'selvage-collect/os-release', type, link: '/etc/shadow' })).rejects.toEqual(
      refusal(`"selvage-collect/os-release" is ${what}`),
    );
  });

  it('refuses a file that is there twice', async () => {
    await expect(open(FACTS)).rejects.toEqual(refusal(/"selvage-collect\/facts" is in the tar twice/));
    await expect(open({ ...FACTS, name: './selvage-collect/facts' })).rejects.toEqual(refusal(/twice/));
  });

  it.each([
    ['path', '/etc/passwd'],
    ['size', '10737418240'],
    ['linkpath', '/etc/shadow'],
    ['GNU.sparse.major', '1'],
    ['GNU.sparse.realsize', '10737418240'],
    ['hdrcharset', 'BINARY'],
  ])('refuses the POSIX header %s', async (key, value) => {
    const pax = { name: 'PaxHeaders/x', type: 'x', content: paxRecord(key, value) };

    await expect(open(pax, { name: 'selvage-collect/os-release', content: 'ID=x\n' })).rejects.toEqual(
      expect.objectContaining({ code: 'IMPORT_INVALID' }),
    );
  });

  it('refuses a POSIX header that is a bomb', async () => {
    const bomb = paxRecord('comment', 'x'.repeat(100_000));

    await expect(open({ name: 'PaxHeaders/x', type: 'x', content: bomb })).rejects.toEqual(refusal(/its header has/));
  });

  it('refuses more entries than there are files', async () => {
    const many = Array.from({ length: 100 }, () => ({ name: 'selvage-collect/', type: '5' }));

    await expect(open(...many)).rejects.toEqual(refusal(/more than 64 entries/));
  });

  it('refuses a tar without facts, and what is no tar', async () => {
    await expect(openArchive(tarOf([{ name: 'selvage-collect/os-release', content: '' }]))).rejects.toEqual(
      refusal(/not from collect\.sh/),
    );
    for (const bytes of ['root:x:0:0:root:/root:/bin/bash\n'.repeat(100), '', 'x', 'PK\x03\x04'.repeat(500)]) {
      await expect(openArchive(Buffer.from(bytes))).rejects.toEqual(refusal(''));
    }
  });
});

describe('when sizes lie', () => {
  it.each([
    ['10 GB in octal digits', 10 * GIB - 1],
    ['8 GiB without one', 8 * GIB - 1],
    ['one more than there is', 10_000_000],
  ])('refuses %s, without taking the memory', async (_, size) => {
    const before = process.memoryUsage().rss;
    await expect(open({ name: 'selvage-collect/dpkg-status', size, content: 'x' })).rejects.toEqual(
      refusal(/"selvage-collect\/dpkg-status" (is said to have|has no size)/),
    );
    expect(process.memoryUsage().rss - before).toBeLessThan(GIB / 4);
  });

  it.each([
    ['a binary size', '\x80\0\0\0\0\0\0\x02\x80\0\0\0'],
    ['a negative binary size', '\xff'.repeat(12)],
    ['no digits', 'many bytes..'],
    ['a sign', '-0000000001\0'],
  ])('refuses %s', async (_, size) => {
    await expect(open({ name: 'selvage-collect/dpkg-status', size })).rejects.toEqual(refusal(''));
  });

  it('refuses a folder with a content, and a wrong sum of a header', async () => {
    await expect(open({ name: 'selvage-collect/', type: '5', content: 'x' })).rejects.toEqual(
      refusal(/is a folder of 1/),
    );
    await expect(open({ name: 'selvage-collect/os-release', checksum: 7 })).rejects.toEqual(refusal(/damaged/));
  });

  it('refuses a gzip bomb, a cut gzip and gzip in gzip', async () => {
    const bomb = gzipSync(Buffer.alloc(200 * 1024 * 1024), { level: 9 });
    await expect(openArchive(new Uint8Array(bomb))).rejects.toEqual(refusal(/unpacks to more than 67108864 bytes/));
    const whole = gzipSync(collected());
    await expect(openArchive(new Uint8Array(whole.subarray(0, whole.length / 2)))).rejects.toEqual(
      refusal(/is damaged/),
    );
    await expect(openArchive(new Uint8Array(gzipSync(whole)))).rejects.toEqual(refusal(/no tar/));
  });
});

describe('when a good tar is cut or changed anywhere', () => {
  it('gives all of its files or none: a cut one is refused', async () => {
    const whole = collected();

    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: whole.length - 1025 }), async (length) => {
        await expect(openArchive(whole.slice(0, length))).rejects.toEqual(refusal(''));
      }),
      { numRuns: 200 },
    );
  });

  it('never throws anything but a refusal, whatever bytes are changed', async () => {
    const whole = collected();

    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { minLength: 1, maxLength: 20 }),
        async (changes) => {
          const bytes = whole.slice();
          for (const [at, byte] of changes) bytes[at] = byte;
          await openArchive(bytes).catch((error: unknown) => expect(error).toEqual(refusal('')));
        },
      ),
      { numRuns: 300 },
    );
  });
});

describe('when a tar is read in a thread', () => {
  it('the event loop goes on meanwhile', async () => {
    let turns = 0;
    const ticking = setInterval(() => {
      turns += 1;
    }, 1);
    const status = Array.from(
      { length: 20_000 },
      (_, index) => `Package: p${index}\nStatus: install ok installed\nArchitecture: all\nVersion: 1\n\n`,
    ).join('');
    const read = await readImportInThread(collected({ 'dpkg-status': status, 'dpkg-times': '' }));
    clearInterval(ticking);

    expect(read.facts.packages).toBe(20_000);
    expect(turns).toBeGreaterThan(5);
  });

  it('one that takes too long or too much is refused, and the thread ended', async () => {
    await expect(readImportInThread(collected(), { deadlineMs: 1 })).rejects.toEqual(refusal(/longer than 1 ms/));
    const status = 'A: 1\n\n'.repeat(1_000_000);
    await expect(readImportInThread(collected({ 'dpkg-status': status }), { memoryMib: 16 })).rejects.toEqual(
      refusal(/more than 16 MiB/),
    );
  });

  it('a refusal comes out as it was', async () => {
    await expect(readImportInThread(tarOf([{ name: '../x' }]))).rejects.toEqual(refusal(/"\.\.\/x"/));
  });
});

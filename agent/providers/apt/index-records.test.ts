import { fc } from '@selvage/shared/testing/properties.ts';
import { describe, expect, it } from 'vitest';
import { createEntryReader, readRecords } from './index-records.ts';

const INDEX = `Package: apt
Source: apt (2.6)
Version: 2.6.1
Architecture: amd64
Maintainer: Jörg <j@example.org>
Size: 100
Description: Package: bash
 .
 Package: bash

Package: apt-utils
Version: 2.6.1
Architecture: amd64
Size: 7


Package: bash
Version: 5.2
Architecture: amd64
Size: 200

Source: odd
Package: zsh
Version: 1

Package: bash
Version: 5.3
Architecture: amd64
Size: 300
`;
const NAMES = new Set(['apt', 'bash', 'zsh', 'absent']);
const ALL = [
  ['apt', expect.stringContaining('Jörg')],
  ['bash', expect.stringMatching(/^Package: bash\nVersion: 5.2\n(?:.+\n)*Size: 200$/)],
  ['bash', expect.stringMatching(/^Package: bash\nVersion: 5.3\n(?:.+\n)*Size: 300\n$/)],
];

function entriesOf(pieces: readonly Uint8Array[]): readonly (readonly string[])[] {
  const found: (readonly string[])[] = [];
  const reader = createEntryReader(NAMES, (name, entry) => found.push([name, entry]));
  for (const piece of pieces) reader.add(piece);
  reader.end();
  expect(reader.isBroken()).toBe(false);

  return found;
}

describe('when an index is read piece by piece', () => {
  it('finds the entries with the names, and not what only mentions them', () => {
    expect(entriesOf([Buffer.from(INDEX)])).toEqual(ALL);
  });

  it('finds the same wherever the pieces are cut', () => {
    const bytes = Buffer.from(INDEX);
    const cuts = fc.array(fc.nat({ max: bytes.length }), { maxLength: 12 });

    fc.assert(
      fc.property(cuts, (at) => {
        const sorted = [0, ...[...at].sort((a, b) => a - b), bytes.length];
        const pieces = sorted.slice(1).map((end, index) => bytes.subarray(sorted[index], end));

        expect(entriesOf(pieces)).toEqual(ALL);
      }),
      { numRuns: 200 },
    );
  });

  it('stops keeping what never ends', () => {
    const reader = createEntryReader(NAMES, () => undefined);
    const piece = Buffer.from('x'.repeat(1024 * 1024));
    for (let count = 0; count < 5; count++) reader.add(piece);

    expect(reader.isBroken()).toBe(true);
  });
});

describe('when a record is asked for', () => {
  const recordsOf = (files: Readonly<Record<string, string>>) =>
    readRecords(
      async (_file, [, path = ''], options) => {
        options?.onBytes?.(Buffer.from(files[path.split('/').at(-1) ?? ''] ?? ''));

        return '';
      },
      { names: NAMES, lists: '/lists', indexes: Object.keys(files) },
    );
  const bash = (size: number, rest = '') =>
    `Package: bash\nVersion: 5.2\nArchitecture: amd64\nSize: ${size}\n${rest}\n`;
  const wanted = { name: 'bash', arch: 'amd64', candidate: '5.2' };

  it('is the one of exactly that version and architecture', async () => {
    const records = await recordsOf({ x_Packages: INDEX });

    expect(records.find(wanted)?.fields.get('size')).toBe('200');
    expect(records.find({ ...wanted, candidate: '5.3' })?.fields.get('size')).toBe('300');
    expect(records.find({ ...wanted, arch: 'i386' })).toBeNull();
    expect(records.find({ ...wanted, candidate: '5.20' })).toBeNull();
    // Not understood in the index: then apt is asked.
    expect(records.find({ name: 'zsh', arch: 'amd64', candidate: '1' })).toBeNull();
  });

  it('is one where several repositories say the same, none where they do not', async () => {
    const same = await recordsOf({ a_Packages: bash(1), b_Packages: bash(1, 'Filename: elsewhere\n') });
    const sizes = await recordsOf({ a_Packages: bash(1), b_Packages: bash(2) });
    const sources = await recordsOf({ a_Packages: bash(1), b_Packages: bash(1, 'Source: bash (5)\n') });
    const phases = await recordsOf({ a_Packages: bash(1), b_Packages: bash(1, 'Phased-Update-Percentage: 10\n') });

    expect(same.find(wanted)?.fields.get('size')).toBe('1');
    expect([sizes, sources, phases].map((records) => records.find(wanted))).toEqual([null, null, null]);
  });

  it('refuses an index that is beyond all bounds', async () => {
    await expect(recordsOf({ a_Packages: 'x'.repeat(5 * 1024 * 1024) })).rejects.toMatchObject({ code: 'PARSE' });
  });
});

import { describe, expect, it } from 'vitest';
import { type ReadOptions, readList } from './reading.ts';

const options: ReadOptions = { skipInvalid: false, now: '2026-11-23T16:00:00Z' };
const read = (text: string | Uint8Array, over: Partial<ReadOptions> = {}) =>
  readList(typeof text === 'string' ? new TextEncoder().encode(text) : text, { ...options, ...over });

function errorsOf(act: () => unknown): unknown {
  try {
    act();
  } catch (error) {
    return (error as { details: { errors?: unknown } }).details.errors;
  }

  return 'nothing was thrown';
}

describe('when a table has machines that cannot be taken', () => {
  const TABLE =
    'name,mac,owner\nweb-1,02:00:00:00:00:01,\n,02:00:00:00:00:02,ann\nweb-1,,\nWEB-1,,\ndb-1,nonsense,\nbell\u0007,,\n"two\nlines",,\nshort\n';

  it('says every one with its line, and takes none', () => {
    expect(errorsOf(() => read(TABLE))).toEqual([
      { path: 'line 3', message: 'it has no name' },
      { path: 'line 4', message: 'web-1 is in line 2 already' },
      { path: 'line 5', message: 'WEB-1 is in line 2 already' },
      { path: 'line 6', message: '"nonsense" is no MAC address' },
      { path: 'line 7', message: 'name: column 5: U+0007 is not printable' },
      { path: 'line 9', message: 'name: column 4: U+000A is not printable' },
      { path: 'line 10', message: 'it has 1 cells, the titles are 3' },
    ]);
  });

  it('leaves them out where that is meant, and says how many', () => {
    const { assets, skipped } = read(TABLE, { skipInvalid: true });

    expect(assets.map(({ name }) => name)).toEqual(['web-1']);
    expect(skipped).toHaveLength(7);
  });

  it('a name that was given again after its machine had gone is no name twice', () => {
    const { assets } = read('name,serial,state\nweb-1,S1,retired\nweb-1,S2,active\nweb-1,S0,disposed\n');

    expect(assets.map(({ serial, expected }) => [serial, expected])).toEqual([
      ['S1', false],
      ['S2', true],
      ['S0', false],
    ]);
    expect(errorsOf(() => read('name,state\nweb-1,active\nweb-1,retired\nweb-1,stopped\n'))).toEqual([
      { path: 'line 4', message: 'web-1 is in line 2 already' },
    ]);
  });

  it('says the first hundred of very many', () => {
    const errors = errorsOf(() => read(`name\n${'x\n'.repeat(500)}`));

    expect(errors).toHaveLength(101);
    expect((errors as unknown[]).at(-1)).toEqual({ path: '', message: 'and 399 more' });
  });
});

describe('when titles are written in other ways', () => {
  it.each([
    ['Computer Name,Serial-No\nweb-1,S1\n', ','],
    ['DEVICE_NAME\tService Tag\nweb-1\tS1\n', 'tab'],
    ['"Host";"SN"\n"web-1";"S1"\n', ';'],
    ['VM,serial number,notes\nweb-1,S1,"a, b"\n', ', with more columns'],
  ])('%j is understood', (text) => {
    expect(read(text).assets).toEqual([expect.objectContaining({ name: 'web-1', serial: 'S1', line: 2 })]);
  });

  it('a table that ends in a million empty lines is read like any other', () => {
    expect(read(`name\nweb-1\n${'\n'.repeat(1_000_000)}`).assets).toMatchObject([{ name: 'web-1' }]);
  });

  it('a table without a name of machines is refused and says which titles there are', () => {
    expect(() => read('serial,mac\nS1,02:00:00:00:00:01\n', { format: 'csv' })).toThrow(
      /such as name, hostname or fqdn/,
    );
    expect(() => read('web-1\nweb-2\n')).toThrow(expect.objectContaining({ code: 'ASSETS_INVALID' }));
  });

  it('markup and quotes in a name stay what they are', () => {
    const name = `<b>"x" & 'y'</b>`;

    expect(read(`name\n"${name.replaceAll('"', '""')}"\n`).assets[0]?.name).toBe(name);
  });
});

describe('when the encoding is another', () => {
  it.each([
    ['Latin-1', Buffer.from('name\nweb-1\nmüller\n', 'latin1'), /line 3 is not UTF-8 \(byte 0xFC\)/],
    [
      'Windows-1252',
      Buffer.from([...Buffer.from('name\n'), 0x93, 0x78, 0x94, 0x0a]),
      /line 2 is not UTF-8 \(byte 0x93\)/,
    ],
    ['a character that is cut', Buffer.from([...Buffer.from('name\nx'), 0xc3]), /line 2 is not UTF-8/],
    ['UTF-16 that is cut', Buffer.from('\uFEFFname\nweb-1\n', 'utf16le').subarray(0, -1), /ends in the middle/],
    ['UTF-16 with half a pair', Buffer.from([0xff, 0xfe, 0x00, 0xd8, 0x41, 0x00]), /is none/],
    ['bytes', Buffer.from('name\nx\0y\n'), /line 2 holds a NUL/],
  ])('%s is refused with its line, not guessed', (_, text, message) => {
    expect(() => read(text)).toThrow(
      expect.objectContaining({ code: 'ASSETS_INVALID', message: expect.stringMatching(message) }),
    );
  });

  it('letters of other languages are what they are in UTF-8 and UTF-16', () => {
    for (const text of [Buffer.from('name\nmüller-мир\n'), Buffer.from('\uFEFFname\nmüller-мир\n', 'utf16le')]) {
      expect(read(text).assets[0]?.name).toBe('müller-мир');
    }
  });
});

describe('when a cloud lists what no table would', () => {
  const instance = (id: string, over: object = {}) => ({ InstanceId: id, State: { Name: 'running' }, ...over });

  it('names that several instances have are no error, ids are', () => {
    const tags = { Tags: [{ Key: 'Name', Value: 'web' }] };

    expect(
      read(JSON.stringify([[instance('i-1', tags)], [instance('i-2', tags)]])).assets.map(({ name }) => name),
    ).toEqual(['web', 'web']);
    expect(errorsOf(() => read(JSON.stringify([instance('i-1'), instance('I-1')])))).toEqual([
      { path: 'entry 2', message: 'I-1 is in entry 1 already' },
    ]);
  });

  it('an entry of another shape is said with its number', () => {
    expect(errorsOf(() => read(JSON.stringify([instance('i-1'), { InstanceId: 'i-2' }])))).toEqual([
      { path: 'entry 2', message: expect.stringContaining('State') },
    ]);
  });

  it('a document nested too deep is refused', () => {
    expect(() => read(`${'['.repeat(200_000)}${']'.repeat(200_000)}`)).toThrow(
      expect.objectContaining({ code: 'ASSETS_INVALID' }),
    );
  });
});

import { createRun } from '@selvage/shared/exec/run.ts';
import { canonicalJson, sha256 } from '@selvage/shared/files/canonical.ts';
import { type Inventory, SECTION_NAMES } from '@selvage/shared/model/inventory.ts';
import { describe, expect, it } from 'vitest';
import { packInventory } from '../inventory/parcel.ts';
import { decodeParcel, parcelFromChild } from './parcel.ts';

const failed = { ok: false, code: 'PARSE', reason: 'line 7' } as const;
const inventory = {
  takenAt: '2026-03-01T12:00:00.123456789Z',
  sections: {
    ...Object.fromEntries(SECTION_NAMES.map((name) => [name, failed])),
    users: { ok: true, data: [{ name: 'root', uid: 0, shell: '/bin/sh', home: '/root' }] },
    containers: { ok: true, data: [] },
  },
} as unknown as Inventory;
const containers = sha256(canonicalJson([]));

describe('when an inventory is packed', () => {
  it('holds the hash of every section and the content of those that were not sent before', async () => {
    const parcel = await packInventory(inventory, { containers });

    expect(parcel.sections.map(({ name }) => name)).toEqual(SECTION_NAMES);
    expect(parcel.sections).toContainEqual({ name: 'containers', sha256: containers, code: '', reason: '' });
    expect(parcel.sections).toContainEqual({ name: 'os', sha256: null, code: 'PARSE', reason: 'line 7' });
    expect(Object.keys(parcel.changed)).toEqual(['users']);
  });

  it('survives the way to its parent', async () => {
    const parcel = await packInventory(inventory, {});

    expect(decodeParcel(JSON.stringify(parcel))).toEqual(parcel);
  });
});

describe('when the child prints something else', () => {
  const whole = async () => JSON.parse(JSON.stringify(await packInventory(inventory, {})));

  it.each([
    ['a section less', (parcel: Broken) => parcel.sections.pop()],
    ['a hash that is none', (parcel: Broken) => Object.assign(parcel.sections[0] ?? {}, { sha256: 'ab' })],
    ['a name that leads elsewhere', (parcel: Broken) => Object.assign(parcel.changed, { '../host.key': 'AAAA' })],
    ['content that is not base64', (parcel: Broken) => Object.assign(parcel.changed, { users: '<html>' })],
    ['no instant', (parcel: Broken) => Object.assign(parcel, { takenAt: 'noon' })],
  ])('%s, nothing of it is kept', async (_, breakIt) => {
    const parcel = await whole();
    breakIt(parcel);

    expect(() => decodeParcel(JSON.stringify(parcel))).toThrow(expect.objectContaining({ code: 'PARSE' }));
  });
});

interface Broken {
  readonly sections: object[];
  readonly changed: object;
}

describe('when the child does not come to its end', () => {
  const run = createRun({});
  const child = (script: string, deadline = 10_000) =>
    parcelFromChild(run, { file: '/bin/sh', args: ['-c', script], deadline }, { containers });

  it('is told what was sent', async () => {
    const asked = child(`read -r sent; echo "$sent" >&2; exit 3`);

    await expect(asked).rejects.toMatchObject({ code: 'PROCESS_FAILED', message: expect.stringContaining(containers) });
  });

  it('keeps nothing of a document that was cut', async () => {
    await expect(child(`printf '{"takenAt":"2026-11-23T12:00:00Z","sections":['`)).rejects.toMatchObject({
      code: 'PARSE',
    });
  });

  it('tells that it was killed', async () => {
    await expect(child('kill -9 $$')).rejects.toMatchObject({ code: 'PROCESS_FAILED' });
    await expect(child('sleep 30', 100)).rejects.toMatchObject({ code: 'PROCESS_DEADLINE' });
  });
});

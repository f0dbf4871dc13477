// Which import is the machine's newest, and which is refused: on a real database.
import { join } from 'node:path';
import type { Timestamp } from '@selvage/shared/model/ids.ts';
import { systemRandom } from '@selvage/shared/random.ts';
import { fakeClock } from '@selvage/shared/testing/fake-clock.ts';
import { temporaryFolder } from '@selvage/shared/testing/temporary-folder.ts';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Store } from '../store/ports.ts';
import { hostSample } from '../store/samples.ts';
import { openStore } from '../store/store.ts';
import { createImporting, type ImportRequest } from './importing.ts';
import { readImport } from './reading.ts';
import { collected, factsOf } from './testing/tar.ts';

const NOW = '2026-11-23T16:00:00Z';
let store: Store;
let importing: ReturnType<typeof createImporting>;
const clock = fakeClock(NOW);

beforeEach(async () => {
  store = await openStore({ file: join(temporaryFolder('imports'), 'selvage.db'), clock });
  importing = createImporting({ store, clock, random: systemRandom, read: readImport });
});
afterEach(() => store.close());

const bring = (facts: Readonly<Record<string, string>> = {}, over: Partial<ImportRequest> = {}) =>
  importing({ bytes: collected({ facts: factsOf(facts) }), name: 'hmi-07', by: 'admin:ann', ...over });
const current = async () => (await store.read.imports.list()).map(({ name, asOf, state }) => [name, asOf, state]);
const NEWER = { now: '2026-11-22T10:00:00Z' };
const OLDER = { now: '2026-11-01T10:00:00Z' };

describe('when a machine is imported', () => {
  it('is kept with its sections as of its own clock, and the ledger says by whom', async () => {
    const { record, before, unchanged } = await bring({}, { labels: { line: ['3'] }, owner: 'Ann' });

    expect([before, unchanged]).toEqual([null, false]);
    expect(record).toMatchObject({ name: 'hmi-07', asOf: '2026-11-20T10:00:00Z', asOfFrom: 'machine', owner: 'Ann' });
    const inventory = await store.read.imports.inventory(record.id);
    expect(inventory?.sections.packages).toMatchObject({ ok: true });
    expect(inventory?.sections.agent).toMatchObject({ ok: false, code: 'NOT_BUILT' });
    const each = await Array.fromAsync(store.read.imports.eachSection('packages'));
    expect(each.map(({ import: id, data }) => [id, data?.length])).toEqual([[record.id, 2]]);
    expect(await store.read.audit.head()).toMatchObject({
      ...{ actor: 'admin:ann', action: 'host.imported', subject: 'hmi-07' },
      details: { sha256: record.sha256, asOf: record.asOf },
    });
  });

  it('is no host: nothing that looks at hosts sees it', async () => {
    await bring();

    expect(await store.read.hosts.list()).toEqual([]);
    expect(await Array.fromAsync(store.read.inventory.eachSection('packages'))).toEqual([]);
  });

  it('of a clock that cannot be, says so and takes the date of the file', async () => {
    const { record } = await bring({ now: '2033-01-01T00:00:00Z' }, { fileDate: '2026-11-21T08:00:00Z' });

    expect(record).toMatchObject({ asOf: '2026-11-21T08:00:00Z', asOfFrom: 'file', clock: '2033-01-01T00:00:00Z' });
    expect(record.facts.warnings).toHaveLength(1);
  });

  it('keeps nothing of a file that is refused', async () => {
    await bring();
    await expect(bring({ format: '9' })).rejects.toMatchObject({ code: 'IMPORT_INVALID' });

    expect(await store.read.imports.history('hmi-07', 9)).toHaveLength(1);
    expect((await store.read.audit.after(0, 99)).length).toBe(1);
  });
});

describe('when a machine is imported again', () => {
  it('a newer file takes the place, keeps labels and owner, and the one before is history without sections', async () => {
    const first = await bring({}, { labels: { line: ['3'] }, owner: 'Ann' });
    const second = await bring(NEWER);

    expect(second.record).toMatchObject({ labels: { line: ['3'] }, owner: 'Ann' });
    expect(second.before?.id).toBe(first.record.id);
    expect(await current()).toEqual([['hmi-07', '2026-11-22T10:00:00Z', 'current']]);
    expect(await store.read.imports.history('hmi-07', 9)).toEqual([
      expect.objectContaining({ id: second.record.id }),
      expect.objectContaining({ id: first.record.id, state: 'replaced', endedBy: `import:${second.record.id}` }),
    ]);
    expect(await store.read.imports.inventory(first.record.id)).toBeNull();
  });

  it('the same file changes nothing, unless something else is said of it', async () => {
    await bring();
    expect(await bring()).toMatchObject({ unchanged: true });
    expect(await bring({}, { owner: 'Bob' })).toMatchObject({ unchanged: false, record: { owner: 'Bob' } });
    expect(await store.read.imports.history('hmi-07', 9)).toHaveLength(2);
  });

  it('an older file is refused, and taken where that is meant', async () => {
    await bring();
    await expect(bring(OLDER)).rejects.toMatchObject({
      code: 'ALREADY_EXISTS',
      next: expect.stringContaining('--replace-older'),
    });
    expect(await current()).toEqual([['hmi-07', '2026-11-20T10:00:00Z', 'current']]);

    await bring(OLDER, { replaceOlder: true });
    expect(await current()).toEqual([['hmi-07', '2026-11-01T10:00:00Z', 'current']]);
  });

  it('another machine of that name is refused, and taken where that is meant', async () => {
    await bring();
    const other = { ...NEWER, machine: 'b'.repeat(64), hostname: 'hmi-99' };
    await expect(bring(other)).rejects.toMatchObject({
      code: 'ALREADY_EXISTS',
      next: expect.stringContaining('--replace'),
    });

    expect((await bring(other, { replace: true })).record.hostname).toBe('hmi-99');
  });
});

describe('when a machine has an agent', () => {
  it('its name is refused, as long as the host is trusted', async () => {
    await store.transaction(({ hosts }) => hosts.add(hostSample(1, { name: 'hmi-07' })));
    await expect(bring()).rejects.toMatchObject({ code: 'HOST_NAME_TAKEN', details: { host: hostSample(1).id } });

    await store.transaction(({ hosts }) => hosts.revoke(hostSample(1).id, NOW as Timestamp));
    expect((await bring()).record.state).toBe('current');
  });

  it('that comes later, the import is history in the same transaction', async () => {
    const { record } = await bring();
    await store.transaction(({ hosts }) => hosts.add(hostSample(1, { name: 'hmi-07' })));

    expect(await current()).toEqual([]);
    expect(await store.read.imports.byName('hmi-07')).toMatchObject({
      ...{ id: record.id, state: 'superseded', endedBy: `host:${hostSample(1).id}` },
    });
    expect(await store.read.imports.inventory(record.id)).not.toBeNull();
    await expect(bring(NEWER)).rejects.toMatchObject({ code: 'HOST_NAME_TAKEN' });
  });

  it('that only waits to be accepted, the import goes on until it is', async () => {
    await bring();
    await store.transaction(({ hosts }) => hosts.add(hostSample(1, { name: 'hmi-07', acceptedAt: null })));
    expect(await current()).toHaveLength(1);

    await store.transaction(({ hosts }) => hosts.accept(hostSample(1).id, NOW as Timestamp));
    expect(await current()).toEqual([]);
  });

  it('of another name, nothing happens', async () => {
    await bring();
    await store.transaction(({ hosts }) => hosts.add(hostSample(1, { name: 'hmi-08' })));

    expect(await current()).toHaveLength(1);
  });
});

describe('when an imported machine is retired', () => {
  it('is listed no more, and its name is free', async () => {
    await bring();
    await store.transaction(({ imports }) => imports.retire('hmi-07', NOW as Timestamp, 'admin:ann'));

    expect(await current()).toEqual([]);
    expect((await store.read.imports.byName('hmi-07'))?.state).toBe('retired');
    expect((await bring(OLDER)).before).toBeNull();
  });

  it('another is NOT_FOUND', async () => {
    await expect(
      store.transaction(({ imports }) => imports.retire('hmi-07', NOW as Timestamp, 'admin:ann')),
    ).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});

describe('when many come at once', () => {
  it('they are taken one after the other, and the newest stays', async () => {
    const days = ['2026-11-10', '2026-11-11', '2026-11-12', '2026-11-13'];
    await Promise.all(days.map((day) => bring({ now: `${day}T00:00:00Z` })));

    expect(await current()).toEqual([['hmi-07', '2026-11-13T00:00:00Z', 'current']]);
  });
});

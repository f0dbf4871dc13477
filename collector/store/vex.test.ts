import { setImmediate } from 'node:timers/promises';
import { sha256 } from '@selvage/shared/files/canonical.ts';
import type { Timestamp } from '@selvage/shared/model/ids.ts';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { productSample, statementSample } from '../vex/testing/samples.ts';
import { AT } from './samples.ts';
import { freshStores } from './testing/fresh-store.ts';
import type { ScannerReport, VexDocument } from './vex-ports.ts';

const freshStore = freshStores('vex');
const document = (id: string, over: Partial<VexDocument> = {}): VexDocument => ({
  ...{ id, format: 'openvex', document: 'https://example.org/1', version: '1', author: 'vendor', at: AT },
  ...{ file: 'vendor.json', sha256: sha256(id), importedAt: AT, importedBy: 'admin:ann', statements: 0 },
  ...over,
});
const report = (over: Partial<ScannerReport> = {}): ScannerReport => ({
  ...{ machine: 'host:1', scanner: 'Nessus', scannedAt: AT, file: 'x', sha256: sha256('x'), comparedAt: AT },
  ...{ comparedBy: 'admin:ann', rows: [{ cve: 'CVE-2024-1', package: null, group: 'open', answer: 'none' }] },
  ...over,
});

describe('when VEX documents are kept', () => {
  it('come back word for word in their order, however many statements there are', async () => {
    const store = await freshStore();
    const many = Array.from({ length: 1200 }, (_, at) => statementSample({ detail: `statement ${at}` }));
    await store.transaction(async ({ vex }) => {
      await vex.add(document('b', { statements: many.length }), many);
      await vex.add(document('a'), [statementSample({ status: 'fixed' })]);
    });

    expect((await store.read.vex.documents()).map(({ id }) => id)).toEqual(['b', 'a']);
    const statements = await store.read.vex.statements();
    expect(statements.filter((each) => each.document === 'b').map(({ statement }) => statement)).toEqual(many);
    expect(statements).toHaveLength(1201);
  });

  it('the same file is there once; what is removed is gone with its statements', async () => {
    const store = await freshStore();
    await store.transaction(({ vex }) => vex.add(document('a'), [statementSample()]));

    await expect(store.transaction(({ vex }) => vex.add(document('a'), []))).rejects.toThrow(
      expect.objectContaining({ code: 'ALREADY_EXISTS' }),
    );
    await store.transaction(({ vex }) => vex.remove('a'));
    expect([await store.read.vex.documents(), await store.read.vex.statements()]).toEqual([[], []]);
    await expect(store.transaction(({ vex }) => vex.remove('a'))).rejects.toThrow(
      expect.objectContaining({ code: 'NOT_FOUND' }),
    );
  });

  it('of a document at its limits others have their turns meanwhile, and all of it is there together', async () => {
    const store = await freshStore();
    const products = Array.from({ length: 1000 }, (_, number) => productSample(`pkg:deb/debian/p${number}`));
    const all = Array.from({ length: 60 }, (_, number) => statementSample({ products, detail: `part ${number}` }));
    // Every step takes longer than a turn may: however fast the machine is, others come in after each.
    let now = 0;
    vi.spyOn(performance, 'now').mockImplementation(() => (now += 1000));
    onTestFinished(() => void vi.restoreAllMocks());
    const during = async (work: Promise<unknown>) => {
      const running = new Set(['it']);
      const seen: number[] = [];
      const ended = work.finally(() => running.clear());
      while (running.size > 0) {
        await setImmediate();
        seen.push((await store.read.vex.documents()).length);
      }
      await ended;

      return seen;
    };
    const adding = await during(store.transaction(({ vex }) => vex.add(document('a', { statements: 60 }), all)));
    const reading = await during(store.read.vex.statements());

    expect(adding.length).toBeGreaterThan(50);
    expect(new Set(adding.slice(0, 50))).toEqual(new Set([0]));
    expect(reading.length).toBeGreaterThan(50);
    expect((await store.read.vex.statements()).map(({ statement }) => statement.detail)).toEqual(
      all.map(({ detail }) => detail),
    );
  });

  it('a document whose last statement could not be read again leaves nothing behind', async () => {
    const store = await freshStore();
    const products = Array.from({ length: 1000 }, (_, number) => productSample(`pkg:deb/debian/p${number}`));
    const all = Array.from({ length: 20 }, () => statementSample({ products }));
    const wrong = [...all, statementSample({ at: 'yesterday' as Timestamp })];

    await expect(store.transaction(({ vex }) => vex.add(document('a'), wrong))).rejects.toThrow(
      expect.objectContaining({ code: 'STORE_FAILED' }),
    );
    expect([await store.read.vex.documents(), await store.read.vex.statements()]).toEqual([[], []]);
  });

  it('what could not be read again is not stored', async () => {
    const store = await freshStore();
    const wrong = statementSample({ at: 'yesterday' as Timestamp });

    await expect(store.transaction(({ vex }) => vex.add(document('a'), [wrong]))).rejects.toThrow(
      expect.objectContaining({ code: 'STORE_FAILED' }),
    );
    expect(await store.read.vex.documents()).toEqual([]);
  });
});

describe('when reports of scanners are kept', () => {
  it('the last of each scanner and machine counts', async () => {
    const store = await freshStore();
    await store.transaction(({ scanners }) =>
      scanners.put([report(), report({ scanner: 'Qualys' }), report({ machine: 'host:2' })]),
    );
    await store.transaction(({ scanners }) => scanners.put([report({ scannedAt: null, rows: [] })]));
    const found = await store.read.scanners.ofMachine('host:1');

    expect(found).toEqual([report({ scannedAt: null, rows: [] }), report({ scanner: 'Qualys' })]);
    expect(await store.read.scanners.ofMachine('host:3')).toEqual([]);
  });

  it('of a whole fleet others have their turns meanwhile, and all of it is there together', async () => {
    const store = await freshStore();
    const { rows: some } = report();
    const rows = Array.from({ length: 1000 }, () => some).flat();
    const all = Array.from({ length: 20 }, (_, number) => report({ machine: `host:${number}`, rows }));
    const running = new Set(['the transaction']);
    const seen: number[] = [];
    const put = store.transaction(({ scanners }) => scanners.put(all)).finally(() => running.clear());
    while (running.size > 0) {
      await setImmediate();
      seen.push((await store.read.scanners.ofMachine('host:0')).length);
    }
    await put;

    expect(seen.length).toBeGreaterThan(5);
    expect(seen.slice(0, 5)).toEqual([0, 0, 0, 0, 0]);
    expect((await store.read.scanners.ofMachine('host:19'))[0]?.rows).toHaveLength(1000);
  });
});

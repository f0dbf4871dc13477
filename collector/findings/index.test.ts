// The fleet in memory: who has what, by which names, and that a machine's change moves only what changed.
import { fc } from '@selvage/shared/testing/properties.ts';
import { describe, expect, it } from 'vitest';
import { inTurns } from '../api/in-turns.ts';
import { packList, scanPresent, unpackList, unpackPast } from './packing.ts';
import { Postings } from './postings.ts';
import { sampleFleet } from './testing/sample-fleet.ts';

const number = fc.integer({ min: 1, max: 2 ** 31 });
const time = fc.integer({ min: 0, max: 2 ** 43 });

describe('when a list is packed', () => {
  it('what is unpacked is the same, in the order of numbers', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.record({ variant: number, since: time }), { selector: ({ variant }) => variant }),
        fc.array(fc.record({ variant: number, since: time, until: time })),
        (present, past) => {
          const bytes = packList({ present, past });
          const sorted = present.toSorted((a, b) => a.variant - b.variant);
          expect(unpackList(bytes)).toEqual({ present: sorted, past });
          expect(unpackPast(bytes)).toEqual(past);
          const scanned: unknown[] = [];
          scanPresent(bytes, (variant, since) => scanned.push({ variant, since }));
          expect(scanned).toEqual(sorted);
        },
      ),
    );
  });

  it('bytes that are cut, or of another kind, are refused', () => {
    const bytes = packList({ present: [{ variant: 300, since: 1_700_000_000_000 }], past: [] });
    for (let length = 0; length < bytes.length; length++) {
      const cut = bytes.subarray(0, length);
      expect(() => unpackList(cut)).toThrow(expect.objectContaining({ code: 'STORE_FAILED' }));
      expect(() => unpackPast(cut)).toThrow(expect.objectContaining({ code: 'STORE_FAILED' }));
    }
    expect(() => unpackList(new Uint8Array(64).fill(255))).toThrow(expect.objectContaining({ code: 'STORE_FAILED' }));
    expect(() => unpackList(Uint8Array.of(2, 0, 0, 0))).toThrow(expect.objectContaining({ code: 'STORE_FAILED' }));
  });

  it('six hundred packages that came at one time take two kilobytes', () => {
    const present = Array.from({ length: 600 }, (_, index) => ({ variant: index * 7 + 1, since: 1_700_000_000_000 }));
    expect(packList({ present, past: [] }).length).toBeLessThan(2000);
  });
});

describe('when numbers are listed', () => {
  it('they are there once, ascending, whatever the order of adding and removing', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.boolean(), fc.integer({ min: 0, max: 60 }))), (steps) => {
        const [postings, truth] = [new Postings(), new Set<number>()];
        for (const [add, value] of steps) {
          if (add) postings.add(value);
          else postings.remove(value);
          if (add) truth.add(value);
          else truth.delete(value);
        }
        expect([...postings]).toEqual([...truth].sort((a, b) => a - b));
        expect(postings.size).toBe(truth.size);
      }),
    );
  });
});

describe('when machines come, change and go', () => {
  const openssl = { name: 'openssl', version: '3.0.11-1', binaries: [['libssl3', '3.0.11-1']] } as const;
  const make = () =>
    sampleFleet({
      machines: [
        { name: 'a', software: [openssl, { name: 'bash', version: '5.2' }] },
        { name: 'b', software: [{ ...openssl, binaries: [['openssl', '3.0.11-1']] }] },
      ],
      matches: [{ name: 'openssl', version: '3.0.11-1', matches: [{ cve: 'CVE-2026-1', fixed: '3.0.12-1' }] }],
    });
  const names = (fleet: ReturnType<typeof make>, name: string) =>
    fleet.byName(name).flatMap((id) => [...fleet.machinesWith(id)].map((key) => fleet.machines.get(key)?.name));

  it('software is found by name, and two forms of one are one', () => {
    const fleet = make();
    expect(names(fleet, 'openssl')).toEqual(['a', 'b']);
    expect([...fleet.ids()]).toHaveLength(2);
    const [a] = fleet.machines.values();
    expect(a && fleet.affected(a.key)).toEqual([{ id: 1, since: '2026-03-01T12:00:00Z' }]);
    expect(a?.software).toHaveLength(2);
  });

  it('one that has another form of the same keeps it; one that goes has nothing', async () => {
    const fleet = make();
    const [a, b] = [...fleet.machines.keys()];
    const [record, facts] = [a && fleet.machines.get(a), a && fleet.factsOf(a)];
    if (!a || !b || !record || !facts) throw new Error('no machines');
    const variant = fleet.variantsOf(b)[0] ?? 0;
    fleet.putMachine(record, facts, packList({ present: [{ variant, since: 0 }], past: [] }));
    expect(names(fleet, 'openssl')).toEqual(['a', 'b']);
    expect(names(fleet, 'bash')).toEqual([]);
    expect(fleet.machines.get(a)).not.toBe(record);
    fleet.dropMachine(a);
    expect(names(fleet, 'openssl')).toEqual(['b']);
    const unused = await inTurns(fleet.unusedSteps());
    expect(unused.map((id) => fleet.software(id).name)).toEqual(['bash']);
    fleet.dropSoftware(unused);
    expect([...fleet.everNamed('bash')]).toEqual([]);
  });

  it('one whose packages are not known any more has none, and has them again later', () => {
    const fleet = make();
    const a = fleet.machines.values().next().value;
    if (!a) throw new Error('no machine');
    fleet.describeMachine(a, { unknown: 'dpkg was interrupted' });
    expect(names(fleet, 'openssl')).toEqual(['b']);
    expect(fleet.machines.get(a.key)?.software).toEqual([]);
    fleet.describeMachine(a, { unknown: null });
    expect(names(fleet, 'openssl')).toEqual(['a', 'b']);
  });
});

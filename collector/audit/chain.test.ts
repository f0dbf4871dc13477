import { hasCode } from '@selvage/shared/errors/coded-error.ts';
import { sha256 } from '@selvage/shared/files/canonical.ts';
import type { Timestamp } from '@selvage/shared/model/ids.ts';
import { fc } from '@selvage/shared/testing/properties.ts';
import { describe, expect, it } from 'vitest';
import type { AuditEntry } from '../store/ports.ts';
import { entryHash, GENESIS, type Head, START, verifyChain } from './chain.ts';

const AT = '2026-03-01T12:00:00Z' as Timestamp;

interface Fact {
  readonly actor: string;
  readonly subject: string;
  readonly details: Readonly<Record<string, unknown>>;
}

function chainOf(facts: readonly Fact[]): AuditEntry[] {
  const entries: AuditEntry[] = [];
  for (const fact of facts) {
    const body = {
      sequence: entries.length + 1,
      at: AT,
      action: 'test.done',
      previous: entries.at(-1)?.hash ?? GENESIS,
      ...fact,
    };
    entries.push({ ...body, hash: entryHash(body) });
  }

  return entries;
}

const headOf = (entries: readonly AuditEntry[]): Head => entries.at(-1) ?? START;
const fact = fc.record({
  actor: fc.string({ minLength: 1 }),
  subject: fc.string(),
  details: fc.dictionary(fc.string(), fc.jsonValue() as fc.Arbitrary<unknown>, { maxKeys: 3 }),
});
const ledger = fc.array(fact, { minLength: 2, maxLength: 12 }).map(chainOf);
const at = (entries: readonly AuditEntry[], index: number): AuditEntry => {
  const entry = entries[index];
  if (!entry) throw new RangeError(`no entry ${index}`);

  return entry;
};

/** What is wrong and where, null when the entries verify. */
function verdict(entries: readonly AuditEntry[], options: Parameters<typeof verifyChain>[1] = {}) {
  try {
    verifyChain(entries, options);

    return null;
  } catch (error) {
    if (!hasCode(error, 'AUDIT_BROKEN')) throw error;

    return error.details;
  }
}

/** One of many ways to change one field of an entry. */
const change = fc.constantFrom<(entry: AuditEntry) => AuditEntry>(
  (entry) => ({ ...entry, at: '2026-03-01T12:00:01Z' as Timestamp }),
  (entry) => ({ ...entry, actor: `${entry.actor}x` }),
  (entry) => ({ ...entry, action: 'test.undone' }),
  (entry) => ({ ...entry, subject: `${entry.subject} ` }),
  (entry) => ({ ...entry, details: { ...entry.details, added: null } }),
  (entry) => ({ ...entry, previous: sha256(entry.previous) }),
  (entry) => ({ ...entry, hash: sha256(entry.hash) }),
  (entry) => ({ ...entry, sequence: entry.sequence + 1 }),
  (entry) => ({ ...entry, sequence: entry.sequence - 1 }),
);

describe('when nothing was touched', () => {
  it('verifies whole, in pages and against any head of before', () => {
    fc.assert(
      fc.property(ledger, fc.nat(), (entries, luck) => {
        const cut = luck % entries.length;
        const first = verifyChain(entries.slice(0, cut));
        const second = verifyChain(entries.slice(cut), { from: first.head, expected: headOf(entries) });

        expect(first.checked + second.checked).toBe(entries.length);
        expect(verdict(entries, { expected: headOf(entries.slice(0, cut)) })).toBeNull();
        expect(verifyChain(entries)).toEqual({ ok: true, checked: entries.length, head: second.head });
      }),
    );
  });

  it('verifies an empty ledger', () => {
    expect(verifyChain([])).toEqual({ ok: true, checked: 0, head: START });
  });
});

describe('when one entry was touched', () => {
  it('finds any changed field at the entry itself', () => {
    fc.assert(
      fc.property(ledger, fc.nat(), change, (entries, luck, alter) => {
        const index = luck % entries.length;
        const touched = entries.with(index, alter(at(entries, index)));

        expect(verdict(touched)).toMatchObject({ sequence: index + 1 });
      }),
    );
  });

  it('finds one whose hash was made to fit at the entry after it, and the last against its known head', () => {
    fc.assert(
      fc.property(ledger, fc.nat(), (entries, luck) => {
        const index = luck % entries.length;
        const body = { ...at(entries, index), actor: 'admin:eve2' };
        const touched = entries.with(index, { ...body, hash: entryHash(body) });
        const last = index === entries.length - 1;

        expect(verdict(touched, { expected: headOf(entries) })).toEqual(
          last ? { sequence: index + 1, wrong: 'changed' } : { sequence: index + 2, wrong: 'unlinked' },
        );
      }),
    );
  });

  it('finds one that was taken out', () => {
    fc.assert(
      fc.property(ledger, fc.nat(), (entries, luck) => {
        const index = luck % (entries.length - 1);

        expect(verdict(entries.toSpliced(index, 1))).toEqual({ sequence: index + 1, wrong: 'gap' });
      }),
    );
  });

  it('finds one that was taken out with all later ones numbered anew', () => {
    fc.assert(
      fc.property(ledger, fc.nat(), (entries, luck) => {
        const index = luck % (entries.length - 1);
        const closed = entries
          .toSpliced(index, 1)
          .map((entry, place) => ({ ...entry, sequence: place + 1 }))
          .map((entry, place) => (place < index ? entry : { ...entry, hash: entryHash(entry) }));

        expect(verdict(closed)).toEqual({ sequence: index + 1, wrong: 'unlinked' });
      }),
    );
  });

  it('finds two that changed places', () => {
    fc.assert(
      fc.property(ledger, fc.nat(), fc.nat(), (entries, luck, more) => {
        const one = luck % entries.length;
        const two = (one + 1 + (more % (entries.length - 1))) % entries.length;
        const swapped = entries.with(one, at(entries, two)).with(two, at(entries, one));

        expect(verdict(swapped)).toEqual({ sequence: Math.min(one, two) + 1, wrong: 'reordered' });
      }),
    );
  });

  it('finds one that was put in, a copy or one of its own with a fitting hash', () => {
    fc.assert(
      fc.property(ledger, fact, fc.nat(), fc.boolean(), (entries, added, luck, copy) => {
        const index = luck % entries.length;
        const body = { ...at(entries, index), ...added, action: 'test.forged' };
        const forged = copy ? at(entries, index) : { ...body, hash: entryHash(body) };

        expect(verdict(entries.toSpliced(index, 0, forged))).not.toBeNull();
      }),
    );
  });
});

describe('when the end is missing', () => {
  it('is found against a known head, at the first entry that is gone', () => {
    fc.assert(
      fc.property(ledger, fc.nat(), (entries, luck) => {
        const kept = luck % entries.length;
        const expected = headOf(entries);

        expect(verdict(entries.slice(0, kept), { expected })).toEqual({ sequence: kept + 1, wrong: 'cut' });
        // Without one it cannot be found: what is left is a whole ledger.
        expect(verdict(entries.slice(0, kept))).toBeNull();
      }),
    );
  });

  it('is found when other entries were written in its place', () => {
    const entries = chainOf([1, 2, 3].map((number) => ({ actor: 'a', subject: `${number}`, details: {} })));
    const anew = chainOf([1, 2, 4, 5].map((number) => ({ actor: 'a', subject: `${number}`, details: {} })));

    expect(verdict(anew)).toBeNull();
    expect(verdict(anew, { expected: headOf(entries) })).toEqual({ sequence: 3, wrong: 'changed' });
  });
});

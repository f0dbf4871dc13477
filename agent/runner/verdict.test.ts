import { sha256 } from '@selvage/shared/files/canonical.ts';
import type { WindowDocument } from '@selvage/shared/policy/documents.ts';
import { approvalSample, patchPolicySample, windowSample } from '@selvage/shared/policy/testing/sample-documents.ts';
import { windowAt } from '@selvage/shared/schedule/window.ts';
import { fc } from '@selvage/shared/testing/properties.ts';
import { compareDebVersions } from '@selvage/shared/versions/deb.ts';
import { describe, expect, it } from 'vitest';
import type { Selected } from './selection.ts';
import { installedPackage, OPENSSL } from './testing/bench.ts';
import type { Now } from './time-floor.ts';
import { type VerdictFacts, verdictOf } from './verdict.ts';

const at = (text: string) => Temporal.Instant.from(text);
const IN_WINDOW = at('2026-11-24T01:30:00Z');
const now: Now = { floor: IN_WINDOW, clock: IN_WINDOW, steady: IN_WINDOW, seen: IN_WINDOW };
const selected = (over: Partial<Selected> = {}): Selected => ({
  approval: approvalSample({ packages: [OPENSSL] }),
  approvalSha256: 'a'.repeat(64),
  policy: patchPolicySample({ offline: { actUntil: '7d' } }),
  lane: { approve: 'manual', delay: '0h', window: 'weekday-nights', rings: [{ rest: true }] },
  window: windowSample(),
  holds: [],
  ...over,
});
const facts = (over: Partial<VerdictFacts> = {}): VerdictFacts => ({
  host: { id: 'h', key: sha256('runner'), name: 'db-1', os: { id: 'debian', idLike: [], version: '12' }, labels: {} },
  mode: 'managed',
  zone: 'UTC',
  acceptedAt: '2026-11-23T00:00:00Z',
  signedAt: null,
  installed: [installedPackage()],
  compare: compareDebVersions,
  firstSeen: () => '2026-11-20T00:00:00Z',
  now,
  ...over,
});

describe('when a verdict is "go"', () => {
  const times = fc.integer({ min: 0, max: 60 * 24 * 40 }).map((minutes) => at('2026-11-15T00:00:00Z').add({ minutes }));
  const windows: fc.Arbitrary<WindowDocument | null> = fc.option(
    fc
      .record({
        days: fc.uniqueArray(fc.constantFrom<'mon' | 'wed' | 'sun'>('mon', 'wed', 'sun'), { minLength: 1 }),
        start: fc.constantFrom('00:00', '01:00', '22:30'),
        for: fc.constantFrom('30m', '3h', '26h'),
      })
      .map((over) => windowSample(over)),
  );

  it('is inside the window by every reading of the clock, due, fresh and not expired', () => {
    fc.assert(
      fc.property(windows, times, times, times, times, fc.nat(100), (window, one, other, third, seen, delay) => {
        const [clock, floor] = Temporal.Instant.compare(one, other) <= 0 ? [one, other] : [other, one];
        const steady = Temporal.Instant.compare(third, clock) <= 0 ? third : clock;
        const subject = selected({ window, lane: { ...selected().lane, delay: `${delay}h` } });
        const verdict = verdictOf(
          subject,
          facts({ now: { clock, floor, steady, seen: floor }, firstSeen: () => seen.toString() }),
        );
        if (verdict.kind !== 'go') return;

        if (window)
          for (const instant of [clock, floor, steady]) expect(windowAt(window, instant, 'UTC').open).toBe(true);
        for (const instant of [clock, steady]) {
          expect(Temporal.Instant.compare(instant, seen.add({ hours: delay }))).toBeGreaterThanOrEqual(0);
          expect(Temporal.Instant.compare(instant, at(subject.approval.approvedAt))).toBeGreaterThanOrEqual(0);
        }
        expect(Temporal.Instant.compare(floor, at(subject.approval.expires))).toBeLessThan(0);
        expect(Temporal.Instant.compare(floor, at('2026-11-30T00:00:00Z'))).toBeLessThan(0);
      }),
      { numRuns: 3000 },
    );
  });

  it('names the window and when it closes', () => {
    expect(verdictOf(selected(), facts())).toEqual({
      kind: 'go',
      packages: [OPENSSL],
      window: 'weekday-nights',
      closes: at('2026-11-24T04:00:00Z'),
    });
    expect(verdictOf(selected({ window: null }), facts())).toMatchObject({ kind: 'go', window: 'any', closes: null });
  });
});

describe('when a package is held', () => {
  const hold = (pattern: string, until = '2027-01-31') => [{ package: pattern, until, owner: 'ops', reason: 'driver' }];

  it.each([
    ['openssl', 'refused'],
    ['open*', 'refused'],
    ['*', 'refused'],
    ['open', 'go'],
    ['opens.l', 'go'],
    ['lib*', 'go'],
  ])('%s is %s', (pattern, kind) => {
    expect(verdictOf(selected({ holds: hold(pattern) }), facts()).kind).toBe(kind);
  });

  it('lets go after the last day of the hold', () => {
    expect(verdictOf(selected({ holds: hold('*', '2026-11-24') }), facts())).toMatchObject({ code: 'HELD' });
    expect(verdictOf(selected({ holds: hold('*', '2026-11-23') }), facts())).toMatchObject({ kind: 'go' });
  });
});

import { fc } from '@selvage/shared/testing/properties.ts';
import { describe, expect, it } from 'vitest';
import { AHEAD_MS, overdueOf, type TrustOfHost } from './overdue.ts';

const NOW = Temporal.Instant.from('2026-11-23T12:00:00Z');
const DAY_MS = 24 * 3_600_000;
const at = (ms: number) => NOW.add({ milliseconds: ms });
const policy = (ends: Record<string, string>) => ({ acceptedAt: NOW.toString(), versions: {}, ends });
const trust = (over: Partial<TrustOfHost> = {}): TrustOfHost => ({
  certificate: { notBefore: NOW, notAfter: at(30 * DAY_MS) },
  authorities: [at(3650 * DAY_MS)],
  policy: policy({ root: at(300 * DAY_MS).toString(), timestamp: at(DAY_MS / 2).toString() }),
  ...over,
});
const names = (given: TrustOfHost, now: Temporal.Instant) => overdueOf(given, now).map(({ what }) => what);

describe("when a host looks at its own trust's ends", () => {
  it('says nothing while everything is renewed in time', () => {
    expect(names(trust(), NOW)).toEqual([]);
    // Due at 20 days, and 3 more are given.
    expect(names({ ...trust(), policy: null }, at(23 * DAY_MS - 1))).toEqual([]);
    expect(names({ certificate: null, authorities: [], policy: null }, NOW)).toEqual([]);
  });

  it('names a certificate that was not renewed, before and after its end', () => {
    const lone = { ...trust(), policy: null };
    expect(overdueOf(lone, at(23 * DAY_MS))).toMatchObject([
      {
        what: 'certificate',
        message: expect.stringContaining('ends in 7d'),
        next: expect.stringContaining('collector'),
      },
    ]);

    expect(overdueOf(lone, at(31 * DAY_MS))[0]?.message).toContain('ended 1d');
  });

  it('names a role thirty days ahead, what the collector refreshes only when it has ended', () => {
    const ends = { policy: at(AHEAD_MS).toString(), timestamp: at(1).toString(), snapshot: NOW.toString() };

    expect(names(trust({ policy: policy(ends) }), NOW)).toEqual(['policy snapshot', 'policy policy']);
    expect(names(trust({ policy: policy({ root: at(AHEAD_MS + 1).toString() }) }), NOW)).toEqual([]);
  });

  it('of several authorities the last counts', () => {
    expect(names(trust({ authorities: [at(-DAY_MS), at(3650 * DAY_MS)] }), NOW)).toEqual([]);
    expect(names(trust({ authorities: [at(-DAY_MS), at(AHEAD_MS)] }), NOW)).toEqual(['authority']);
  });

  it('time alone takes nothing off the list', () => {
    const moment = fc.integer({ min: -100, max: 500 }).map((days) => at(days * DAY_MS));
    const anyTrust = fc.record({
      certificate: fc.option(
        fc.tuple(moment, fc.integer({ min: 1, max: 60 })).map(([notBefore, days]) => ({
          notBefore,
          notAfter: notBefore.add({ milliseconds: days * DAY_MS }),
        })),
      ),
      authorities: fc.array(moment, { maxLength: 4 }),
      policy: fc.option(
        fc
          .dictionary(
            fc.constantFrom('root', 'targets', 'policy', 'snapshot', 'timestamp'),
            moment.map((each) => each.toString()),
          )
          .map(policy),
      ),
    });

    fc.assert(
      fc.property(anyTrust, moment, fc.integer({ min: 0, max: 400 }), (given, now, days) => {
        const later = new Set(names(given, now.add({ hours: 24 * days })));

        for (const what of names(given, now)) expect(later).toContain(what);
      }),
      { numRuns: 300 },
    );
  });
});

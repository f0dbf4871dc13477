import { LIFETIME_MS, MAX_ROOT_STEPS } from '@selvage/shared/policy/limits.ts';
import { fc } from '@selvage/shared/testing/properties.ts';
import { describe, expect, it } from 'vitest';
import { HOST_CERTIFICATE_MS } from '../enrollment/limits.ts';
import {
  AHEAD_MS,
  type Alarm,
  type AlarmFacts,
  alarmsOf,
  type EndingKind,
  MAX_HOSTS_NAMED,
  REFRESH_GRACE_MS,
  RENEWAL_GRACE_MS,
  SEVERITIES,
  URGENT_MS,
} from './alarms.ts';

const NOW = Temporal.Instant.from('2026-11-23T12:00:00Z');
const DAY_MS = 24 * 3_600_000;
const at = (ms: number) => NOW.add({ milliseconds: ms });
const KINDS: readonly EndingKind[] = [
  'hosts-authority',
  'admins-authority',
  'gateway-certificate',
  'api-certificate',
  'admin-certificate',
  'root',
  'role',
];
const facts = (over: Partial<AlarmFacts> = {}): AlarmFacts => ({
  ends: [],
  online: { snapshot: at(LIFETIME_MS.snapshot).toString(), timestamp: at(LIFETIME_MS.timestamp).toString() },
  hosts: [],
  doubts: [],
  behind: [],
  refusing: [],
  roots: 1,
  ...over,
});
const short = ({ severity, kind, subject }: Alarm) => [severity, kind, subject];
const ending = (kind: EndingKind, ms: number, subject = '') => ({ kind, subject, ends: at(ms).toString() });

describe('when nothing ends soon', () => {
  it('there is no alarm', () => {
    const ends = KINDS.map((kind) => ending(kind, AHEAD_MS + 1));
    const hosts = [{ name: 'web-1', ends: at(HOST_CERTIFICATE_MS / 3).toString() }];

    expect(alarmsOf(facts({ ends, hosts }), NOW)).toEqual([]);
    expect(alarmsOf(facts({ online: null }), NOW)).toEqual([]);
  });
});

describe('when something ends', () => {
  it.each(KINDS)('%s is said thirty days ahead, urgently in the last week, and stays when it has ended', (kind) => {
    const ends = [ending(kind, AHEAD_MS, 'x')];

    expect(alarmsOf(facts({ ends }), NOW).map(short)).toEqual([['warning', kind, 'x']]);
    expect(alarmsOf({ ...facts({ ends }), online: null }, at(AHEAD_MS - URGENT_MS)).map(short)).toEqual([
      ['urgent', kind, 'x'],
    ]);
    for (const later of [AHEAD_MS, 3650 * DAY_MS]) {
      expect(alarmsOf({ ...facts({ ends }), online: null }, at(later)).map(short)).toEqual([['critical', kind, 'x']]);
    }
  });

  it('each says what it stops and the next command', () => {
    const ends = KINDS.map((kind) => ending(kind, DAY_MS, 'x'));
    for (const alarm of alarmsOf(facts({ ends }), NOW)) {
      expect([alarm.kind, alarm.next]).toEqual([alarm.kind, expect.stringMatching(/selvage /)]);
      expect(alarm.stops.length).toBeGreaterThan(20);
      expect(alarm.message).toContain('ends in 1d');
    }
  });

  it('what helps an admin before the end is another thing than what helps after it', () => {
    const next = (ms: number) => alarmsOf(facts({ ends: [ending('admin-certificate', ms, 'ann')] }), NOW)[0]?.next;

    expect(next(DAY_MS)).toContain('selvage status');
    expect(next(0)).toBe('another admin runs: selvage admin revoke ann, then selvage admin add ann');
  });

  it('the worst comes first', () => {
    const ends = [ending('role', 20 * DAY_MS, 'a'), ending('root', -DAY_MS), ending('role', DAY_MS, 'b')];

    expect(alarmsOf(facts({ ends }), NOW).map(({ severity }) => severity)).toEqual(['critical', 'urgent', 'warning']);
  });
});

describe('when the collector does not refresh', () => {
  it.each(['timestamp', 'snapshot'] as const)('%s is said once its half and the grace are over', (kind) => {
    const left = LIFETIME_MS[kind] / 2 - REFRESH_GRACE_MS;
    const online = (ms: number) => ({ ...facts().online, snapshot: '', timestamp: '', [kind]: at(ms).toString() });
    const other = kind === 'timestamp' ? 'snapshot' : 'timestamp';
    const facing = (ms: number) =>
      facts({ online: { ...online(ms), [other]: at(LIFETIME_MS[other]).toString() } as AlarmFacts['online'] });

    expect(alarmsOf(facing(left + 1), NOW)).toEqual([]);
    expect(alarmsOf(facing(left), NOW).map(short)).toEqual([['urgent', kind, '']]);
    expect(alarmsOf(facing(0), NOW).map(short)).toEqual([['critical', kind, '']]);
  });
});

describe('when a host has not renewed', () => {
  const left = HOST_CERTIFICATE_MS / 3 - RENEWAL_GRACE_MS;
  const host = (ms: number, name = 'web-1') => ({ name, ends: at(ms).toString() });

  it('it is named after two thirds of the life and the grace, and until an admin has looked', () => {
    expect(alarmsOf(facts({ hosts: [host(left + 1)] }), NOW)).toEqual([]);
    expect(alarmsOf(facts({ hosts: [host(left)] }), NOW).map(short)).toEqual([
      ['warning', 'host-certificate', 'web-1'],
    ]);
    const [away] = alarmsOf(facts({ hosts: [host(-91 * DAY_MS)] }), NOW);
    expect(away).toMatchObject({ severity: 'critical', next: 'selvage host readmit web-1' });
  });

  it('of a fleet that sleeps the first are named and the rest are counted', () => {
    const hosts = Array.from({ length: 3 * MAX_HOSTS_NAMED }, (_, number) => host(number - DAY_MS, `h-${number}`));
    const alarms = alarmsOf(facts({ hosts }), NOW);

    expect(alarms).toHaveLength(MAX_HOSTS_NAMED + 1);
    expect(alarms.map(({ subject }) => subject)).toContain('h-0');
    expect(alarms.find(({ subject }) => subject === `${2 * MAX_HOSTS_NAMED} more hosts`)).toBeDefined();
  });
});

describe('when hosts say more than is here', () => {
  it('the way back is named', () => {
    const behind = [{ role: 'policy', version: 7, here: 5, count: 2, hosts: ['web-1', 'web-2'] }];
    const refusing = [{ code: 'POLICY_ROLLED_BACK' as const, count: 2, hosts: ['web-1', 'web-2'] }];
    const alarms = alarmsOf(facts({ behind, refusing }), NOW);

    expect(alarms.map(short)).toEqual([
      ['critical', 'policy-behind', 'policy'],
      ['urgent', 'policy-refused', 'POLICY_ROLLED_BACK'],
    ]);
    expect(alarms.every(({ next }) => next.startsWith('selvage policy recover'))).toBe(true);
  });

  it('roots that are nearly used up are said', () => {
    expect(alarmsOf(facts({ roots: MAX_ROOT_STEPS - 1 }), NOW).map(short)).toEqual([['warning', 'roots', '']]);
  });
});

describe('whatever the facts are', () => {
  const moment = fc.integer({ min: -200, max: 400 }).map((days) => at(days * DAY_MS).toString());
  const anyFacts: fc.Arbitrary<AlarmFacts> = fc.record({
    ends: fc.array(fc.record({ kind: fc.constantFrom(...KINDS), subject: fc.string({ maxLength: 3 }), ends: moment })),
    online: fc.option(fc.record({ snapshot: moment, timestamp: moment })),
    hosts: fc.uniqueArray(fc.record({ name: fc.string({ minLength: 1, maxLength: 4 }), ends: moment }), {
      selector: ({ name }) => name,
      maxLength: 80,
    }),
    doubts: fc.constant([]),
    behind: fc.constant([]),
    refusing: fc.constant([]),
    roots: fc.integer({ min: 1, max: MAX_ROOT_STEPS }),
  });
  const offset = fc.integer({ min: -300, max: 500 }).map((days) => at(days * DAY_MS));
  const identity = ({ kind, subject, ends }: Alarm) => `${kind} ${subject.replace(/^\d+ more/, 'more')} ${ends}`;

  it('time alone ends no alarm and makes none milder', () => {
    fc.assert(
      fc.property(anyFacts, offset, fc.integer({ min: 0, max: 400 }), (given, now, days) => {
        const later = alarmsOf(given, now.add({ hours: 24 * days }));
        const rank = new Map(later.map((alarm) => [identity(alarm), SEVERITIES.indexOf(alarm.severity)]));

        for (const alarm of alarmsOf(given, now)) {
          expect(rank.get(identity(alarm)) ?? -1).toBeGreaterThanOrEqual(SEVERITIES.indexOf(alarm.severity));
        }
      }),
      { numRuns: 300 },
    );
  });

  it('nothing that ends within thirty days is missing', () => {
    fc.assert(
      fc.property(anyFacts, offset, (given, now) => {
        const limit = now.epochMilliseconds + AHEAD_MS;
        const soon = given.ends.filter(({ ends }) => Temporal.Instant.from(ends).epochMilliseconds <= limit);
        const alarms = alarmsOf(given, now);
        const said = alarms.filter(({ kind }) => (KINDS as readonly string[]).includes(kind));

        expect(said.map(({ kind, subject, ends }) => `${kind} ${subject} ${ends}`).toSorted()).toEqual(
          soon.map(({ kind, subject, ends }) => `${kind} ${subject} ${ends}`).toSorted(),
        );
        // Every host that is late is named or counted.
        const due = HOST_CERTIFICATE_MS / 3 - RENEWAL_GRACE_MS;
        const late = given.hosts.filter(
          ({ ends }) => Temporal.Instant.from(ends).epochMilliseconds - now.epochMilliseconds <= due,
        );
        const counted = alarms
          .filter(({ kind }) => kind === 'host-certificate')
          .map(({ message }) => Number(/^the certificates of (\d+) more/.exec(message)?.[1] ?? 1));
        expect(counted.reduce((sum, each) => sum + each, 0)).toBe(late.length);
      }),
      { numRuns: 300 },
    );
  });
});

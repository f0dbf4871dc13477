import { fc } from '@selvage/shared/testing/properties.ts';
import { describe, expect, it } from 'vitest';
import { MAX_LINES, type Status, statusPage } from './status-page.ts';

const NOW = Temporal.Instant.from('2026-11-23T12:00:00Z');
const WELL: Status = {
  version: '0.1.0',
  mode: 'managed',
  takeover: null,
  host: { id: '8c1f', name: 'web-01', collector: 'wss://collector.example:7443', pin: 'sha256:ab' },
  certificate: { state: 'valid', expires: '2026-12-20T12:00:00Z' },
  link: {
    connectedSince: '2026-11-23T09:46:00Z',
    lastConnected: '2026-11-23T09:46:00Z',
    clockSkewMs: 12,
    policy: 41,
    problem: null,
  },
  inventory: { takenAt: '2026-11-23T11:43:00Z', packages: 771, updates: 12, security: 3, unknown: [] },
  windows: {
    policies: ['linux-servers'],
    next: { window: 'weekday-nights', opens: '2026-11-24T00:00:00Z', closes: '2026-11-24T03:00:00Z' },
  },
  waiting: [
    { fix: 'openssl 3.0.22', verdict: 'waiting', why: 'window weekday-nights opens at 2026-11-24T00:00:00Z' },
    { fix: 'curl 8.5', verdict: 'waiting', why: 'ring 2' },
  ],
  overdue: [],
  wrong: [],
};
const page = (over: Partial<Status>) => statusPage({ ...WELL, ...over }, NOW);
const lineOf = (over: Partial<Status>, label: string) => page(over).find((line) => line.startsWith(label));

describe('when all is well', () => {
  it('the page says who, mode, connected since, inventory, trust, window, what waits and that nothing is wrong', () => {
    expect(page({})).toEqual([
      'host         web-01  8c1f, agent 0.1.0, enrolled with wss://collector.example:7443',
      'mode         managed, by linux-servers',
      'connected    since 2026-11-23T09:46:00Z (2h 14m)',
      'inventory    17m ago: 771 packages, 12 updates (security 3)',
      'trust        certificate valid, for 27d more; policy 41 copied',
      'next window  weekday-nights opens 2026-11-24T00:00:00Z (in 12h)',
      'waits        openssl 3.0.22: window weekday-nights opens at 2026-11-24T00:00:00Z (and 1 more: selvage-agent plan)',
      'wrong        nothing known',
    ]);
  });
});

describe('when the other updaters were taken over', () => {
  const takeover = { state: 'taken', since: '2026-11-22T12:00:00Z' } as const;
  const rival = { code: 'OTHER_UPDATER_ACTIVE', message: 'snapd also installs updates here', next: 'take over' };

  it.each<[string, Partial<Status>, RegExp]>([
    ['alone', {}, /it alone updates this host$/],
    ['beside one that came later', { wrong: [rival] }, /taken over, but not from all$/],
    ['in a mode that installs nothing', { mode: 'observe' }, /nobody updates this host$/],
  ])('%s', (_, over, said) => expect(lineOf({ takeover, ...over }, 'mode')).toMatch(said));
});

describe('when something is missing', () => {
  it.each<[string, Partial<Status>, string, RegExp]>([
    ['no identity', { host: null, certificate: null }, 'host', /not enrolled/],
    ['no connection ever', { link: null }, 'connected', /never; .*selvage-agent connect/],
    [
      'no connection now',
      { link: { ...link(), connectedSince: null } },
      'connected',
      /^connected {4}no, last 2h 14m ago/,
    ],
    ['a clock that is off', { link: { ...link(), clockSkewMs: -600_000 } }, 'connected', /10m off/],
    ['no inventory', { inventory: null }, 'inventory', /none taken yet/],
    [
      'unknown updates',
      { inventory: { ...inventory(), updates: null, security: null } },
      'inventory',
      /updates unknown/,
    ],
    [
      'a section that failed',
      { inventory: { ...inventory(), unknown: ['services'] } },
      'inventory',
      /not known: services/,
    ],
    [
      'an ended certificate',
      { certificate: { state: 'expired', expires: '2026-11-20T12:00:00Z' } },
      'trust',
      /ended 3d ago/,
    ],
    ['an unreadable plan', { windows: null, waiting: null }, 'waits', /unknown/],
    ['no policy for it', { windows: { policies: [], next: null } }, 'next window', /none/],
    ['an open window', { windows: { policies: ['a'], next: open() } }, 'next window', /night is open for 1h more/],
    ['nothing to do', { waiting: [] }, 'waits', /nothing/],
  ])('%s is said', (_what, over, label, expected) => {
    expect(lineOf(over, label)).toMatch(expected);
  });
});

describe('when something is wrong', () => {
  const wrong = (code: string) => ({ code, message: `${code} happened`, next: `mend ${code}` });
  const overdue = [{ what: 'certificate', ends: '', message: 'it ends in 3d', stops: 'all stops', next: 'renew' }];

  it('the first is said with what to do, the others are counted and named', () => {
    const lines = page({ wrong: [wrong('CLOCK_WRONG'), wrong('DISK_FULL')], overdue });

    expect(lines.slice(7)).toEqual([
      'wrong        CLOCK_WRONG: CLOCK_WRONG happened',
      '  next:      mend CLOCK_WRONG',
      'also wrong   2 more: DISK_FULL, it ends in 3d: selvage-agent status --json',
    ]);
  });

  it('what is overdue is wrong too', () => {
    expect(page({ overdue }).slice(7)).toEqual(['wrong        it ends in 3d; then all stops', '  next:      renew']);
  });
});

it('the page never has more than ten lines, nor lines without end, whatever there is to say', () => {
  const text = fc.string({ maxLength: 400 });
  const some = fc.integer({ min: 0, max: 40 });

  fc.assert(
    fc.property(some, some, some, text, (waiting, wrong, overdue, said) => {
      const lines = page({
        waiting: Array.from({ length: waiting }, () => ({ fix: said, verdict: said, why: said })),
        wrong: Array.from({ length: wrong }, () => ({ code: 'CODE', message: said, next: said })),
        overdue: Array.from({ length: overdue }, () => ({
          what: said,
          ends: '',
          message: said,
          stops: said,
          next: said,
        })),
      });

      expect(lines.length).toBeLessThanOrEqual(MAX_LINES);
      for (const line of lines) expect(line.length).toBeLessThanOrEqual(175);
    }),
  );
});

function link(): NonNullable<Status['link']> {
  if (!WELL.link) throw new Error('there is one');

  return WELL.link;
}

function inventory(): NonNullable<Status['inventory']> {
  if (!WELL.inventory) throw new Error('there is one');

  return WELL.inventory;
}

function open() {
  return { window: 'night', opens: '2026-11-23T10:00:00Z', closes: '2026-11-23T13:00:00Z' };
}

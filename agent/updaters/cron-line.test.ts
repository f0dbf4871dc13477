import { fc } from '@selvage/shared/testing/properties.ts';
import { describe, expect, it } from 'vitest';
import { nextRunOf, parseCronLine } from './cron-line.ts';

const now = Temporal.Instant.from('2026-11-23T12:00:00Z');
const next = (schedule: string, zone = 'UTC', after = now) => {
  const run = nextRunOf(schedule, after, zone);

  return run.next === null ? run.why : run.next.toString();
};

describe('when a line of a crontab is read', () => {
  it.each([
    ['25 6 * * * root apt-get -y upgrade', true, ['25 6 * * *', 'root', 'apt-get -y upgrade']],
    ['25 6 * * *  apt-get  -y upgrade', false, ['25 6 * * *', null, 'apt-get  -y upgrade']],
    ['@daily\troot\tdnf -y update', true, ['@daily', 'root', 'dnf -y update']],
    ['-*/5 * * * * root yum update', true, ['*/5 * * * *', 'root', 'yum update']],
    ['# 25 6 * * * root x', true, null],
    ['PATH=/bin:/usr/bin', true, null],
    ['MAILTO = "root"', true, null],
    ['25 6 * * * root', true, null],
    ['', true, null],
  ])('%s', (line, system, wanted) => {
    const job = parseCronLine(line, system);
    expect(job && [job.schedule, job.user, job.command]).toEqual(wanted);
  });
});

describe('when a schedule runs next', () => {
  it.each([
    ['25 6 * * *', '2026-11-24T06:25:00Z'],
    ['0 13 * * *', '2026-11-23T13:00:00Z'],
    ['0 12 * * *', '2026-11-24T12:00:00Z'],
    ['*/20 * * * *', '2026-11-23T12:20:00Z'],
    ['0 4 * * sun', '2026-11-29T04:00:00Z'],
    ['0 4 * * 7', '2026-11-29T04:00:00Z'],
    ['0 4 * * 1-5', '2026-11-24T04:00:00Z'],
    // Day of month and day of week: either is enough.
    ['0 4 1 * fri', '2026-11-27T04:00:00Z'],
    ['0 4 29 feb *', '2028-02-29T04:00:00Z'],
    ['0 4 10-16/3 jan,dec *', '2026-12-10T04:00:00Z'],
    ['@monthly', '2026-12-01T00:00:00Z'],
    ['@reboot', 'it runs when the host starts'],
    ['0 4 31 4 *', 'its schedule "0 4 31 4 *" never comes'],
    ['0 25 * * *', 'its schedule "0 25 * * *" is not understood'],
    ['nonsense', 'its schedule "nonsense" is not understood'],
    ['*/0 * * * *', 'its schedule "*/0 * * * *" is not understood'],
  ])('%s: %s', (schedule, wanted) => expect(next(schedule)).toBe(wanted));

  it('in the zone of the host, also when its clocks change', () => {
    expect(next('30 2 * * *', 'Europe/Vienna', Temporal.Instant.from('2026-03-28T12:00:00Z'))).toBe(
      '2026-03-29T01:30:00Z',
    );
    expect(next('0 6 * * *', 'Asia/Kolkata')).toBe('2026-11-24T00:30:00Z');
  });

  it('is the first minute that matches, of all that follow', () => {
    const field = (min: number, max: number) =>
      fc.oneof(
        fc.constant('*'),
        fc.integer({ min, max }).map(String),
        fc
          .tuple(fc.integer({ min, max }), fc.integer({ min: 1, max: 9 }))
          .map(([from, step]) => `${from}-${max}/${step}`),
      );
    const schedule = fc.tuple(field(0, 59), field(0, 23), field(1, 28), fc.constant('*'), field(0, 6));

    fc.assert(
      fc.property(schedule, ([minute, hour, day, month, weekday]) => {
        const run = nextRunOf([minute, hour, day, month, weekday].join(' '), now, 'UTC');
        let at = now.round('minute').add({ minutes: 1 });
        const matches = (text: string, value: number) => {
          if (text === '*') return true;
          const [, from = '', to = from, step = '1'] = /^(\d+)(?:-(\d+)\/(\d+))?$/.exec(text) ?? [];

          return value >= Number(from) && value <= Number(to) && (value - Number(from)) % Number(step) === 0;
        };
        for (; ; at = at.add({ minutes: 1 })) {
          const { minute: m, hour: h, day: d, dayOfWeek } = at.toZonedDateTimeISO('UTC');
          const days = [matches(day, d), matches(weekday, dayOfWeek % 7)] as const;
          const isDay = day === '*' || weekday === '*' ? days[0] && days[1] : days[0] || days[1];
          if (isDay && matches(hour, h) && matches(minute, m)) break;
        }

        expect(run.next?.toString()).toBe(at.toString());
      }),
      { numRuns: 60 },
    );
  });
});

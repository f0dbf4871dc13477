// One line of a crontab(5): when it runs next. Pure. Fields as Vixie cron reads them: names, ranges, steps, lists; where day of
// month and day of week are both given, either is enough.
const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const DAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];
const NICKNAMES: Readonly<Record<string, string>> = {
  '@yearly': '0 0 1 1 *',
  '@annually': '0 0 1 1 *',
  '@monthly': '0 0 1 * *',
  '@weekly': '0 0 * * 0',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@hourly': '0 * * * *',
};
/** 29 February on a given day of the week comes within 28 years, and within 40 across a year such as 2100. */
const MAX_DAYS = 41 * 366;

export interface CronLine {
  /** Five fields or a nickname. */
  readonly schedule: string;
  /** Null in a user's own table. */
  readonly user: string | null;
  readonly command: string;
}

export type NextRun = { readonly next: Temporal.Instant } | { readonly next: null; readonly why: string };

/** Null for what is no job: empty, a comment, an assignment. `system`: the sixth field is a user. */
export function parseCronLine(line: string, system: boolean): CronLine | null {
  const text = line.trim();
  if (text === '' || text.startsWith('#') || /^["']?\w+["']?\s*=/.test(text)) return null;
  const fields = text.split(/\s+/);
  const width = text.startsWith('@') ? 1 : 5;
  const user = system ? (fields[width] ?? null) : null;
  const from = width + (system ? 1 : 0);
  if (fields.length <= from) return null;
  const command = text.replace(new RegExp(`^(?:\\S+\\s+){${from}}`), '');

  return { schedule: fields.slice(0, width).join(' ').replace(/^-/, ''), user, command };
}

/** The first minute after `after` at which the schedule runs in `zone`; a time that a change of clocks skips comes just after. */
export function nextRunOf(schedule: string, after: Temporal.Instant, zone: string): NextRun {
  if (schedule === '@reboot') return { next: null, why: 'it runs when the host starts' };
  const [minute, hour, day, month, weekday, ...more] = (NICKNAMES[schedule] ?? schedule).split(' ');
  const minutes = valuesOf(minute, 0, 59, []);
  const hours = valuesOf(hour, 0, 23, []);
  const days = valuesOf(day, 1, 31, []);
  const months = valuesOf(month, 1, 12, MONTHS);
  const weekdays = valuesOf(weekday, 0, 7, DAYS);
  if (!minutes || !hours || !days || !months || !weekdays || more.length > 0) {
    return { next: null, why: `its schedule "${schedule}" is not understood` };
  }
  const anyDay = day?.startsWith('*') === true;
  const anyWeekday = weekday?.startsWith('*') === true;
  const isDay = (date: Temporal.PlainDate) => {
    const byDay = days.has(date.day);
    const byWeekday = weekdays.has(date.dayOfWeek) || (date.dayOfWeek === 7 && weekdays.has(0));

    return months.has(date.month) && (anyDay || anyWeekday ? byDay && byWeekday : byDay || byWeekday);
  };

  let date = after.toZonedDateTimeISO(zone).toPlainDate();
  for (let count = 0; count < MAX_DAYS; count += 1, date = date.add({ days: 1 })) {
    if (!isDay(date)) continue;
    for (const h of [...hours].toSorted((a, b) => a - b)) {
      for (const m of [...minutes].toSorted((a, b) => a - b)) {
        const time = date.toZonedDateTime({ timeZone: zone, plainTime: new Temporal.PlainTime(h, m) }).toInstant();
        if (Temporal.Instant.compare(time, after) > 0) return { next: time };
      }
    }
  }

  return { next: null, why: `its schedule "${schedule}" never comes` };
}

/** Null for a field that cron would refuse. */
function valuesOf(
  field: string | undefined,
  min: number,
  max: number,
  names: readonly string[],
): ReadonlySet<number> | null {
  const found = new Set<number>();
  const base = names.length === 12 ? 1 : 0;
  const numberOf = (text: string) => {
    const named = names.indexOf(text.toLowerCase());
    if (named !== -1) return named + base;

    return /^\d{1,2}$/.test(text) ? Number(text) : Number.NaN;
  };

  for (const part of (field ?? '').split(',')) {
    const [, range, step = '1'] = /^([^/]+)(?:\/(\d{1,2}))?$/.exec(part) ?? [];
    if (range === undefined) return null;
    const [first = '', last] = range.split('-');
    const from = range === '*' ? min : numberOf(first);
    const to = range === '*' ? max : last === undefined ? from : numberOf(last);
    if (!(from >= min && to <= max && from <= to) || Number(step) === 0) return null;
    for (let value = from; value <= to; value += Number(step)) found.add(value);
  }

  return found;
}

// The rhythm of releases as their own history shows it, and when the next one is to be expected. Pure. No rhythm is known beforehand: where
// none is seen it is irregular, and where there is too little it is not known.

/** Fewer days with a release say nothing about a rhythm. */
const MIN_DATES = 6;
/** Only the newest count: a vendor may change its ways. Days with a release. */
const MAX_DATES = 200;
/** And of those only from so long before the newest; days. */
const MAX_SPAN_DAYS = 3 * 366;
/** Part of the months (or weeks) that must have a release on the very day. */
const KEPT = 0.75;
/** Part of all releases that must fall on these days: who releases daily meets every second Tuesday too. */
const EXPLAINED = 0.6;
/** A gap of the 90th percentile may be so many times that of the 10th (and the whole a few days) for a rhythm of days. */
const STEADY = 4;
const STEADY_DAYS = 3;
const WEEKDAYS = ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday'];
const ORDINALS = ['1st', '2nd', '3rd', '4th', 'last'];

export type Cadence =
  /** `every`: months between. `nth`: 1 to 4, 5 for the last. `weekday`: 1 Monday. */
  | {
      readonly type: 'monthly';
      readonly every: number;
      readonly nth: number;
      readonly weekday: number;
      readonly kept: number;
      readonly of: number;
    }
  | { readonly type: 'weekly'; readonly weekday: number; readonly kept: number; readonly of: number }
  /** Days between two releases: 10th and 90th percentile, median. */
  | {
      readonly type: 'days';
      readonly from: number;
      readonly to: number;
      readonly median: number;
      readonly gaps: number;
    }
  | { readonly type: 'irregular'; readonly median: number; readonly gaps: number }
  | { readonly type: 'unknown'; readonly dates: number };

export interface Expected {
  /** Date in UTC. */
  readonly date: string;
  /** Until then it is not late; the same date where the rhythm names a day. */
  readonly until: string;
  /** Days that it is late already; 0: it is not. */
  readonly lateDays: number;
}

export interface Rhythm {
  readonly cadence: Cadence;
  /** Days with a release that this was seen in, first and newest. */
  readonly dates: number;
  readonly first: string | null;
  readonly last: string | null;
  readonly next: Expected | null;
}

/**
 * `dates`: of releases, `YYYY-MM-DD` in UTC, in any order; the same day counts once, days after `today` do not count. `knownUntil`: the
 * day that the data ends; nobody is late by what came, or did not, since then.
 */
export function rhythmOf(dates: Iterable<string>, today: string, knownUntil = today): Rhythm {
  const days = newest([...new Set(dates)].filter((date) => date <= today).sort());
  const cadence = cadenceOf(days);

  return {
    cadence,
    dates: days.length,
    first: days[0] ?? null,
    last: days.at(-1) ?? null,
    next: nextOf(cadence, days, { today, knownUntil }),
  };
}

function newest(days: readonly string[]): readonly string[] {
  const last = days.at(-1);
  if (last === undefined) return [];
  const from = Temporal.PlainDate.from(last).subtract({ days: MAX_SPAN_DAYS }).toString();

  return days.slice(-MAX_DATES).filter((date) => date >= from);
}

function cadenceOf(days: readonly string[]): Cadence {
  if (days.length < MIN_DATES) return { type: 'unknown', dates: days.length };
  const plain = days.map((day) => Temporal.PlainDate.from(day));

  return monthlyOf(plain) ?? weeklyOf(plain) ?? daysOf(plain);
}

/** The same weekday of the month, each month or each second, third or sixth; the one that explains most. */
function monthlyOf(days: readonly Temporal.PlainDate[]): Cadence | null {
  const [first, last] = [days[0], days.at(-1)];
  if (!first || !last) return null;
  const all = new Set(days.map((day) => first.until(day).days));
  const months = monthsBetween(first, last);
  let best: (Cadence & { type: 'monthly' }) | null = null;

  for (const every of [1, 2, 3, 6]) {
    for (let nth = 1; nth <= 5; nth++) {
      for (let weekday = 1; weekday <= 7; weekday++) {
        for (let phase = 0; phase < every; phase++) {
          const slots = slotsOf(months, first.until(last).days, { every, nth, weekday, phase });
          if (slots.length < (every === 1 ? MIN_DATES : MIN_DATES - 2)) continue;
          const kept = slots.filter((slot) => all.has(slot)).length;
          if (kept < slots.length * KEPT || kept < days.length * EXPLAINED) continue;
          const found = { type: 'monthly' as const, every, nth, weekday, kept, of: slots.length };
          if (best === null || isBetter(found, best)) best = found;
        }
      }
    }
  }

  return best;
}

/** More releases explained, else the surer one; of equals the first that was tried. */
function isBetter(one: Cadence & { type: 'monthly' }, other: Cadence & { type: 'monthly' }): boolean {
  if (one.kept !== other.kept) return one.kept > other.kept;

  return one.kept / one.of > other.kept / other.of;
}

interface Slot {
  readonly every: number;
  readonly nth: number;
  readonly weekday: number;
  readonly phase: number;
}

interface Month {
  readonly number: number;
  /** Days from the first release to the first of the month; negative for the month it was in. */
  readonly start: number;
  readonly weekday: number;
  readonly length: number;
}

/** Days are counted from the first release: some thousand slots are tried, and each calendar date would cost. */
function monthsBetween(first: Temporal.PlainDate, last: Temporal.PlainDate): readonly Month[] {
  const months: Month[] = [];
  const end = last.toPlainYearMonth();
  for (
    let month = first.toPlainYearMonth();
    Temporal.PlainYearMonth.compare(month, end) <= 0;
    month = month.add({ months: 1 })
  ) {
    const start = month.toPlainDate({ day: 1 });
    const number = month.year * 12 + month.month;
    months.push({ number, start: first.until(start).days, weekday: start.dayOfWeek, length: month.daysInMonth });
  }

  return months;
}

function slotsOf(months: readonly Month[], last: number, { every, nth, weekday, phase }: Slot): readonly number[] {
  return months.flatMap((month) => {
    if (month.number % every !== phase) return [];
    const first = (weekday - month.weekday + 7) % 7;
    const day = month.start + first + 7 * (nth === 5 ? Math.floor((month.length - 1 - first) / 7) : nth - 1);

    // The first month may have begun before the history did, the last may not be over.
    return day >= 0 && day <= last ? [day] : [];
  });
}

/** The nth such weekday of a month; 5 is the last one. */
export function slotIn(month: Temporal.PlainYearMonth, nth: number, weekday: number): Temporal.PlainDate {
  if (nth === 5) {
    const last = month.toPlainDate({ day: month.daysInMonth });

    return last.subtract({ days: (last.dayOfWeek - weekday + 7) % 7 });
  }
  const first = month.toPlainDate({ day: 1 });

  return first.add({ days: ((weekday - first.dayOfWeek + 7) % 7) + (nth - 1) * 7 });
}

function weeklyOf(days: readonly Temporal.PlainDate[]): Cadence | null {
  const [first, last] = [days[0], days.at(-1)];
  if (!first || !last) return null;
  for (let weekday = 1; weekday <= 7; weekday++) {
    const kept = days.filter((day) => day.dayOfWeek === weekday).length;
    const start = first.add({ days: (weekday - first.dayOfWeek + 7) % 7 });
    const of = Math.floor(start.until(last).days / 7) + 1;
    if (of >= MIN_DATES && kept >= of * KEPT && kept >= days.length * EXPLAINED)
      return { type: 'weekly', weekday, kept, of };
  }

  return null;
}

function daysOf(days: readonly Temporal.PlainDate[]): Cadence {
  const gaps = days
    .slice(1)
    .map((day, index) => days[index]?.until(day).days ?? 0)
    .sort((a, b) => a - b);
  const [from, median, to] = [percentile(gaps, 0.1), percentile(gaps, 0.5), percentile(gaps, 0.9)];
  const isSteady = to <= from * STEADY || to - from <= STEADY_DAYS;

  return isSteady
    ? { type: 'days', from, to, median, gaps: gaps.length }
    : { type: 'irregular', median, gaps: gaps.length };
}

/** Nearest rank; of a sorted list that is not empty. */
export function percentile(sorted: readonly number[], part: number): number {
  return sorted[Math.max(0, Math.ceil(sorted.length * part) - 1)] ?? 0;
}

function nextOf(
  cadence: Cadence,
  days: readonly string[],
  { today, knownUntil }: { readonly today: string; readonly knownUntil: string },
): Expected | null {
  const last = days.at(-1);
  if (last === undefined || cadence.type === 'irregular' || cadence.type === 'unknown') return null;
  const newest = Temporal.PlainDate.from(last);
  const now = Temporal.PlainDate.from(today);

  switch (cadence.type) {
    case 'weekly': {
      // The day itself still counts while nothing came on it.
      const from = Temporal.PlainDate.compare(newest, now) < 0 ? now : now.add({ days: 1 });
      return on(from.add({ days: (cadence.weekday - from.dayOfWeek + 7) % 7 }));
    }
    case 'monthly': {
      const from = Temporal.PlainDate.compare(newest, now) < 0 ? now : now.add({ days: 1 });
      const phase = phaseOf(cadence, days);
      for (let month = from.toPlainYearMonth(); ; month = month.add({ months: 1 })) {
        if ((month.year * 12 + month.month) % cadence.every !== phase) continue;
        const day = slotIn(month, cadence.nth, cadence.weekday);
        if (Temporal.PlainDate.compare(day, from) >= 0) return on(day);
      }
    }
    case 'days': {
      const date = newest.add({ days: cadence.median });
      const until = newest.add({ days: Math.max(cadence.to, cadence.median) });
      const lateDays = Math.max(0, until.until(now).days);
      // It may have come long ago: the data is older than that.
      if (lateDays > 0 && knownUntil < today) return null;

      return { date: String(date), until: String(until), lateDays };
    }
  }
}

/** Which of the months it is, seen in the releases that fell on the day. */
function phaseOf({ every, nth, weekday }: Cadence & { type: 'monthly' }, days: readonly string[]): number {
  const counts = new Map<number, number>();
  for (const day of days) {
    const date = Temporal.PlainDate.from(day);
    if (!slotIn(date.toPlainYearMonth(), nth, weekday).equals(date)) continue;
    const phase = (date.year * 12 + date.month) % every;
    counts.set(phase, (counts.get(phase) ?? 0) + 1);
  }

  return [...counts].sort(([, a], [, b]) => b - a)[0]?.[0] ?? 0;
}

function on(day: Temporal.PlainDate): Expected {
  return { date: String(day), until: String(day), lateDays: 0 };
}

/** `2nd Tuesday of the month (11 of 12)`, `every 5-9 days, median 7`, `irregular, median 12 days`. */
export function cadenceInWords(cadence: Cadence): string {
  switch (cadence.type) {
    case 'monthly': {
      const of = cadence.every === 1 ? 'the month' : `every ${ordinal(cadence.every)} month`;
      return `${ORDINALS[cadence.nth - 1]} ${WEEKDAYS[cadence.weekday - 1]} of ${of} (${cadence.kept} of ${cadence.of})`;
    }
    case 'weekly':
      return `every ${WEEKDAYS[cadence.weekday - 1]} (${cadence.kept} of ${cadence.of} weeks)`;
    case 'days':
      return cadence.from === cadence.to
        ? `every ${counted(cadence.median)}`
        : `every ${cadence.from}-${cadence.to} days, median ${cadence.median}`;
    case 'irregular':
      return `irregular, median ${counted(cadence.median)}`;
    case 'unknown':
      return cadence.dates === 0 ? 'no release seen' : `not known (${cadence.dates} of ${MIN_DATES} releases needed)`;
  }
}

const ordinal = (every: number) => (every === 2 ? '2nd' : every === 3 ? '3rd' : `${every}th`);
const counted = (days: number) => (days === 1 ? 'day' : `${days} days`);

// A timer of systemd, or the part of one that overrides it: when the other updater ran. Pure. Calendar forms that a window can say in days
// and a time are translated; others are told.
import { DAYS, type Draft, note, type Told, translated, untranslated } from './draft.ts';
import { parseIni } from './ini-lines.ts';

const SECONDS: Readonly<Record<string, number>> = {
  s: 1,
  sec: 1,
  m: 60,
  min: 60,
  h: 3600,
  hr: 3600,
  hour: 3600,
  d: 86_400,
};
/** After the random delay an installation takes its time: hours. */
export const ROOM_HOURS = 1;
const NICKNAMES: Readonly<Record<string, string>> = {
  daily: '*-*-* 00:00',
  weekly: 'Mon *-*-* 00:00',
};

/** Throws PARSE with line and column. */
export function importTimer(text: string, file: string, draft: Draft): void {
  for (const { section, key, value, line } of parseIni(text, file)) {
    note(draft, { file, line, option: `[${section}] ${key}`, value }, toldOf(key, value, draft));
  }
}

function toldOf(key: string, value: string, draft: Draft): Told {
  switch (key) {
    case 'OnCalendar':
      return calendar(draft, value);
    case 'RandomizedDelaySec':
      return delay(draft, value);
    case 'Persistent':
      return untranslated('a window that is missed is followed by the next');
    default:
      return untranslated('it says nothing about when');
  }
}

function calendar(draft: Draft, value: string): Told {
  // systemd.unit(5): an empty assignment takes back what stood before.
  if (value === '') {
    draft.start = null;
    draft.days = null;

    return translated('times given before do not count');
  }
  const text = NICKNAMES[value.toLowerCase()] ?? value;
  const [, days, hour, minute] = /^(?:([A-Za-z.,]+)\s+)?(?:\*-\*-\*\s+)?(\d{1,2}):(\d{2})(?::00)?$/.exec(text) ?? [];
  const named = days === undefined ? null : daysOf(days);
  if (hour === undefined || Number(hour) > 23 || Number(minute) > 59 || (days !== undefined && named === null)) {
    return untranslated('a window has days, a time and a length: write it by hand');
  }
  if (draft.start !== null) return untranslated('a window opens once a day: write another one');
  draft.start = `${hour.padStart(2, '0')}:${minute}`;
  draft.days = named ?? draft.days;
  return translated(`the window opens at ${draft.start}`);
}

/** `Mon..Fri`, `Sat,Sun`. */
function daysOf(text: string): Draft['days'] {
  const found: (typeof DAYS)[number][] = [];

  for (const part of text.split(',')) {
    const [first, last] = part.split('..').map((name) => DAYS.findIndex((day) => name.toLowerCase().startsWith(day)));
    if (first === undefined || first === -1 || last === -1) return null;
    for (let at = first; ; at = (at + 1) % DAYS.length) {
      const day = DAYS[at];
      if (day !== undefined && !found.includes(day)) found.push(day);
      if (at === (last ?? first)) break;
    }
  }

  return found;
}

function delay(draft: Draft, value: string): Told {
  const parts = [...value.matchAll(/(\d+)\s*([a-z]*)/g)];
  const seconds = parts.map(
    ([, count, unit = 's']) => Number(count) * (SECONDS[unit === '' ? 's' : unit] ?? Number.NaN),
  );
  const total = seconds.reduce((sum, each) => sum + each, 0);
  if (parts.length === 0 || !Number.isFinite(total)) return untranslated('this is no time span');
  draft.hours = Math.max(1, Math.ceil(total / 3600)) + ROOM_HOURS;
  return translated(`the window is as long as that, and ${ROOM_HOURS} h: ${draft.hours} h`);
}

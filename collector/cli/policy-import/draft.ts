// What an importer makes of another updater's settings: a window and a policy to be, and a note about every setting, so that
// nothing is dropped without a word. Pure.
import type { PatchPolicyDocument, WindowDocument } from '@selvage/shared/policy/documents.ts';

export interface ImportNote {
  readonly file: string;
  readonly line: number;
  readonly option: string;
  readonly value: string;
  /** `for you`: it was translated, and a person must fill something in or look at it. */
  readonly outcome: 'translated' | 'for you' | 'not translated';
  readonly why: string;
}

export type Source = PatchPolicyDocument['allow']['from'][number];
export type Hold = PatchPolicyDocument['hold'][number];

/** What is known so far; each importer adds to it. */
export interface Draft {
  readonly from: Set<Source>;
  readonly holds: Hold[];
  readonly notes: ImportNote[];
  days: readonly NonNullable<WindowDocument['days']>[number][] | null;
  /** Every so many days; null: not said. */
  everyDays: number | null;
  /** HH:MM and hours; null: as the other updater's own timer. */
  start: string | null;
  hours: number | null;
}

export const DAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;
/** For whom a hold must be filled in. */
const OWNER = 'to be filled in';

export function newDraft(): Draft {
  return { from: new Set(), holds: [], notes: [], days: null, everyDays: null, start: null, hours: null };
}

export interface Setting {
  readonly file: string;
  readonly line: number;
  readonly option: string;
  readonly value: string;
}

/** What became of a setting, and why. */
export type Told = Pick<ImportNote, 'outcome' | 'why'>;

export const translated = (why: string): Told => ({ outcome: 'translated', why });
export const forYou = (why: string): Told => ({ outcome: 'for you', why });
export const untranslated = (why: string): Told => ({ outcome: 'not translated', why });

export function note(draft: Draft, { file, line, option, value }: Setting, told: Told): void {
  draft.notes.push({ file, line, option, value, ...told });
}

/** A hold on what a pattern names, until somebody says for how long. */
export function hold(draft: Draft, setting: Setting, name: string, until: string): Told {
  draft.holds.push({ package: name, until, owner: OWNER, reason: `${setting.option} of ${setting.file}` });

  return forYou(`hold on ${name} until ${until}: say who owns it, why, and until when`);
}

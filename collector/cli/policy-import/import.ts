// Settings of other updaters to one Window and one PatchPolicy that decode and can be pushed, with a note about every setting. Pure.
import { asCoded, CodedError } from '@selvage/shared/errors/coded-error.ts';
import { decodeDocuments } from '@selvage/shared/policy/decode.ts';
import type { PolicyDocument } from '@selvage/shared/policy/documents.ts';
import { assertReferences } from '@selvage/shared/policy/references.ts';
import { importApt } from './apt.ts';
import { importDnf } from './dnf.ts';
import { DAYS, type Draft, type ImportNote, newDraft } from './draft.ts';
import { importTimer, ROOM_HOURS } from './timer.ts';

export interface ImportFile {
  readonly name: string;
  readonly text: string;
}

export interface Imported {
  readonly documents: readonly PolicyDocument[];
  /** As they are written: defaults left out. */
  readonly plain: readonly object[];
  readonly notes: readonly ImportNote[];
  /** What was assumed, in sentences. */
  readonly assumed: readonly string[];
}

export interface ImportOptions {
  /** Of both documents. */
  readonly name: string;
  readonly now: Temporal.Instant;
}

/** How long a hold lasts that nobody has looked at yet, in days. */
const HOLD_DAYS = 90;
/** Both apt-daily-upgrade.timer and dnf-automatic.timer start at six, up to an hour later. */
const USUAL_START = '06:00';
const USUAL_HOURS = 1 + ROOM_HOURS;
const FALLBACK = { after: '14d', action: 'release' } as const;

/** Throws DOCUMENT_INVALID: with line and column for a broken file, and for files in which no updater says anything. */
export function importPolicy(files: readonly ImportFile[], { name, now }: ImportOptions): Imported {
  const draft = newDraft();
  const until = now.toZonedDateTimeISO('UTC').toPlainDate().add({ days: HOLD_DAYS }).toString();
  for (const file of files) importFile(file, draft, until);
  if (draft.notes.length === 0) {
    throw new CodedError('DOCUMENT_INVALID', `there is no setting in ${files.map((file) => file.name).join(', ')}`, {
      next: 'name 50unattended-upgrades and 20auto-upgrades, or automatic.conf',
    });
  }
  const assumed: string[] = [];
  const plain = [windowOf(draft, name, now, assumed), policyOf(draft, name, assumed)];
  const documents = decodeDocuments(plain);
  assertReferences(documents, now);

  return { documents, plain, notes: draft.notes, assumed };
}

function importFile({ name, text }: ImportFile, draft: Draft, until: string): void {
  try {
    if (!isIni(text)) importApt(text, name, draft, until);
    else if (/^\s*\[(Timer|Unit|Install)\]/m.test(text)) importTimer(text, name, draft);
    else importDnf(text, name, draft, until);
  } catch (error) {
    const coded = asCoded(error);
    if (coded.code !== 'PARSE') throw error;
    throw new CodedError('DOCUMENT_INVALID', coded.message, {
      cause: error,
      details: { ...coded.details },
      next: 'correct the line named, or leave it out',
    });
  }
}

/** The first thing in it that is no comment begins a section. */
function isIni(text: string): boolean {
  const first = text.split('\n').find((line) => !/^\s*([#;].*|\/\/.*)?$/.test(line));

  return first?.trim().startsWith('[') === true;
}

function windowOf(draft: Draft, name: string, now: Temporal.Instant, assumed: string[]): object {
  if (draft.start === null) {
    assumed.push(
      `the window opens at ${USUAL_START}, as the timer of the distribution starts: say so where yours differs`,
    );
  }
  const days = DAYS.filter((day) => draft.days?.includes(day) ?? true);
  const every = draft.everyDays !== null && draft.everyDays > 1 && draft.days === null ? draft.everyDays : null;
  const from = now.toZonedDateTimeISO('UTC').toPlainDate().toString();

  return {
    kind: 'Window',
    name,
    ...(every === null ? { days } : { recurrence: `FREQ=DAILY;INTERVAL=${every}`, from }),
    start: draft.start ?? USUAL_START,
    for: `${draft.hours ?? USUAL_HOURS}h`,
    timezone: 'host',
  };
}

function policyOf(draft: Draft, name: string, assumed: string[]): object {
  if (draft.from.size === 0) {
    draft.from.add('security');
    assumed.push('no origin was said that has a name here: it allows security only');
  }
  assumed.push(
    'it selects every Linux host: narrow select before you push',
    'fixes are approved by hand; the other updater installed whatever came',
    `fallback: a host without fresh policy for ${FALLBACK.after} gives itself back to its own updater`,
  );

  return {
    kind: 'PatchPolicy',
    name,
    select: { os: 'linux' },
    allow: { from: (['security', 'updates', 'point-release'] as const).filter((source) => draft.from.has(source)) },
    ...(draft.holds.length === 0 ? {} : { hold: distinct(draft.holds) }),
    lanes: { scheduled: { approve: 'manual', delay: '0h', window: name, rings: [{ rest: true }] } },
    fallback: FALLBACK,
  };
}

function distinct(holds: Draft['holds']): Draft['holds'] {
  return holds.filter((one, at) => holds.findIndex((other) => other.package === one.package) === at);
}

// What both formats of VEX share: bounded texts, times, and the sentence for what does not fit. Pure.
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import type { Timestamp } from '@selvage/shared/model/ids.ts';
import { flawIn } from '@selvage/shared/text/printable.ts';
import { z } from 'zod';
import type { VexStatement } from '../store/vex-ports.ts';

const MAX_TEXT = 16 * 1024;
const MAX_ID = 2048;
/** Characters of what the store keeps as a name: a weakness, a machine. */
const MAX_NAME = 1024;
const MAX_SHOWN = 20;

/** A sentence of an author: line ends are blanks, control characters are refused. */
export const sentence = z
  .string()
  .max(MAX_TEXT)
  .transform((text) => text.replaceAll(/\s+/g, ' ').trim())
  .refine((text) => flawIn(text, MAX_TEXT) === null, 'a character that may not be shown');
export const id = z
  .string()
  .min(1)
  .max(MAX_ID)
  .refine((text) => flawIn(text, MAX_ID) === null, 'a character that may not be shown');
/** Of a weakness. */
export const weaknessId = id.max(MAX_NAME);

/** Names of one weakness, each once. Ids of CVEs in the letters that feeds write: another case would be about nothing. */
export function weaknesses(names: readonly string[]): readonly string[] {
  return [...new Set(names.map((name) => (/^cve-\d{4}-\d{4,19}$/i.test(name) ? name.toUpperCase() : name)))];
}

export const instant = z.iso
  .datetime({ offset: true })
  .transform((text) => Temporal.Instant.from(text).toString() as Timestamp)
  // An offset can lead out of the years of four digits, which are all that is kept.
  .refine((text) => /^\d/.test(text), 'a time in a year of four digits');

/** Machines of ours in documents that leave this collector, and come back. */
const MACHINE = 'urn:selvage:machine:';

export function machineId(key: string): string {
  return `${MACHINE}${key}`;
}

/** The key of a machine; null for any other id. */
export function machineKey(text: string): string | null {
  const key = text.startsWith(MACHINE) ? text.slice(MACHINE.length) : '';

  return key === '' || key.length > MAX_NAME ? null : key;
}

const OWN = { openvex: 'urn:selvage:vex:', csaf: 'selvage-' } as const;
/** Digits of a hash. */
const OWN_DIGITS = 32;

/** What a document that leaves this collector is called. */
export function ownId(format: keyof typeof OWN, hash: string): string {
  return `${OWN[format]}${hash.slice(0, OWN_DIGITS)}`;
}

/**
 * True for a document that was exported here: it tells how things stood, such as which kernel did not run, and would go on to say so as
 * the word of somebody else.
 */
export function isOwn({ format, document }: Pick<ReadVex, 'format' | 'document'>): boolean {
  return document.startsWith(OWN[format]) && /^[0-9a-f]{32}$/.test(document.slice(OWN[format].length));
}

/** Throws VEX_INVALID with every wrong path. */
export function decoded<S extends z.ZodType>(schema: S, value: unknown, what: string): z.output<S> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const errors = parsed.error.issues
    .slice(0, MAX_SHOWN)
    .map(({ path, message }) => ({ path: path.join('.'), message }));
  const [first] = errors;
  throw new CodedError('VEX_INVALID', `it is no ${what}: ${first?.path}: ${first?.message}; nothing was imported`, {
    details: { errors, count: parsed.error.issues.length },
  });
}

export interface ReadVex {
  readonly format: 'openvex' | 'csaf';
  readonly document: string;
  readonly version: string | null;
  readonly author: string;
  readonly at: string;
  readonly statements: readonly VexStatement[];
}

export function invalidVex(why: string, cause?: unknown): CodedError {
  return new CodedError('VEX_INVALID', `${why}: nothing was imported`, cause === undefined ? {} : { cause });
}

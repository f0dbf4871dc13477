// What a host's own logs tell of changes of packages: the section `changes` of an inventory. Shapes and bounds only; who
// reads which log is in agent/inventory/history, what is made of it in collector/history.
import * as z from 'zod';
import { CODES, type Code } from '../errors/codes.ts';

/** Logs that tell of changes. `rpm` (install times of its database) and `zypper` do not know which version was there before. */
export const CHANGE_SOURCES = ['apt', 'dpkg', 'dnf', 'rpm', 'zypper', 'pacman'] as const;
export type ChangeSource = (typeof CHANGE_SOURCES)[number];

/** The option of apt by which Selvage marks its own transactions in apt's history: `-o Selvage::Run=RUN`. */
export const RUN_MARK = 'Selvage::Run';

/** Transactions in one section, the newest ones; packages changed in all of them. */
export const MAX_TOLD = 400;
export const MAX_TOLD_CHANGES = 8000;
/** Characters. */
export const MAX_COMMAND = 512;
export const MAX_ACTOR = 128;
export const MAX_RUN = 256;
export const MAX_PACKAGE_TEXT = 256;
export const MAX_ARCH = 32;
const MAX_REASON = 512;
const MAX_LOGS = 64;

/** Hex digits of the first 16 bytes of a hash. */
const ID = /^[0-9a-f]{32}$/;
const instant = z.iso.datetime({ offset: true });
const code = z.enum(Object.keys(CODES) as [Code, ...Code[]]);
const packageText = z.string().min(1).max(MAX_PACKAGE_TEXT);

export const toldChange = z.strictObject({
  name: packageText,
  arch: z.string().min(1).max(MAX_ARCH),
  /** Null: it was not there. Of the sources `rpm` and `zypper`: not known. */
  from: packageText.nullable(),
  /** Null: it was removed. */
  to: packageText.nullable(),
});
export type ToldChange = z.infer<typeof toldChange>;

/** One transaction as a log tells of it. Root of the host can write anything into a log: this is its word. */
export const told = z.strictObject({
  /** The same for the same transaction, however often and from whichever rotated file it is read. */
  id: z.string().regex(ID),
  source: z.enum(CHANGE_SOURCES),
  at: instant,
  /** Null: it goes on, was interrupted, or the log does not say. */
  endedAt: instant.nullable(),
  /** False: local time that was there twice, or never (a change to or from summer time). */
  certain: z.boolean(),
  /** The user who asked for it, as the log names them; null: it names nobody. */
  actor: z.string().max(MAX_ACTOR).nullable(),
  command: z.string().max(MAX_COMMAND).nullable(),
  /** The run of Selvage whose mark the command line carries. A mark, no proof: root of the host can write one too. */
  run: z.string().min(1).max(MAX_RUN).nullable(),
  /** What went wrong in it, in the package manager's words: then not all of it need have happened. */
  problem: z.string().max(MAX_REASON).nullable(),
  changes: z.array(toldChange).min(1).max(MAX_TOLD_CHANGES),
});
export type Told = z.infer<typeof told>;

export const changes = z
  .strictObject({
    /** False: the logs hold more than was read or fits; what is missing is older than all that is here. */
    complete: z.boolean(),
    /** Logs that are there and could not be read, or not to their end. */
    problems: z
      .array(z.strictObject({ log: z.string().max(MAX_COMMAND), code, reason: z.string().max(MAX_REASON) }))
      .max(MAX_LOGS),
    /** Newest first. */
    told: z.array(told).max(MAX_TOLD),
  })
  .refine(
    ({ told: all }) => all.reduce((sum, one) => sum + one.changes.length, 0) <= MAX_TOLD_CHANGES,
    `more than ${MAX_TOLD_CHANGES} changed packages`,
  );
export type Changes = z.infer<typeof changes>;

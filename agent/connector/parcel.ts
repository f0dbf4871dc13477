// One inventory as the collector gets it, packed by the short-lived child that took it: the hash of every section, and the
// content of those whose hash was not sent before. The resident process never sees the inventory itself.
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import type { Run } from '@selvage/shared/exec/run.ts';
import type { Sha256, Timestamp } from '@selvage/shared/model/ids.ts';
import { SECTION_NAMES, type SectionName } from '@selvage/shared/model/section-names.ts';
import type { SectionState } from '@selvage/shared/wire/wire.ts';
import * as z from 'zod/mini';

/** All sections at their largest (MAX_SECTION_BYTES) in base64, and the report. */
const MAX_DOCUMENT_BYTES = 32 * 1024 * 1024;

/** Hash of what was sent last, per section. */
export type SentSections = Readonly<Partial<Record<SectionName, Sha256>>>;

export interface Parcel {
  readonly takenAt: Timestamp;
  /** Every section, in the order of SECTION_NAMES. */
  readonly sections: readonly SectionState[];
  /** Canonical JSON of the sections that were not sent before, zstd in base64. */
  readonly changed: Readonly<Partial<Record<SectionName, string>>>;
}

export interface ParcelCommand {
  readonly file: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Milliseconds; past it the child is killed, and nothing is lost but this inventory. */
  readonly deadline: number;
}

const name = z.enum(SECTION_NAMES);
const section = z.strictObject({
  name,
  sha256: z.nullable(z.string().check(z.regex(/^[0-9a-f]{64}$/))),
  code: z.string(),
  reason: z.string(),
});
const parcel = z.strictObject({
  takenAt: z.string().check(z.regex(/^\d{4}-\d\d-\d\dT[\d:.]{8,18}Z$/)),
  sections: z.array(section).check(z.length(SECTION_NAMES.length)),
  changed: z.partialRecord(name, z.string().check(z.regex(/^[A-Za-z0-9+/]+={0,2}$/))),
});

/** What the parent does. Throws PROCESS_FAILED, PROCESS_DEADLINE, and PARSE when the document is not whole. */
export async function parcelFromChild(run: Run, command: ParcelCommand, sent: SentSections): Promise<Parcel> {
  const { stdout } = await run({
    file: command.file,
    args: command.args,
    input: JSON.stringify(sent),
    deadlineMs: command.deadline,
    outputLimit: MAX_DOCUMENT_BYTES,
    check: true,
    ...(command.env === undefined ? {} : { env: command.env }),
  });

  return decodeParcel(stdout);
}

/** Throws PARSE: nothing is kept of a child that was killed or printed something else. */
export function decodeParcel(text: string): Parcel {
  try {
    const { takenAt, sections, changed } = parcel.parse(JSON.parse(text));

    return { takenAt: takenAt as Timestamp, sections: sections as readonly SectionState[], changed };
  } catch (error) {
    throw new CodedError('PARSE', 'the inventory of the child is not whole; nothing of it was kept', { cause: error });
  }
}

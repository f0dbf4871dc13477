// Turns a packed inventory into durable messages: sections that changed whole, then a report with the hash of every one.
// What was sent last lies beside the messages in the stream's folder, so a new stream sends everything anew.

import { join } from 'node:path';
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import { canonicalJson } from '@selvage/shared/files/canonical.ts';
import { makeFolder, readBounded, writeDurable } from '@selvage/shared/files/durable.ts';
import { silentLog } from '@selvage/shared/log/levels.ts';
import type { Sha256, Timestamp } from '@selvage/shared/model/ids.ts';
import { reportHash } from '@selvage/shared/model/report-hash.ts';
import { SECTION_NAMES, type SectionName } from '@selvage/shared/model/section-names.ts';
import { MAX_SECTION_BYTES, type SectionState } from '@selvage/shared/wire/wire.ts';
import * as z from 'zod/mini';
import type { Outbox } from './outbox.ts';
import type { Parcel, SentSections } from './parcel.ts';
import { readJson } from './state-file.ts';

const HASH_CHARACTERS = 64;
const MAX_REPORT_BYTES = 1024 * 1024;
/** Milliseconds in which the same content goes again once only, and bytes of the note of it. */
const AGAIN_MS = 20 * 3_600_000;
const MAX_AGAIN_BYTES = 128;

const savedReport = z.object({
  takenAt: z.string(),
  short: z.optional(z.boolean()),
  sections: z.array(
    z.object({ name: z.string(), sha256: z.nullable(z.string()), code: z.string(), reason: z.string() }),
  ),
});

interface KeptReport {
  readonly takenAt: Timestamp;
  readonly sections: readonly SectionState[];
  /** It was only said that nothing changed since the one before. */
  readonly short: boolean;
}

/**
 * What was sent last, for the child that takes the next inventory. An outbox that is full begins anew: the newest inventory
 * says it all.
 */
export async function sentSections(outbox: Outbox): Promise<SentSections> {
  if (outbox.full()) await outbox.restart();
  const memory = await makeMemory(outbox);
  const sent: Partial<Record<SectionName, Sha256>> = {};

  for (const name of SECTION_NAMES) {
    const saved = await readSaved(memory, name);
    if (saved !== null) sent[name] = saved.sha256;
  }

  return sent;
}

/**
 * Resolves when everything new is on disk in the outbox. Throws DISK_FULL: what was added until then is harmless, the next
 * inventory completes it; and STATE when the outbox began anew since sentSections().
 */
export async function sendParcel({ takenAt, sections, changed }: Parcel, outbox: Outbox): Promise<void> {
  const memory = await makeMemory(outbox);

  for (const { name, sha256 } of sections) {
    if (sha256 === null || !isSectionName(name)) continue;
    const content = changed[name];
    if (content !== undefined) await sendSection(name, sha256, content, outbox, memory);
    else if ((await readSaved(memory, name))?.sha256 !== sha256) {
      throw new CodedError('STATE', `the content of ${name} is not there any more; the next inventory is sent whole`);
    }
  }

  const before = await readReport(memory);
  const same = before !== null && canonicalJson(before.sections) === canonicalJson(sections);
  if (same) await outbox.add({ type: 'unchanged', takenAt, sha256: reportHash(sections) });
  else await outbox.add({ type: 'report', takenAt, sections });
  await keepReport(memory, { takenAt, sections, short: same });
}

/**
 * Sends sections that the collector lacks again, and the last report after them, also where it only lacks the report that we
 * said nothing changed since. Each content is sent again only once in 20 hours: a collector that refuses it would ask for ever,
 * one that was restored twice may ask twice. `now` in milliseconds since the epoch. Returns what was sent again.
 */
export async function resendSections(
  names: readonly string[],
  outbox: Outbox,
  now: number,
): Promise<readonly string[]> {
  const memory = await makeMemory(outbox);
  const resent: string[] = [];

  for (const name of SECTION_NAMES.filter((known) => names.includes(known))) {
    const saved = await readSaved(memory, name);
    if (saved === null || (await isKeptBack(join(memory, `${name}.again`), saved.sha256, now))) continue;
    await outbox.add({ type: 'section', name, ...saved });
    // After the message: were it the other way round, a full disk between them would keep the section back for ever.
    await writeDurable(join(memory, `${name}.again`), `${saved.sha256} ${now}`);
    resent.push(name);
  }

  const report = await readReport(memory);
  if (report !== null && (resent.length > 0 || report.short)) {
    const { takenAt, sections } = report;
    await outbox.add({ type: 'report', takenAt, sections });
    await keepReport(memory, { takenAt, sections, short: false });
  }

  return resent;
}

async function sendSection(
  name: SectionName,
  sha256: Sha256,
  content: string,
  outbox: Outbox,
  memory: string,
): Promise<void> {
  const zstdJson = Buffer.from(content, 'base64');
  await outbox.add({ type: 'section', name, sha256, zstdJson });
  // After the message: a crash between sends the section once more, which is harmless.
  await writeDurable(join(memory, name), Buffer.concat([Buffer.from(sha256), zstdJson]));
}

function isSectionName(name: string): name is SectionName {
  return (SECTION_NAMES as readonly string[]).includes(name);
}

async function keepReport(memory: string, report: KeptReport): Promise<void> {
  await writeDurable(join(memory, 'report.json'), JSON.stringify(report));
}

async function makeMemory(outbox: Outbox): Promise<string> {
  const memory = join(outbox.folder, 'sent');
  await makeFolder(memory);

  return memory;
}

export async function readSaved(
  memory: string,
  name: SectionName,
): Promise<{ sha256: Sha256; zstdJson: Uint8Array } | null> {
  const bytes = await readBounded(join(memory, name), HASH_CHARACTERS + MAX_SECTION_BYTES);
  if (bytes === null || bytes.length <= HASH_CHARACTERS) return null;
  const hash = Buffer.from(bytes.subarray(0, HASH_CHARACTERS)).toString('latin1') as Sha256;

  return { sha256: hash, zstdJson: bytes.subarray(HASH_CHARACTERS) };
}

/** True when this content was sent again a short time ago; a clock that was set since counts as a long time. */
async function isKeptBack(path: string, sha256: Sha256, now: number): Promise<boolean> {
  const bytes = await readBounded(path, MAX_AGAIN_BYTES);
  const [content, at] = bytes === null ? [] : Buffer.from(bytes).toString('latin1').split(' ');

  return content === sha256 && Math.abs(now - Number(at ?? 0)) < AGAIN_MS;
}

export async function readReport(memory: string): Promise<KeptReport | null> {
  const report = await readJson(join(memory, 'report.json'), savedReport, MAX_REPORT_BYTES, silentLog);

  return (
    report && {
      takenAt: report.takenAt as Timestamp,
      sections: report.sections as readonly SectionState[],
      short: report.short ?? false,
    }
  );
}

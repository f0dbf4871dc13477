// Turns an inventory into durable messages: sections that changed whole, then a report with the hash of every section.
// What was sent last lies beside the messages in the stream's folder, so a new stream sends everything anew.

import { join } from 'node:path';
import { promisify } from 'node:util';
import { zstdCompress } from 'node:zlib';
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import { canonicalJson, sha256 } from '@selvage/shared/files/canonical.ts';
import { makeFolder, readBounded, writeDurable } from '@selvage/shared/files/durable.ts';
import { silentLog } from '@selvage/shared/log/log.ts';
import type { Sha256, Timestamp } from '@selvage/shared/model/ids.ts';
import { type Inventory, SECTION_NAMES, type SectionName } from '@selvage/shared/model/inventory.ts';
import { type DurableBody, MAX_SECTION_BYTES, MAX_STRING_BYTES, type SectionState } from '@selvage/shared/wire/wire.ts';
import { z } from 'zod';
import type { Outbox } from './outbox.ts';
import { readJson } from './state-file.ts';

const HASH_CHARACTERS = 64;
const MAX_REPORT_BYTES = 1024 * 1024;
/** Characters of a reason, so that its bytes stay below the wire's limit whatever they are. */
const MAX_REASON = MAX_STRING_BYTES / 4;

const compress = promisify(zstdCompress);
const savedReport = z.object({
  takenAt: z.string(),
  sections: z.array(
    z.object({ name: z.string(), sha256: z.string().nullable(), code: z.string(), reason: z.string() }),
  ),
});

/**
 * Resolves when everything new is on disk in the outbox. Sections whose hash is the one sent last are not sent again.
 * Throws DISK_FULL; what was added until then is harmless, the next inventory completes it.
 */
export async function sendInventory(inventory: Inventory, outbox: Outbox): Promise<void> {
  if (outbox.full()) await outbox.restart();
  const memory = await makeMemory(outbox);
  const sections: SectionState[] = [];

  for (const name of SECTION_NAMES) {
    const outcome = inventory.sections[name];
    sections.push(
      outcome.ok ? await sendSection(name, outcome.data, outbox, memory) : failed(name, outcome.code, outcome.reason),
    );
  }

  await sendReport({ takenAt: instant(inventory.takenAt), sections }, outbox, memory);
}

/**
 * Sends sections that the collector lacks again, and the last report after them. Each content is sent again only once:
 * a collector that refuses it would ask for ever. Returns what was sent again.
 */
export async function resendSections(names: readonly string[], outbox: Outbox): Promise<readonly string[]> {
  const memory = await makeMemory(outbox);
  const resent: string[] = [];

  for (const name of SECTION_NAMES.filter((known) => names.includes(known))) {
    const saved = await readSaved(memory, name);
    if (saved === null || (await readText(memory, `${name}.again`)) === saved.sha256) continue;
    await outbox.add({ type: 'section', name, ...saved });
    // After the message: were it the other way round, a full disk between them would keep the section back for ever.
    await writeDurable(join(memory, `${name}.again`), saved.sha256);
    resent.push(name);
  }

  const report = await readReport(memory);
  if (resent.length > 0 && report !== null) await outbox.add({ type: 'report', ...report });

  return resent;
}

async function sendSection(name: SectionName, data: unknown, outbox: Outbox, memory: string): Promise<SectionState> {
  const json = canonicalJson(data);
  const hash = sha256(json);
  const saved = await readSaved(memory, name);

  if (saved?.sha256 !== hash) {
    const zstdJson = await compress(json);
    if (zstdJson.length > MAX_SECTION_BYTES) {
      return failed(
        name,
        'FRAME_TOO_LARGE',
        `the section has ${zstdJson.length} bytes, at most ${MAX_SECTION_BYTES} fit`,
      );
    }
    await outbox.add({ type: 'section', name, sha256: hash, zstdJson });
    // After the message: a crash between sends the section once more, which is harmless.
    await writeDurable(join(memory, name), Buffer.concat([Buffer.from(hash), zstdJson]));
  }

  return { name, sha256: hash, code: '', reason: '' };
}

async function sendReport(
  report: { readonly takenAt: Timestamp; readonly sections: readonly SectionState[] },
  outbox: Outbox,
  memory: string,
): Promise<void> {
  await outbox.add({ type: 'report', ...report });
  await writeDurable(join(memory, 'report.json'), JSON.stringify(report));
}

function failed(name: SectionName, code: string, reason: string): SectionState {
  return { name, sha256: null, code, reason: reason.slice(0, MAX_REASON) };
}

async function makeMemory(outbox: Outbox): Promise<string> {
  const memory = join(outbox.folder, 'sent');
  await makeFolder(memory);

  return memory;
}

async function readSaved(memory: string, name: SectionName): Promise<{ sha256: Sha256; zstdJson: Uint8Array } | null> {
  const bytes = await readBounded(join(memory, name), HASH_CHARACTERS + MAX_SECTION_BYTES);
  if (bytes === null || bytes.length <= HASH_CHARACTERS) return null;
  const hash = Buffer.from(bytes.subarray(0, HASH_CHARACTERS)).toString('latin1') as Sha256;

  return { sha256: hash, zstdJson: bytes.subarray(HASH_CHARACTERS) };
}

async function readText(memory: string, name: string): Promise<string | null> {
  const bytes = await readBounded(join(memory, name), HASH_CHARACTERS);

  return bytes === null ? null : Buffer.from(bytes).toString('latin1');
}

async function readReport(memory: string): Promise<Omit<Extract<DurableBody, { type: 'report' }>, 'type'> | null> {
  const report = await readJson(join(memory, 'report.json'), savedReport, MAX_REPORT_BYTES, silentLog);

  return report && { takenAt: report.takenAt as Timestamp, sections: report.sections as readonly SectionState[] };
}

/** The wire takes UTC only. Throws FRAME_INVALID for what is no instant. */
function instant(text: string): Timestamp {
  try {
    return Temporal.Instant.from(text).toString() as Timestamp;
  } catch (error) {
    throw new CodedError('FRAME_INVALID', `"${text}" is no instant`, { cause: error });
  }
}

// The inventory that went into the outbox last, as `status` shows it. Read from what lies there; it changes nothing, and the
// resident connector never loads it.
import { join } from 'node:path';
import { zstdDecompressSync } from 'node:zlib';
import type { Timestamp } from '@selvage/shared/model/ids.ts';
import type { SectionName } from '@selvage/shared/model/section-names.ts';
import { readReport, readSaved } from './inventory-sender.ts';
import { folderIn } from './outbox.ts';

/** JSON of a section that is read again to be shown. */
const MAX_SHOWN_BYTES = 16 * 1024 * 1024;

/** What the last report said that went into the outbox in `dir`; null before the first. */
export async function lastInventory(dir: string): Promise<LastInventory | null> {
  const folder = await folderIn(dir);
  const memory = folder === null ? null : join(folder, 'sent');
  const report = memory === null ? null : await readReport(memory);
  if (memory === null || report === null) return null;

  return {
    takenAt: report.takenAt,
    unknown: report.sections
      .filter(({ sha256 }) => sha256 === null)
      .map(({ name, code, reason }) => ({ name, code, reason })),
    section: async (name) => {
      const saved = await readSaved(memory, name);
      const bytes = saved && zstdDecompressSync(saved.zstdJson, { maxOutputLength: MAX_SHOWN_BYTES });

      return bytes && (JSON.parse(bytes.toString('utf8')) as unknown);
    },
  };
}

export interface LastInventory {
  readonly takenAt: Timestamp;
  readonly unknown: readonly { readonly name: string; readonly code: string; readonly reason: string }[];
  /** A section as it was sent, null when it never was. */
  section(name: SectionName): Promise<unknown>;
}

// What a backup holds, file by file. It is written last: a folder without it is no backup.
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import { readBounded } from '@selvage/shared/files/durable.ts';
import { z } from 'zod';

export const MANIFEST = 'manifest.json';
export const DATABASE = 'collector/selvage.db';
export const SETTINGS = 'settings.json';

const FORMAT = 1;
const MAX_BYTES = 256 * 1024;
const MAX_FILES = 256;
const hash = z.string().regex(/^[0-9a-f]{64}$/);

/** Nothing that leads out of the folder. */
const path = z.string().regex(/^(settings\.json|collector\/[A-Za-z0-9_-][A-Za-z0-9._-]{0,100})$/);

const schema = z.strictObject({
  format: z.literal(FORMAT),
  createdAt: z.iso.datetime(),
  collectorVersion: z.string(),
  /** Number of the database's newest migration. */
  schema: z.number().int().positive(),
  /** Where the ledger stood; null: it was empty. */
  ledger: z.strictObject({ sequence: z.number().int().positive(), hash }).nullable(),
  files: z.array(z.strictObject({ path, bytes: z.number().int().nonnegative(), sha256: hash })).max(MAX_FILES),
});
export type Manifest = z.infer<typeof schema>;

export function manifestOf(facts: Omit<Manifest, 'format'>): Manifest {
  return { format: FORMAT, ...facts };
}

/** Throws BACKUP_INVALID. */
export async function readManifest(file: string): Promise<Manifest> {
  const bytes = await readBounded(file, MAX_BYTES);
  if (!bytes) throw new CodedError('BACKUP_INVALID', `${file} is missing: this is no whole backup`);

  try {
    const manifest = schema.parse(JSON.parse(Buffer.from(bytes).toString('utf8')));
    const paths = new Set(manifest.files.map((each) => each.path));
    if (paths.size !== manifest.files.length || !paths.has(DATABASE) || !paths.has(SETTINGS)) {
      throw new TypeError('it names a file twice, or lacks the database or the settings');
    }

    return manifest;
  } catch (error) {
    throw new CodedError('BACKUP_INVALID', `${file} cannot be read`, { cause: error });
  }
}

// An installation that takes longer than it should: said while it runs, in a file that everybody may read, because nobody ends it.
// It decides nothing; the result of the run is proven and signed as always when it has ended.
import { join } from 'node:path';
import { readBounded, removeDurable, writeDurable } from '@selvage/shared/files/durable.ts';
import * as z from 'zod';

const overrun = z.strictObject({ format: z.literal(1), since: z.iso.datetime(), message: z.string() });
export type Overrun = z.infer<typeof overrun>;

const MAX_BYTES = 16 * 1024;
const READABLE = 0o644;
const at = (runnerDir: string) => join(runnerDir, 'overrun.json');

export async function writeOverrun(runnerDir: string, since: Temporal.Instant, message: string): Promise<void> {
  const told: Overrun = { format: 1, since: since.toString(), message };
  await writeDurable(at(runnerDir), `${JSON.stringify(told)}\n`, { mode: READABLE });
}

/** Null when nothing takes too long; also when the file cannot be understood: it only shows. */
export async function readOverrun(runnerDir: string): Promise<Overrun | null> {
  try {
    const bytes = await readBounded(at(runnerDir), MAX_BYTES);

    return bytes === null ? null : overrun.parse(JSON.parse(Buffer.from(bytes).toString('utf8')));
  } catch {
    return null;
  }
}

export async function clearOverrun(runnerDir: string): Promise<void> {
  await removeDurable(at(runnerDir));
}

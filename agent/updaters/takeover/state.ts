// What a takeover has changed and what stood there before: one file of root's, written before anything else is. While it names a
// change, that change can be taken back, by whichever command comes next.

import { join } from 'node:path';
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import { readBounded } from '@selvage/shared/files/durable.ts';
import type { TAKEOVER_STATES } from '@selvage/shared/model/inventory.ts';
import * as z from 'zod/mini';
import type { Files } from '../../runner/state-file.ts';

const MAX_BYTES = 1024 * 1024;
/** Everybody may read it: the unprivileged half reports it. */
const READABLE = 0o644;

const unit = z.strictObject({
  name: z.string(),
  /** The word of `systemctl is-enabled` before. */
  state: z.string(),
  /** It was running (a timer: it was waiting). */
  active: z.boolean(),
});

const file = z.strictObject({
  format: z.literal(1),
  /** `taking` and `releasing`: under way, or cut off on the way. */
  state: z.enum(['taking', 'taken', 'releasing', 'released', 'fallback']),
  /** What `releasing` becomes. */
  towards: z.enum(['released', 'fallback']),
  since: z.iso.datetime(),
  /** Units that a takeover masks, as they were before it. */
  units: z.array(unit),
  /** The fragment in apt.conf.d was ours to write. */
  aptConf: z.boolean(),
  /** How refreshes of snaps were held before; null: a takeover did not touch it. */
  snap: z.nullable(z.strictObject({ hold: z.nullable(z.string()) })),
});

export type Takeover = z.infer<typeof file>;
export type SavedUnit = Takeover['units'][number];

export interface TakeoverFacts {
  readonly state: (typeof TAKEOVER_STATES)[number];
  readonly since: string | null;
}

/** Where the state of a takeover lies, in the runner's own folder. */
export function takeoverFile(runnerDir: string): string {
  return join(runnerDir, 'takeover.json');
}

/** Null before the first takeover. Throws JOURNAL_INVALID: what was changed must not be forgotten. */
export async function readTakeover(path: string): Promise<Takeover | null> {
  const bytes = await readBounded(path, MAX_BYTES);
  if (bytes === null) return null;

  try {
    return file.parse(JSON.parse(Buffer.from(bytes).toString('utf8')));
  } catch (error) {
    throw new CodedError('JOURNAL_INVALID', `${path} does not say what was taken over`, {
      cause: error,
      details: { file: path },
      next: 'look at the masks below /etc/systemd/system by hand; then remove the file named',
    });
  }
}

export async function writeTakeover(files: Files, path: string, takeover: Takeover): Promise<void> {
  await files.write(path, `${JSON.stringify(takeover)}\n`, { mode: READABLE });
}

/** As it is shown and reported: what is not ended counts as taken, because something may still be. */
export function takeoverFacts(takeover: Takeover | null): TakeoverFacts {
  if (takeover === null) return { state: 'none', since: null };
  const state = takeover.state === 'taking' || takeover.state === 'releasing' ? 'taken' : takeover.state;

  return { state, since: takeover.since };
}

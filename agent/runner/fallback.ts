// A host without fresh policy for as long as its policy says hands itself back to its own updaters, and takes over again when fresh
// policy comes: a dead collector must not mean an unpatched fleet. When that is, is counted by ./waited.ts.
import { asCoded } from '@selvage/shared/errors/coded-error.ts';
import type { PatchPolicyDocument } from '@selvage/shared/policy/documents.ts';
import { formatDuration, parseDuration } from '@selvage/shared/time/duration.ts';
import * as z from 'zod';
import type { Parts } from './deps.ts';
import type { UsablePolicy } from './policy-intake.ts';
import { policiesOf } from './selection.ts';
import { readState, writeState } from './state-file.ts';
import type { TrustFacts } from './trust-facts.ts';
import { beginWaiting, type Waited, waitedUntil } from './waited.ts';

const schema = z.strictObject({
  format: z.literal(1),
  /** Of the takeover that is counted for: another one begins anew. */
  since: z.string(),
  policy: z.string(),
  waitedMs: z.number().int().nonnegative(),
  boot: z.string(),
  uptimeMs: z.number().int().nonnegative(),
  wallMs: z.number().int(),
});
/** How often the count is written down while nothing else changes; what a crash loses is told by the clock then. */
const WRITE_EVERY_MS = 3_600_000;

/** Called in every pass, after policy was taken in. `again` is told when this host would hand itself back. */
export async function settleFallback(
  parts: Parts,
  policy: UsablePolicy | null,
  trust: TrustFacts | null,
  again: (at: Temporal.Instant) => void,
): Promise<void> {
  const { updaters, settings } = parts.deps;
  if (settings.mode !== 'managed' || policy === null || trust === null) return;
  await finish(parts);
  const { state, since } = await updaters.takeover();
  if ((state !== 'taken' && state !== 'fallback') || since === null) return;

  const path = parts.folders.waited;
  const stored = await readState(path, schema);
  // Versions begin anew when the collector's keys are replaced; only what is newer is ever accepted, so another one is a fresh one.
  const newest = `${trust.versions.timestamp} ${policy.signedAt}`;
  const uptime = parts.deps.uptime();
  const now = parts.clock.now();
  const wallMs = now.clock.epochMilliseconds;
  const write = (waited: Waited, of = since) => writeState(parts.files, path, { format: 1, since: of, ...waited });
  const begin = () => beginWaiting(newest, uptime, wallMs);
  const policies = policiesOf(policy, parts.host);
  const isFresh = stored !== null && newest !== stored.policy;

  if (state === 'fallback') {
    // Fresh policy that selects this host: only when it was taken over again is that policy written down.
    if (stored === null) await write(begin());
    else if (isFresh && policies.length > 0 && (await takeOverAgain(parts))) {
      await write(begin(), (await updaters.takeover()).since ?? since);
    }

    return;
  }
  const limitMs = fallbackAfter(policies);
  if (stored === null || isFresh || stored.since !== since) {
    await write(begin());
    if (limitMs !== null) again(now.clock.add({ milliseconds: limitMs }));

    return;
  }
  if (limitMs === null) return;
  const waited = waitedUntil(stored, uptime, wallMs, limitMs);
  const isNews = waited.boot !== stored.boot || waited.waitedMs - stored.waitedMs >= WRITE_EVERY_MS;

  if (waited.waitedMs < limitMs) {
    if (isNews) await write(waited);
    again(now.clock.add({ milliseconds: limitMs - waited.waitedMs }));

    return;
  }
  await write(waited);
  await handBack(parts, waited.waitedMs);
}

/** Milliseconds after which the first of the policies hands the host back; null: none of them does. */
export function fallbackAfter(policies: readonly Pick<PatchPolicyDocument, 'fallback'>[]): number | null {
  const limits = policies.flatMap(({ fallback }) => (fallback ? [parseDuration(fallback.after)] : []));

  return limits.length === 0 ? null : Math.min(...limits);
}

/** What was cut off is ended first: half taken over, nobody would update this host. */
async function finish(parts: Parts): Promise<void> {
  const { updaters, log } = parts.deps;

  try {
    await updaters.finish();
  } catch (error) {
    const { code, message } = asCoded(error);
    log.warn(
      { code },
      `a takeover or release that was cut off could not be ended: ${message}; the next pass tries again`,
    );
  }
}

async function handBack(parts: Parts, waitedMs: number): Promise<void> {
  const { updaters, log } = parts.deps;
  const why = `no fresh policy for ${formatDuration(waitedMs)}`;

  try {
    await updaters.handBack();
    log.error({ code: 'OTHER_UPDATER_ACTIVE' }, `${why}: this host was handed back to its own updaters`);
  } catch (error) {
    const { code, message } = asCoded(error);
    log.error({ code }, `${why}, but this host could not be handed back: ${message}; the next pass tries again`);
  }
}

async function takeOverAgain(parts: Parts): Promise<boolean> {
  const { updaters, log } = parts.deps;

  try {
    const remaining = await updaters.takeOver();
    const more = remaining.length === 0 ? '' : `; only a person can stop: ${remaining.join(', ')}`;
    log.warn({}, `fresh policy came: this host was taken over again${more}`);

    return true;
  } catch (error) {
    const { code, message } = asCoded(error);
    log.warn({ code }, `fresh policy came, but this host was not taken over again yet: ${message}`);

    return false;
  }
}

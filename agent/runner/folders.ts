// Where the runner keeps what, and what it reads of others. Each folder has one writer; see the README.
import { join } from 'node:path';
import type { Settings } from '../settings.ts';

export interface RunnerFolders {
  /** Written by the connector: the copy of the policy repository. Untrusted. */
  readonly policy: string;
  /** Written by the connector: up to which number results may go. */
  readonly acknowledged: string;
  /** Everything below is written by the runner alone. */
  readonly runner: string;
  readonly key: string;
  readonly trustRoot: string;
  readonly accepted: string;
  readonly journal: string;
  /** Room for the journal and the result of an installation that fills the disk. */
  readonly reserve: string;
  readonly results: string;
  readonly reported: string;
  readonly wanted: string;
  readonly clock: string;
  readonly firstSeen: string;
  readonly next: string;
  readonly rollback: string;
  /** How long there was no fresh policy. */
  readonly waited: string;
  readonly lock: string;
}

export function runnerFolders(settings: Pick<Settings, 'stateDir' | 'runnerDir'>): RunnerFolders {
  const own = (name: string) => join(settings.runnerDir, name);

  return {
    policy: join(settings.stateDir, 'policy'),
    acknowledged: join(settings.stateDir, 'outbox/acknowledged.json'),
    runner: settings.runnerDir,
    key: own('key.pem'),
    trustRoot: own('trust/root.json'),
    accepted: own('accepted'),
    journal: own('journal.json'),
    reserve: own('reserve'),
    results: own('results'),
    reported: own('reported.json'),
    wanted: own('wanted.json'),
    clock: own('clock.json'),
    firstSeen: own('first-seen.json'),
    next: own('next.json'),
    rollback: own('rollback'),
    waited: own('waited.json'),
    lock: own('lock'),
  };
}

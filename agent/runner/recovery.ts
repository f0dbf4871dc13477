// At the start of the runner: what did an earlier one leave in the journal? It is brought to its end from what the host
// shows now. Nothing is installed from here: a started transaction is finished by the package manager's own repair.
import { asCoded, hasCode } from '@selvage/shared/errors/coded-error.ts';
import type { RunResult } from '@selvage/shared/model/result.ts';
import { runResult } from '@selvage/shared/model/result.ts';
import type { Parts } from './deps.ts';
import { conclude, type Problem } from './examination.ts';
import type { Intent } from './journal.ts';
import type { SignedEntry } from './results.ts';
import { keepOutput } from './steps.ts';

export type Recovery =
  | { readonly kind: 'clean' }
  | { readonly kind: 'finished'; readonly result: RunResult }
  /** The package manager of the earlier run is still at work: look again later. */
  | { readonly kind: 'busy'; readonly message: string };

export async function recover(parts: Parts): Promise<Recovery> {
  const entry = await parts.journal.read();
  if (entry === null) return { kind: 'clean' };
  parts.deps.log.warn({ state: entry.state }, 'an earlier run was interrupted');

  switch (entry.state) {
    case 'IntentRecorded':
    case 'RollbackSaved':
      // Nothing irreversible had begun: the approval is looked at anew.
      await parts.journal.clear();

      return { kind: 'clean' };
    case 'InstallStarted':
      return recoverInstallation(parts, entry.intent);
    case 'InstallEnded':
      return { kind: 'finished', result: await conclude(parts, entry.intent, entry.problem, entry.log) };
    case 'ResultSigned':
      return { kind: 'finished', result: await publishAgain(parts, entry) };
    default:
      return entry satisfies never;
  }
}

/** Outside a window too: a half-configured host is worse than finishing what was begun inside one. */
async function recoverInstallation(parts: Parts, intent: Intent): Promise<Recovery> {
  const { installer } = parts.deps;
  const output = keepOutput();
  let problem: Problem = { code: 'VERIFY_FAILED', message: 'the runner was interrupted during the installation' };

  try {
    const left = await installer.interrupted();
    if (left !== null) {
      output.line(`repairing what the interrupted run left: ${left}`);
      await installer.repair(output);
    }
  } catch (error) {
    if (hasCode(error, 'PACKAGE_MANAGER_LOCKED')) return { kind: 'busy', message: error.message };
    const { code, message } = asCoded(error);
    problem = { code, message };
  }

  return { kind: 'finished', result: await conclude(parts, intent, problem, output.text()) };
}

async function publishAgain(parts: Parts, entry: SignedEntry): Promise<RunResult> {
  await parts.results.publish(entry);
  await parts.journal.clear();

  return runResult.parse(JSON.parse(Buffer.from(entry.payload, 'base64').toString('utf8')));
}

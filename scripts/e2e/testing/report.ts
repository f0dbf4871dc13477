// A result as the runner numbers, signs and writes it, without an installation.
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { HostId } from '@selvage/shared/model/ids.ts';
import type { RunResult } from '@selvage/shared/model/result.ts';
import { runnerFolders } from '../../../agent/runner/folders.ts';
import { openJournal } from '../../../agent/runner/journal.ts';
import { openResults, settle } from '../../../agent/runner/results.ts';
import { durableFiles } from '../../../agent/runner/state-file.ts';
import type { RealHost } from './host.ts';

export function idOf(host: RealHost): HostId {
  return JSON.parse(readFileSync(join(host.stateDir, 'runner/host.json'), 'utf8')).hostId;
}

/** Makes the folder that the connector watches, as the first pass of a runner would. */
export async function prepareResults(host: RealHost): Promise<void> {
  mkdirSync(join(host.stateDir, 'runner/results'));
  await host.handOver();
}

/** `hostId` may be another's: what a taken-over host would try. Signed by this host's own runner either way. */
export async function report(host: RealHost, hostId: HostId = idOf(host)): Promise<RunResult> {
  const { stateDir } = host;
  const folders = runnerFolders({ stateDir, runnerDir: join(stateDir, 'runner') });
  const now = Temporal.Now.instant().toString();
  const approval = 'servers.widget-2';
  const result = await settle(
    await openResults(folders, durableFiles),
    openJournal(folders.journal, durableFiles),
    {
      hostId,
      run: `${approval}/1`,
      approval,
      approvalSha256: '0'.repeat(64),
      provider: 'apt',
      fix: { source: 'widget', version: '2' },
      outcome: 'not-needed',
      problem: null,
      startedAt: now,
      finishedAt: now,
      window: null,
      transaction: null,
      evidence: null,
      log: '',
    },
    { approval, outcome: 'not-needed', code: null, attempts: 0, final: true },
  );
  await host.handOver();

  return result;
}

// A sandbox with the real apt and dpkg, a mirror, signed policy, and the runner over it; and what a test needs to catch it in the
// middle of a maintainer script.

import { mkdirSync, mkdtempSync, readdirSync, readFileSync, watch } from 'node:fs';
import { join } from 'node:path';
import { createRun } from '@selvage/shared/exec/run.ts';
import type { PackageVersion } from '@selvage/shared/model/package.ts';
import { generateKey } from '@selvage/shared/pki/keys.ts';
import type { ApprovalDocument } from '@selvage/shared/policy/documents.ts';
import { approvalSample } from '@selvage/shared/policy/testing/sample-documents.ts';
import { type SampleRepository, sampleRepository } from '@selvage/shared/policy/testing/sample-repository.ts';
import { systemClock } from '@selvage/shared/time/clock.ts';
import type { DebSpec } from '../../../scripts/lab/deb.ts';
import { makeRepository } from '../../../scripts/lab/repository.ts';
import { makeSandbox, type Sandbox } from '../../../scripts/lab/sandbox.ts';
import { createAptFetcher } from '../../providers/apt/fetcher.ts';
import { runOnce } from '../runner.ts';
import { type AptRunnerOptions, aptRunnerDeps } from './apt-runner.ts';
import { layOutState, policyWith, writePolicyCopy } from './bench.ts';

const run = createRun({});
export const PARTS = ['dpkg-deb', 'apt-ftparchive', 'gpg', 'gpgv', 'apt-get', 'busybox-static', 'unshare'] as const;
/** Waits for a reader's word on a FIFO, where there is one. */
const SLOW = 'if [ -p /tmp/gate ]; then touch /tmp/started; read word < /tmp/gate; fi';
const offered = (slow: string): readonly DebSpec[] => [
  { name: 'alpha', version: '2.0', arch: 'amd64', scripts: { postinst: slow } },
  { name: 'beta', version: '2.0', depends: 'gamma' },
  { name: 'gamma', version: '1.0' },
  { name: 'delta', version: '2.0', conflicts: 'alpha' },
];
const OLD: readonly DebSpec[] = [
  { name: 'alpha', version: '1.0', arch: 'amd64' },
  { name: 'beta', version: '1.0' },
  { name: 'delta', version: '1.0' },
];
export const BEFORE = { alpha: '1.0', beta: '1.0', delta: '1.0' };

export function approve(name: string, packages: readonly PackageVersion[], over: Partial<ApprovalDocument> = {}) {
  // Down: an approval of the next second would rightly not be due yet.
  const now = Temporal.Now.instant().round({ smallestUnit: 'second', roundingMode: 'floor' });

  return approvalSample({
    name: `lab.${name}`,
    lane: 'urgent',
    fix: { provider: 'apt', source: name, version: '2.0' },
    packages: [...packages],
    approvedAt: now.toString(),
    expires: now.add({ hours: 48 }).toString(),
    ...over,
  });
}

export const alpha: PackageVersion = { name: 'alpha', version: '2.0', arch: 'amd64' };

export interface Lab {
  readonly sandbox: Sandbox;
  readonly options: AptRunnerOptions;
  readonly policy: SampleRepository;
  push(...approvals: readonly ApprovalDocument[]): void;
  pass(): ReturnType<typeof runOnce>;
  fetch(): Promise<void>;
  versions(): Promise<Record<string, string>>;
}

/** `slow`: body of the postinst of the new alpha; default: waits at `tmp/gate` of the root, where there is one. */
export async function lab(top: string, slow = SLOW): Promise<Lab> {
  const folder = mkdtempSync(join(top, 'lab-'));
  const repository = await makeRepository({ folder: join(folder, 'archive'), run, packages: offered(slow) });
  const sandbox = await makeSandbox({ folder: join(folder, 'host'), run, repositories: [repository], installed: OLD });
  const stateDir = join(sandbox.folder, 'agent');
  mkdirSync(stateDir);
  const policy = sampleRepository({ now: Temporal.Now.instant() });
  layOutState(stateDir, generateKey().privateKey, policy);
  const unprivileged = sandbox.user.dropped ? { uid: sandbox.user.uid, gid: sandbox.user.gid } : null;
  const options = { root: sandbox.root, stateDir, unprivileged };
  const packages = join(stateDir, 'packages');
  const lists = { maxAge: 86_400_000, byteBudget: 10_000_000 };
  const fetcher = createAptFetcher({ ...options, packages, run, clock: systemClock, lists });

  return {
    sandbox,
    options,
    policy,
    push: (...approvals) => {
      policy.change({ put: [policyWith({ window: 'any' }), ...approvals] }, Temporal.Now.instant());
      writePolicyCopy(policy, stateDir);
    },
    pass: () => runOnce(aptRunnerDeps(options)),
    fetch: async () => {
      await fetcher.fetch(JSON.parse(readFileSync(join(stateDir, 'runner/wanted.json'), 'utf8')));
    },
    versions: async () => Object.fromEntries(await sandbox.versions()),
  };
}

/** Passes until apt has gone; each pass really asks the kernel, so this ends with apt and not with a time. */
export async function afterApt(subject: Lab): ReturnType<typeof runOnce> {
  for (;;) {
    const results = await subject.pass();
    if (results.length > 0) return results;
  }
}

/** Resolves when the condition holds, told by changes of the folder. */
export function until(folder: string, holds: () => boolean): Promise<void> {
  return new Promise((resolve) => {
    const watcher = watch(folder, () => {
      if (!holds()) return;
      watcher.close();
      resolve();
    });
  });
}

/** Every process that carries the mark of a transaction on this root, as a power cut would end it. */
export function killTransaction(root: string): void {
  for (const name of readdirSync('/proc').filter((item) => /^\d+$/.test(item))) {
    try {
      const environment = readFileSync(`/proc/${name}/environ`, 'utf8').split('\0');
      if (environment.includes(`SELVAGE_TRANSACTION=${root}`)) process.kill(Number(name), 'SIGKILL');
    } catch (error) {
      // Processes end while they are looked at.
      if (!(error instanceof Error && 'code' in error)) throw error;
    }
  }
}

// The whole privileged half with the real apt and dpkg in a sandbox: signed policy, mirror folder, installation, result; and
// what happens when the runner, or apt with it, is killed in the middle of a maintainer script.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, watch, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createRun } from '@selvage/shared/exec/run.ts';
import type { PackageVersion } from '@selvage/shared/model/package.ts';
import { generateKey } from '@selvage/shared/pki/keys.ts';
import type { ApprovalDocument } from '@selvage/shared/policy/documents.ts';
import { approvalSample } from '@selvage/shared/policy/testing/sample-documents.ts';
import { type SampleRepository, sampleRepository } from '@selvage/shared/policy/testing/sample-repository.ts';
import { needs } from '@selvage/shared/testing/needs.ts';
import { temporaryFolder } from '@selvage/shared/testing/temporary-folder.ts';
import { systemClock } from '@selvage/shared/time/clock.ts';
import { afterEach, describe, expect, it } from 'vitest';
import type { DebSpec } from '../../scripts/lab/deb.ts';
import { makeRepository } from '../../scripts/lab/repository.ts';
import { makeSandbox, type Sandbox } from '../../scripts/lab/sandbox.ts';
import { createAptFetcher } from '../providers/apt/fetcher.ts';
import { runOnce } from './runner.ts';
import { type AptRunnerOptions, aptRunnerDeps } from './testing/apt-runner.ts';
import { layOutState, policyWith, writePolicyCopy } from './testing/bench.ts';

const run = createRun({});
const top = temporaryFolder('apt-runner');
const PARTS = ['dpkg-deb', 'apt-ftparchive', 'gpg', 'gpgv', 'apt-get', 'busybox-static', 'unshare'] as const;
/** Waits for a reader's word on a FIFO, where there is one. */
const SLOW = 'if [ -p /tmp/gate ]; then touch /tmp/started; read word < /tmp/gate; fi';
const NEW: readonly DebSpec[] = [
  { name: 'alpha', version: '2.0', arch: 'amd64', scripts: { postinst: SLOW } },
  { name: 'beta', version: '2.0', depends: 'gamma' },
  { name: 'gamma', version: '1.0' },
  { name: 'delta', version: '2.0', conflicts: 'alpha' },
];
const OLD: readonly DebSpec[] = [
  { name: 'alpha', version: '1.0', arch: 'amd64' },
  { name: 'beta', version: '1.0' },
  { name: 'delta', version: '1.0' },
];
const BEFORE = { alpha: '1.0', beta: '1.0', delta: '1.0' };

function approve(name: string, packages: readonly PackageVersion[], over: Partial<ApprovalDocument> = {}) {
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

const alpha: PackageVersion = { name: 'alpha', version: '2.0', arch: 'amd64' };

interface Lab {
  readonly sandbox: Sandbox;
  readonly options: AptRunnerOptions;
  readonly policy: SampleRepository;
  push(...approvals: readonly ApprovalDocument[]): void;
  pass(): ReturnType<typeof runOnce>;
  fetch(): Promise<void>;
  versions(): Promise<Record<string, string>>;
}

async function lab(): Promise<Lab> {
  const folder = mkdtempSync(join(top, 'lab-'));
  const repository = await makeRepository({ folder: join(folder, 'archive'), run, packages: NEW });
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

needs(PARTS, 'with the real apt in a sandbox', () => {
  describe('when one of two fixes is approved', () => {
    it('asks for exactly its packages, installs exactly them, and proves it', async () => {
      const subject = await lab();
      subject.push(approve('alpha', [alpha]));
      expect(await subject.pass()).toMatchObject([{ outcome: 'waiting', problem: { code: 'NOT_FETCHED' } }]);
      await subject.fetch();
      const [result] = await subject.pass();

      expect(result).toMatchObject({
        outcome: 'installed',
        transaction: { upgrade: [{ name: 'alpha', from: '1.0', to: '2.0' }], install: [], remove: [] },
        evidence: { packages: [{ name: 'alpha', version: '2.0', arch: 'amd64', state: 'installed' }] },
      });
      expect(result?.log).toContain('Setting up alpha');
      expect(await subject.versions()).toEqual({ ...BEFORE, alpha: '2.0' });
      expect(await subject.pass()).toEqual([]);
    });
  });

  describe('when a transaction would do more than was approved', () => {
    it('refuses it with the difference named, and changes nothing', async () => {
      const subject = await lab();
      const only = (name: string) => approve(name, [{ name, version: '2.0', arch: 'all' }]);
      subject.push(only('beta'), only('delta'));
      await subject.pass();
      await subject.fetch();
      const results = await subject.pass();
      const told = Object.fromEntries(results.map((result) => [result.fix.source, result.problem]));

      expect(told).toMatchObject({
        beta: { code: 'PLAN_CHANGED', message: expect.stringContaining('gamma:all 1.0 would be newly installed') },
        delta: { code: 'PLAN_CHANGED', message: expect.stringContaining('alpha:amd64 1.0 would be removed') },
      });
      expect(await subject.versions()).toEqual(BEFORE);
    });

    it('carries it out where the approval says so', async () => {
      const subject = await lab();
      const adds = [{ name: 'gamma', version: '1.0', arch: 'all' }];
      subject.push(
        approve('beta', [{ name: 'beta', version: '2.0', arch: 'all' }], { adds }),
        approve('delta', [{ name: 'delta', version: '2.0', arch: 'all' }], { removes: ['alpha'] }),
      );
      await subject.pass();
      await subject.fetch();

      const results = await subject.pass();

      expect(results.map(({ outcome, problem }) => [outcome, problem])).toEqual([
        ['installed', null],
        ['installed', null],
      ]);
      expect(await subject.versions()).toEqual({ beta: '2.0', gamma: '1.0', delta: '2.0' });
    });
  });

  describe('when the runner is killed in the middle of a maintainer script', () => {
    let child: ChildProcess | undefined;
    let root: string | undefined;
    // Also when a test fails: apt would wait for the FIFO for ever.
    afterEach(() => {
      child?.kill('SIGKILL');
      if (root !== undefined) killTransaction(root);
    });

    /** Starts the runner as a process and kills it when the script waits. */
    async function killedHalfWay(subject: Lab): Promise<{ readonly gate: string }> {
      root = subject.sandbox.root;
      const tmp = join(root, 'tmp');
      const gate = join(tmp, 'gate');
      execFileSync('mkfifo', ['-m', '0666', gate]);
      await subject.sandbox.handOver();
      subject.push(approve('alpha', [alpha]));
      await subject.pass();
      await subject.fetch();
      const started = until(tmp, () => existsSync(join(tmp, 'started')));
      const file = join(import.meta.dirname, 'testing/apt-runner.ts');
      child = spawn(process.execPath, [file, JSON.stringify(subject.options)], { stdio: 'inherit' });
      await started;
      const gone = new Promise((resolve) => child?.once('exit', resolve));
      child.kill('SIGKILL');
      await gone;

      return { gate };
    }

    it('apt lives on; the next start waits for it and reports what it did, once', async () => {
      const subject = await lab();
      const { gate } = await killedHalfWay(subject);
      expect(await subject.pass()).toEqual([]);
      expect(JSON.parse(readFileSync(join(subject.options.stateDir, 'runner/next.json'), 'utf8')).at).not.toBeNull();

      writeFileSync(gate, 'go on\n');
      const result = await afterApt(subject);
      expect(result).toMatchObject([{ outcome: 'installed', run: 'lab.alpha/1' }]);
      expect(await subject.versions()).toEqual({ ...BEFORE, alpha: '2.0' });
      expect(await subject.pass()).toEqual([]);
      expect(readdirSync(join(subject.options.stateDir, 'runner/results')).sort()).toEqual(['1.json', '2.json']);
    });

    it('and apt with it: the next start repairs and reports what is there', async () => {
      const subject = await lab();
      const { gate } = await killedHalfWay(subject);
      killTransaction(subject.sandbox.root);
      rmSync(gate);

      expect(await afterApt(subject)).toMatchObject([{ outcome: 'installed', run: 'lab.alpha/1' }]);
      expect(await subject.versions()).toEqual({ ...BEFORE, alpha: '2.0' });
      expect(await subject.pass()).toEqual([]);
    });
  });
});

/** Passes until apt has gone; each pass really asks the kernel, so this ends with apt and not with a time. */
async function afterApt(subject: Lab): ReturnType<typeof runOnce> {
  for (;;) {
    const results = await subject.pass();
    if (results.length > 0) return results;
  }
}

/** Resolves when the condition holds, told by changes of the folder. */
function until(folder: string, holds: () => boolean): Promise<void> {
  return new Promise((resolve) => {
    const watcher = watch(folder, () => {
      if (!holds()) return;
      watcher.close();
      resolve();
    });
  });
}

/** Every process that carries the mark of a transaction on this root, as a power cut would end it. */
function killTransaction(root: string): void {
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

// The whole privileged half with the real apt and dpkg in a sandbox: signed policy, mirror folder, installation, result; and
// what happens when the runner, or apt with it, is killed in the middle of a maintainer script.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { needs } from '@selvage/shared/testing/needs.ts';
import { temporaryFolder } from '@selvage/shared/testing/temporary-folder.ts';
import { afterEach, describe, expect, it } from 'vitest';
import { afterApt, alpha, approve, BEFORE, killTransaction, type Lab, lab, PARTS, until } from './testing/apt-lab.ts';

const top = temporaryFolder('apt-runner');

needs(PARTS, 'with the real apt in a sandbox', () => {
  describe('when one of two fixes is approved', () => {
    it('asks for exactly its packages, installs exactly them, and proves it', async () => {
      const subject = await lab(top);
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
      const subject = await lab(top);
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
      const subject = await lab(top);
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
      const subject = await lab(top);
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
      const subject = await lab(top);
      const { gate } = await killedHalfWay(subject);
      killTransaction(subject.sandbox.root);
      rmSync(gate);

      expect(await afterApt(subject)).toMatchObject([{ outcome: 'installed', run: 'lab.alpha/1' }]);
      expect(await subject.versions()).toEqual({ ...BEFORE, alpha: '2.0' });
      expect(await subject.pass()).toEqual([]);
    });
  });
});

// What the real apt and dpkg write into their logs, by Selvage's runner and by hand, and what the section makes of it.
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { createRun } from '@selvage/shared/exec/run.ts';
import type { Told } from '@selvage/shared/model/changes.ts';
import { needs } from '@selvage/shared/testing/needs.ts';
import { temporaryFolder } from '@selvage/shared/testing/temporary-folder.ts';
import { describe, expect, it } from 'vitest';
import { buildDeb } from '../../../scripts/lab/deb.ts';
import { alpha, approve, type Lab, lab, PARTS } from '../../runner/testing/apt-lab.ts';
import { testContext } from '../testing/context.ts';
import { collectHistory } from './collect.ts';

const top = temporaryFolder('real-apt-history');
const DEADLINE_MS = 60_000;

async function historyOf({ sandbox }: Lab) {
  const context = testContext({ root: sandbox.root });

  // The sandbox's apt writes the local time of this machine.
  return collectHistory({ ...context, settings: { ...context.settings, zone: Temporal.Now.timeZoneId() } });
}

const byHand = ({ sandbox }: Lab, file: string, args: readonly string[], env: Readonly<Record<string, string>> = {}) =>
  sandbox.run({
    file,
    args,
    deadlineMs: DEADLINE_MS,
    env: { APT_CONFIG: sandbox.aptConfig, DEBIAN_FRONTEND: 'noninteractive', ...env },
    check: true,
  });

const said = ({ source, run, actor, changes }: Told) => ({
  ...{ source, run, actor },
  changes: changes.map(({ name, from, to }) => `${name} ${from ?? '-'} ${to ?? '-'}`),
});

needs(PARTS, 'with the real apt in a sandbox', () => {
  describe('when Selvage installs and others do', () => {
    it('each is told once, with its user; the mark of a run is on its own transaction only', async () => {
      const subject = await lab(top);
      const { root, folder } = subject.sandbox;
      subject.push(approve('alpha', [alpha]));
      await subject.pass();
      await subject.fetch();
      expect(await subject.pass()).toMatchObject([{ outcome: 'installed', run: 'lab.alpha/1' }]);
      const own = { source: 'apt', run: 'lab.alpha/1', actor: null, changes: ['alpha 1.0 2.0'] };
      // No first of all: two logs of whole seconds do not say which of one second came first.
      expect((await historyOf(subject)).told.map(said)).toContainEqual(own);

      await byHand(subject, 'apt-get', ['-y', 'remove', 'delta'], { SUDO_UID: '65534' });
      const deb = await buildDeb(createRun({}), { name: 'gamma', version: '7.0' }, join(folder, 'debs'));
      const dpkg = [`--root=${root}`, `--log=${root}/var/log/dpkg.log`, '--force-unsafe-io'];
      await byHand(subject, 'dpkg', [...dpkg, '--install', '--', deb]);
      await byHand(subject, 'dpkg', [...dpkg, '--purge', '--', 'beta']);

      const { told, complete, problems } = await historyOf(subject);
      const dpkgOnly = { source: 'dpkg', run: null, actor: null };
      expect(told.map(said)).toEqual(
        expect.arrayContaining([
          // Before apt was ever used: how the sandbox was made.
          { ...dpkgOnly, changes: ['alpha - 1.0', 'beta - 1.0', 'delta - 1.0'] },
          own,
          { ...{ source: 'apt', run: null, actor: 'nobody (65534)' }, changes: ['delta 1.0 -'] },
          { ...dpkgOnly, changes: ['gamma - 7.0'] },
          { ...dpkgOnly, changes: ['beta 1.0 -'] },
        ]),
      );
      expect(told).toHaveLength(5);
      expect({ complete, problems }).toEqual({ complete: true, problems: [] });

      // Rotated in the middle of everything, packed, and read again: the same transactions with the same ids.
      for (const name of ['apt/history.log', 'dpkg.log']) {
        const path = join(root, 'var/log', name);
        const content = readFileSync(path);
        renameSync(path, `${path}.1`);
        writeFileSync(`${path}.2.gz`, gzipSync(content));
        writeFileSync(`${path}.1`, content.subarray(content.indexOf('\n', content.length / 2) + 1));
      }
      const again = await historyOf(subject);
      expect(again.told.filter(({ source }) => source === 'apt')).toEqual(
        told.filter(({ source }) => source === 'apt'),
      );
    });
  });
});

// What the real apt and dpkg write into their logs, by Selvage's runner and by hand, and what the section makes of it.
import { needs } from '@selvage/shared/testing/needs.ts';
import { temporaryFolder } from '@selvage/shared/testing/temporary-folder.ts';
import { describe, expect, it } from 'vitest';
import { alpha, approve, type Lab, lab, PARTS } from '../../runner/testing/apt-lab.ts';
import { testContext } from '../testing/context.ts';
import { collectHistory } from './collect.ts';

const top = temporaryFolder('real-apt-history');
const ZONE = Temporal.Now.timeZoneId();

async function historyOf({ sandbox }: Lab) {
  const context = testContext({ root: sandbox.root });

  return collectHistory({ ...context, settings: { ...context.settings, zone: ZONE } });
}

needs(PARTS, 'with the real apt in a sandbox', () => {
  describe('when Selvage installs and somebody else does', () => {
    it('both are told once each, and only its own carries the mark of its run', async () => {
      const subject = await lab(top);
      subject.push(approve('alpha', [alpha]));
      await subject.pass();
      await subject.fetch();
      const [result] = await subject.pass();

      const { told } = await historyOf(subject);

      expect(told).toMatchObject([
        { source: 'apt', run: 'lab.alpha/1', changes: [{ name: 'alpha', from: '1.0', to: '2.0' }] },
      ]);
    });
  });
});

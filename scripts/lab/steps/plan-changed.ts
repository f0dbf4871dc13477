// The second fix is approved as the collector knows it; on the host it would bring one package and remove another.
import { fetch, onEach, pass, signAndMirror, versionsOf } from '../asking.ts';
import { OTHER_FIX_ID, POLICY } from '../cast.ts';
import { expectSame, expectThat } from '../expectation.ts';
import type { Step } from '../step.ts';

export const planChanged: Step = {
  name: 'plan-changed',
  title: 'An approval whose transaction would add and remove unapproved packages is refused, with the difference named',
  play: async (stage) => {
    await signAndMirror(stage, ['fix', 'approve', OTHER_FIX_ID, '--policy', POLICY, '--lane', 'scheduled']);

    return onEach(stage, async (host) => {
      const before = await versionsOf(host);
      await pass(host);
      await fetch(host);
      const [result] = await pass(host);
      const { code, message = '' } = result?.problem ?? {};
      expectThat(
        result?.outcome === 'refused' && code === 'PLAN_CHANGED',
        `${host.name} to refuse the changed plan`,
        result,
      );
      expectThat(message.includes('gadget-data') && message.includes('trinket'), 'both packages to be named', message);
      const { install = [], remove = [] } = result.transaction ?? {};
      expectSame(
        [install.map(({ name }) => name), remove.map(({ name }) => name)],
        [['gadget-data'], ['trinket']],
        'them',
      );
      expectSame(await versionsOf(host), before, `the packages of ${host.name}`);

      return {
        line: `${code}: ${message}`,
        facts: { outcome: result.outcome, code, message, adds: install, removes: remove },
      };
    });
  },
};

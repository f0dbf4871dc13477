// The window opens tomorrow: packages are fetched, and nothing else happens. `plan` says why.
import { fetch, onEach, pass, planOf, versionsOf } from '../asking.ts';
import { INSTALLED, WINDOW_TOMORROW } from '../cast.ts';
import { expectSame, expectThat } from '../expectation.ts';
import type { Step } from '../step.ts';

const DAY = { hours: 24 } as const;

export const beforeTheWindow: Step = {
  name: 'before-the-window',
  title: 'Before the window nothing happens, and plan says why',
  play: async (stage) => {
    return onEach(stage, async (host) => {
      // The first pass names what is wanted, the fetcher brings it, the second pass has all but the window.
      await pass(host);
      await fetch(host);
      const [result] = await pass(host);
      expectThat(
        result?.outcome === 'waiting' && result.problem?.code === 'WINDOW_CLOSED',
        `${host.name} to wait for its window`,
        result,
      );

      const [plan] = (await planOf(host)).approvals;
      expectSame([plan?.verdict, plan?.code], ['waiting', 'WINDOW_CLOSED'], `the plan of ${host.name}`);
      const opens = Temporal.Instant.from(plan?.window.next[0] ?? '');
      expectThat(plan?.window.name === WINDOW_TOMORROW, 'the window of tomorrow', plan?.window);
      expectThat(
        Temporal.Instant.compare(opens, stage.began) > 0 && Temporal.Instant.compare(opens, stage.began.add(DAY)) <= 0,
        'the window to open within a day from now',
        plan?.window,
      );
      expectSame(
        await versionsOf(host),
        Object.fromEntries(INSTALLED.map(({ name, version }) => [name, version])),
        `the packages of ${host.name}`,
      );

      return {
        line: `nothing installed; plan: ${plan?.message}`,
        facts: { outcome: result.outcome, code: plan?.code, message: plan?.message, opens: opens.toString() },
      };
    });
  },
};

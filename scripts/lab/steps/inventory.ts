// What both agents found, as it arrived at the collector: two upgradable packages each, one of them a security update.
import { fixesOf, hostPage } from '../asking.ts';
import { FIX_ID, OTHER_FIX_ID } from '../cast.ts';
import { expectSame } from '../expectation.ts';
import type { Step } from '../step.ts';
import { waitFor } from '../waiting.ts';

const INVENTORY_DEADLINE_MS = 120_000;

export const inventory: Step = {
  name: 'inventory',
  title: 'Both agents refresh their own package lists, unprivileged, and report: two packages are upgradable',
  play: async (stage) => {
    const counts: Record<string, unknown> = {};
    for (const host of stage.hosts) {
      let seen: unknown = null;
      const { upgradable, security } = await waitFor(
        `the updates of ${host.name} to be known`,
        async () => {
          const page = await hostPage(stage, host);
          seen = page.host;

          return page.host.upgradable === null ? null : page.host;
        },
        INVENTORY_DEADLINE_MS,
        () => seen,
      );
      expectSame({ upgradable, security }, { upgradable: 2, security: 1 }, `the updates of ${host.name}`);
      counts[host.name] = { upgradable, security };
    }

    const fixes = await fixesOf(stage);
    expectSame(
      fixes.map(({ id, security }) => [id, security]).sort(),
      [
        [OTHER_FIX_ID, false],
        [FIX_ID, true],
      ],
      'the fixes',
    );

    return {
      lines: [
        ...Object.keys(counts).map((name) => `${name}: 2 upgradable, 1 of them security`),
        ...fixes.map(
          ({ id, hosts, security }) =>
            `fix ${id}${security ? ' (security)' : ''} on ${hosts.map(({ name }) => name).join(', ')}`,
        ),
      ],
      facts: { counts, fixes: fixes.map(({ id, security }) => ({ id, security })) },
    };
  },
};

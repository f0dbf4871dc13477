// What a host page says of the other updaters of the host: what needs a person, and who updates it.
import type { z } from 'zod';
import type { hostDetail } from '../api/contract.ts';
import type { Cli } from './cli.ts';
import { ago } from './when.ts';

type Host = Pick<z.output<typeof hostDetail>, 'mode' | 'name' | 'takeover' | 'updaters'>;

/** Sentences about what must not stay so. */
export function updaterTrouble({ mode, takeover, updaters }: Host, cli: Cli): string[] {
  const rivals = (updaters ?? []).filter(({ installs, enabled }) => installs && enabled).map(({ name }) => name);
  if (takeover?.state === 'fallback') {
    return [
      `FALLBACK  it handed itself back to its own updaters (${ago(takeover.since, cli)}): no fresh policy reached it; it takes over again by itself`,
    ];
  }
  if (mode !== 'managed' || rivals.length === 0) return [];

  return [
    `OTHER_UPDATER_ACTIVE  ${rivals.join(', ')} installs here too, so nothing approved is: on the host, as root: selvage-agent takeover`,
  ];
}

/** What is on and installs comes first. */
function weight({ enabled, installs }: NonNullable<Host['updaters']>[number]): number {
  return Number(enabled) * 2 + Number(installs);
}

/** One line for each other updater, the ones that are on first. */
export function otherUpdaters({ takeover, updaters }: Host, cli: Cli): readonly (readonly [string, string])[] {
  const taken =
    takeover === null || takeover.state === 'none'
      ? []
      : [['takeover', `${takeover.state}, ${ago(takeover.since, cli)}`] as const];
  if (updaters === null) return [...taken, ['other updaters', 'unknown']];
  if (updaters.length === 0) return [...taken, ['other updaters', 'none']];

  const lines = updaters
    .toSorted((one, other) => weight(other) - weight(one))
    .map(({ name, enabled, installs, nextRun, units }) => {
      const masked = units.some(({ state }) => state.startsWith('masked')) ? ', masked' : '';
      const does = installs ? 'installs' : 'only tells';
      const when = nextRun === null ? 'next run not known' : `next ${ago(nextRun, cli)}`;

      return `${name}: ${enabled ? `on, ${does}, ${when}` : `off${masked}`}`;
    });

  return [...taken, ...lines.map((line, index) => [index === 0 ? 'other updaters' : '', line] as const)];
}

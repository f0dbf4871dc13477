// Coverage in one line: a share, of what, and how old what it is counted by is.
import type { z } from 'zod';
import type { coverageSummary } from '../api/contract/coverage.ts';
import { shareText } from '../coverage/share.ts';
import type { Cli } from './cli.ts';
import { since } from './when.ts';

export function coverageText(
  { basis, counts, expected, unexpected, oldestList }: z.output<typeof coverageSummary>,
  cli: Cli,
): string {
  const { agent, ...others } = counts;
  const rest = Object.entries(others)
    .filter(([, count]) => count > 0)
    .map(([row, count]) => `${count} ${row}`);
  const more = basis === 'listed' && unexpected > 0 ? [`${unexpected} on no list`] : [];
  const whole =
    basis === 'listed'
      ? `lists as of ${since(oldestList?.at ?? null, cli)}`
      : 'no list of expected machines: of those that are known';

  return `${shareText(agent, expected)} report · ${[...rest, ...more, whole].join(' · ')}`;
}

// selvage host history, and host list --changed-outside: what happened to machines, and which were changed by something else.
import type { Command } from 'commander';
import { changedOutside, hostHistory } from '../../api/contract/history.ts';
import { type Cli, openSession } from '../cli.ts';
import { actorOf, showHistory, whatOf } from '../history-page.ts';
import { durationOption, pathWith, selectOption } from '../options.ts';
import { showSelection } from '../selection-lines.ts';
import { since } from '../when.ts';

interface HistoryOptions {
  readonly since?: string;
  readonly select?: string;
  readonly limit?: string;
  readonly json?: boolean;
}

export const OUTSIDE_SINCE = '7d';

export function addHostHistory(noun: Command, cli: Cli): void {
  selectOption(noun.command('history'), 'kind=changed-outside and package=openssl')
    .description('what happened to a host: admins, Selvage, others, and its own logs from before it was enrolled')
    .argument('<host>', 'name or id')
    .option('--since <duration>', 'only what is not older, such as 30d', durationOption)
    .option('--limit <n>', 'events at the most (200)')
    .option('--json', 'print one JSON document')
    .action(async (host: string, options: HistoryOptions) => {
      const { client } = await openSession(cli);
      const path = `/v1/hosts/${encodeURIComponent(host)}/history`;
      const answer = await client.get(
        pathWith(path, { since: options.since, limit: options.limit, select: options.select }),
        hostHistory,
      );
      if (options.json === true) return cli.screen.json(answer);

      showSelection(cli.screen, answer.selection, 'events');
      showHistory(cli, answer);
    });
}

export async function listChangedOutside(
  cli: Cli,
  options: { readonly since: string; readonly select?: string | undefined; readonly json?: boolean | undefined },
): Promise<void> {
  const { client } = await openSession(cli);
  const path = pathWith('/v1/changed-outside', { since: options.since, select: options.select });
  const answer = await client.get(path, changedOutside);
  if (options.json === true) return cli.screen.json(answer);

  cli.screen.line(
    `${answer.hosts.length} host${answer.hosts.length === 1 ? '' : 's'} changed outside Selvage, heard of in the last ${options.since}`,
    'strong',
  );
  showSelection(cli.screen, answer.selection, 'hosts');
  if (answer.hosts.length === 0) return;
  cli.screen.table(
    [
      { title: 'HOST', shrinks: true },
      { title: 'TIMES', align: 'right' },
      { title: 'LAST' },
      { title: 'BY', shrinks: true },
      { title: 'PACKAGES', shrinks: true },
    ],
    answer.hosts.map(({ name, transactions, last }) => [
      name,
      transactions,
      since(last?.at ?? null, cli),
      last ? actorOf(last) : '',
      last ? whatOf(last) : '',
    ]),
  );
  cli.screen.line('more: selvage host history HOST', 'dim');
}

// selvage audit list: entries of the ledger as they are told, without looking at the chain: `audit verify` does that.
import { type Command, InvalidArgumentError } from 'commander';
import type { z } from 'zod';
import { auditPage, MAX_AUDIT_PAGE } from '../../api/contract.ts';
import { added, type SelectionShown } from '../../api/selecting.ts';
import { type Cli, openSession } from '../cli.ts';
import { type ListOptions, pathWith, selectOption } from '../options.ts';
import { showSelection } from '../selection-lines.ts';
import { at } from '../when.ts';

type Page = z.output<typeof auditPage>;

interface Options extends ListOptions {
  readonly last: number;
}

const LAST = 50;
const MAX_LAST = 100_000;

export function addAuditList(noun: Command, cli: Cli): void {
  selectOption(noun.command('list'), 'action=policy.* and at<7d')
    .description('the newest entries of the ledger, oldest first')
    .option('--last <count>', 'how many', lastOption, LAST)
    .option('--json', 'print one JSON document')
    .action((options: Options) => list(cli, options));
}

async function list(cli: Cli, options: Options): Promise<void> {
  const { client } = await openSession(cli);
  let entries: Page['entries'] = [];
  let selection: SelectionShown = null;
  for (let after: number | null = 0; after !== null; ) {
    const query = { after: String(after), limit: String(MAX_AUDIT_PAGE), select: options.select };
    const page: Page = await client.get(pathWith('/v1/audit', query), auditPage);
    entries = [...entries, ...page.entries].slice(-options.last);
    selection = added(selection, page.selection);
    after = page.next;
  }
  if (options.json === true) return cli.screen.json({ entries, selection });

  showSelection(cli.screen, selection, 'entries');
  cli.screen.table(
    [
      { title: 'ENTRY', align: 'right' },
      { title: 'AT' },
      { title: 'ACTOR', shrinks: true },
      { title: 'ACTION' },
      { title: 'SUBJECT', shrinks: true },
    ],
    entries.map(({ sequence, at: when, actor, action, subject }) => [sequence, at(when, cli), actor, action, subject]),
  );
}

function lastOption(value: string): number {
  if (!/^[1-9]\d{0,5}$/.test(value) || Number(value) > MAX_LAST) {
    throw new InvalidArgumentError(`A count is 1 to ${MAX_LAST}.`);
  }

  return Number(value);
}

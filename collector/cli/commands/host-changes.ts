// selvage host accept, label, owner, retire and revoke: for hosts by name, or for all that a select text means. Whoever selects
// sees them first (--dry-run), and says how many they expect where they are more than a few.
import { CodedError, hasCode } from '@selvage/shared/errors/coded-error.ts';
import { parseLabel } from '@selvage/shared/model/labels.ts';
import type { Command } from 'commander';
import { InvalidArgumentError } from 'commander';
import type { z } from 'zod';
import { hostsChanged } from '../../api/contract/host-changes.ts';
import { importDetail } from '../../api/contract/imports.ts';
import { type Cli, openSession } from '../cli.ts';
import { selectOption } from '../options.ts';
import { showSelection } from '../selection-lines.ts';
import { since } from '../when.ts';

/** Hosts shown of each kind; the rest are counted. `--json` has them all. */
const MAX_SHOWN = 50;

type Answer = z.output<typeof hostsChanged>;
type Row = Answer['changed'][number];

interface Common {
  readonly select?: string;
  readonly dryRun?: boolean;
  readonly expect?: number;
  readonly json?: boolean;
}

/** What is done, and how it is said of the hosts to which it was done. */
interface Deed {
  readonly change: Readonly<Record<string, unknown>>;
  readonly done: string;
  readonly names: readonly string[];
}

const CLOSED = 'revoked and its connection closed';
const CLOSED_ALL = 'revoked and their connections closed';

export function addHostChanges(noun: Command, cli: Cli): void {
  many(noun, 'accept')
    .description('let pending hosts in: they get policy from now on')
    .argument('[hosts...]', 'names or ids')
    .action((names: string[], options: Common) =>
      run(cli, options, { names, change: { kind: 'accept' }, done: 'accepted' }),
    );

  many(noun, 'label')
    .description("set or remove the collector's own labels of hosts; no policy selects by them")
    .argument('<words...>', 'names or ids, then tier=web to set and zone- to remove')
    .action((words: string[], options: Common) => run(cli, options, labelling(words)));

  many(noun, 'owner')
    .description('say who answers for hosts')
    .argument('[words...]', 'names or ids, then the owner, such as ann@example.org')
    .option('--none', 'nobody does; then there are only names')
    .action((words: string[], options: Common & { readonly none?: boolean }) =>
      run(cli, options, owning(words, options)),
    );

  many(noun, 'retire')
    .description('say that machines are no more: not trusted, not listed, in no number; their names are free')
    .argument('[hosts...]', 'names or ids')
    .requiredOption('--reason <text>', 'why, for the audit ledger')
    .action((names: string[], options: Common & { readonly reason: string }) => retire(cli, names, options));

  many(noun, 'revoke')
    .description('end the trust in hosts and close their connections at once')
    .argument('[hosts...]', 'names or ids')
    .option('--reason <text>', 'why, for the audit ledger')
    .action((names: string[], options: Common & { readonly reason?: string }) =>
      run(cli, options, {
        names,
        change: { kind: 'revoke', ...(options.reason === undefined ? {} : { reason: options.reason }) },
        done: names.length === 1 ? CLOSED : CLOSED_ALL,
      }),
    );
}

function many(noun: Command, verb: string): Command {
  return selectOption(noun.command(verb))
    .option('--dry-run', 'only show which hosts that would be')
    .option('--expect <count>', 'how many hosts the text selects; needed for more than a few', countOption)
    .option('--json', 'print one JSON document');
}

/** Of one name that no host has, the machine that is known from a file under it. */
async function retire(
  cli: Cli,
  names: readonly string[],
  options: Common & { readonly reason: string },
): Promise<void> {
  const { reason } = options;
  const deed: Deed = { names, change: { kind: 'retire', reason }, done: 'retired' };
  const [only, ...others] = names;
  try {
    await run(cli, options, deed);
  } catch (error) {
    if (!hasCode(error, 'NOT_FOUND') || only === undefined || others.length > 0 || options.dryRun === true) throw error;
    const { client } = await openSession(cli);
    const path = `/v1/imports/${encodeURIComponent(only)}/retire`;
    const retired = await client.post(path, { reason }, importDetail).catch((second: unknown) => {
      throw hasCode(second, 'NOT_FOUND') ? error : second;
    });
    if (options.json === true) cli.screen.json({ imported: retired });
    else cli.screen.line(`imported machine ${retired.name} is retired`, 'good');
  }
}

async function run(cli: Cli, options: Common, { names, change, done }: Deed): Promise<void> {
  const { select, dryRun, expect } = options;
  if (names.length > 0 === (select !== undefined)) {
    throw new CodedError('USAGE', 'name the hosts, or select them with --select TEXT: one of the two');
  }
  const { client } = await openSession(cli);
  const answer = await client.post(
    '/v1/hosts/changes',
    {
      change,
      ...(select === undefined ? { hosts: names } : { select }),
      ...(dryRun === true ? { dryRun } : {}),
      ...(expect === undefined ? {} : { expect }),
    },
    hostsChanged,
  );
  if (options.json === true) cli.screen.json(answer);
  else show(cli, answer, done);

  const refused = answer.unchanged.find((one) => one.refused);
  if (!refused || answer.dryRun) return;
  throw new CodedError(
    refused.state === 'retired' ? 'HOST_RETIRED' : 'HOST_REVOKED',
    `${refused.name}: ${refused.why}`,
  );
}

function show(cli: Cli, { changed, unchanged, dryRun, selection }: Answer, done: string): void {
  const { screen } = cli;
  showSelection(screen, selection, 'hosts');
  const [only] = changed;
  if (dryRun) {
    if (changed.length > 0) table(cli, changed);
    screen.line(`dry run: ${hosts(changed.length)} would be ${done}; nothing was changed`, 'strong');
    if (selection !== null && changed.length > 0)
      screen.line(`next: the same with --expect ${changed.length} instead of --dry-run`);
  } else if (only && changed.length === 1) screen.line(`host ${only.name} is ${done}`, 'good');
  else {
    if (changed.length > 0) table(cli, changed);
    screen.line(
      `${hosts(changed.length)} ${changed.length === 1 ? 'is' : 'are'} ${done}`,
      changed.length > 0 ? 'good' : 'plain',
    );
  }
  for (const { name, why, refused } of unchanged.slice(0, MAX_SHOWN))
    screen.line(`- ${name}: ${why}`, refused ? 'bad' : 'plain');
  if (unchanged.length > MAX_SHOWN) screen.line(`- and ${unchanged.length - MAX_SHOWN} more; all of them: --json`);
}

function table({ screen, ...cli }: Cli, rows: readonly Row[]): void {
  screen.table(
    [
      { title: 'HOST', shrinks: true },
      { title: 'STATE' },
      { title: 'OS', shrinks: true },
      { title: 'ADDRESS', shrinks: true },
      { title: 'SEEN' },
      { title: 'SAME MACHINE', shrinks: true },
    ],
    rows
      .slice(0, MAX_SHOWN)
      .map(({ name, state, os, address, lastSeen, sameMachineAs }) => [
        ...[name, state, os, address ?? '-', since(lastSeen, cli)],
        sameMachineAs.length === 0 ? '' : `as ${sameMachineAs.join(', ')}`,
      ]),
  );
  if (rows.length > MAX_SHOWN) screen.line(`and ${rows.length - MAX_SHOWN} more; all of them: --json`, 'dim');
}

function hosts(count: number): string {
  return `${count} host${count === 1 ? '' : 's'}`;
}

/** `web-01 web-02 tier=web zone-`: what has a `=` is set, what ends in `-` is removed, the rest are hosts. */
function labelling(words: readonly string[]): Deed {
  const set: Record<string, string[]> = {};
  const remove: string[] = [];
  const names: string[] = [];
  for (const word of words) {
    if (word.includes('=')) {
      const { name, value } = parseLabel(word);
      set[name] = [...(set[name] ?? []), value];
    } else if (word.endsWith('-')) remove.push(word.slice(0, -1));
    else names.push(word);
  }
  if (Object.keys(set).length + remove.length === 0) {
    throw new CodedError('USAGE', 'there is no label to set or to remove', {
      next: 'add labels after the names: tier=web sets, zone- removes',
    });
  }

  return { names, change: { kind: 'label', set, remove }, done: 'labelled' };
}

function owning(words: readonly string[], options: Common & { readonly none?: boolean }): Deed {
  if (options.none === true) return { names: words, change: { kind: 'owner', owner: null }, done: 'without an owner' };
  const owner = words.at(-1);
  if (owner === undefined) throw new CodedError('USAGE', 'there is no owner', { next: 'name one, or say --none' });

  return { names: words.slice(0, -1), change: { kind: 'owner', owner }, done: `owned by ${owner}` };
}

function countOption(value: string): number {
  if (!/^\d{1,6}$/.test(value)) throw new InvalidArgumentError('A count is a whole number.');

  return Number(value);
}

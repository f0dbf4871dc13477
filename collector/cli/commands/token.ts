// selvage token: with what hosts enroll, one or many. The secret is shown once, in the command that uses it.
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import { MODES } from '@selvage/shared/model/ids.ts';
import { parseLabel, parseLabels } from '@selvage/shared/model/labels.ts';
import { type Command, InvalidArgumentError, Option } from 'commander';
import type { z } from 'zod';
import { createdHostToken, revokedToken, type token, tokens } from '../../api/contract/tokens.ts';
import { type Cli, openSession } from '../cli.ts';
import { labelTexts } from '../labels.ts';
import { durationOption, hostOption, type ListOptions, pathWith, selectOption } from '../options.ts';
import { showSelection } from '../selection-lines.ts';
import { shellWord } from '../shell-word.ts';
import { ago, until } from '../when.ts';

/** Hosts named in a row of the list; the rest are counted. */
const SOME_HOSTS = 3;

type Made = z.output<typeof createdHostToken>;
type Token = z.output<typeof token>;

interface CreateOptions {
  readonly host?: string;
  readonly uses?: number;
  readonly expires: string;
  readonly cidr: readonly string[];
  readonly label: readonly string[];
  readonly mode?: string;
  readonly replace?: boolean;
  readonly json?: boolean;
}

export function addToken(program: Command, cli: Cli): void {
  const noun = program.command('token').description('tokens with which hosts enroll');

  noun
    .command('create')
    .description('make a token for one host or for many, and show the command for the machines')
    .option('--host <name>', 'the one host that may use it, accepted at once', hostOption)
    .option('--uses <count>', 'how many hosts may use it; they wait until they are accepted', usesOption)
    .option('--expires <duration>', 'how long it may be used', durationOption, '8h')
    .option('--cidr <network>', 'only from there, as the collector sees it; may be given again', gathered, [])
    .option('--label <name=value>', 'label for what comes by it; may be given again', gatheredLabel, [])
    .addOption(new Option('--mode <mode>', 'the widest mode in which a host may enroll').choices([...MODES]))
    .option('--replace', 'the machine takes the place of the host of that name, with its owner and labels')
    .option('--json', 'print one JSON document')
    .action((options: CreateOptions) => create(cli, options));

  selectOption(noun.command('list'), 'state=open and expires<1h')
    .description('tokens, their bounds and what came by them, without secrets')
    .option('--json', 'print one JSON document')
    .action((options: ListOptions) => list(cli, options));

  noun
    .command('revoke')
    .description('make a token unusable')
    .argument('<id>', 'id of the token')
    .option('--reject-pending', 'also revoke the hosts that came by it and were not accepted yet')
    .option('--json', 'print one JSON document')
    .action((id: string, options: RevokeOptions) => revoke(cli, id, options));
}

async function create(cli: Cli, options: CreateOptions): Promise<void> {
  if (options.host === undefined && options.uses === undefined) {
    throw new CodedError('USAGE', 'for whom is the token?', {
      next: 'say --host NAME for one machine, or --uses COUNT for many, which wait until they are accepted',
    });
  }
  const { client } = await openSession(cli);
  const { host, uses, expires, cidr, label, mode, replace } = options;
  const made = await client.post(
    '/v1/tokens',
    {
      ...(host === undefined ? {} : { host }),
      ...(uses === undefined ? {} : { uses }),
      ...(mode === undefined ? {} : { mode }),
      ...{ expires, networks: cidr, labels: parseLabels(label), replaces: replace === true },
    },
    createdHostToken,
  );
  if (options.json === true) return cli.screen.json({ ...made, command: enrollCommand(made) });

  cli.screen.line(`token ${made.id} ${whom(made)}, until ${ago(made.expiresAt, cli)}`, 'strong');
  if (made.networks.length > 0) cli.screen.line(`only from ${made.networks.join(', ')}, as the collector sees it`);
  if (made.replaces) cli.screen.line(`the present ${made.boundTo} is retired as soon as it is used; its history stays`);
  cli.screen.line(`On ${made.boundTo ?? 'each machine'}, as root, with the package installed:`);
  cli.screen.line();
  cli.screen.line(enrollCommand(made));
  cli.screen.line();
  cli.screen.line(
    'In a checkout of Selvage instead: npm run setup, then npx and that line, then npx selvage-agent connect',
    'dim',
  );
  if (made.boundTo === null) cli.screen.line(`then here: selvage host accept --select 'token=${made.id}' --dry-run`);
  if (isLoopback(made.collector)) {
    cli.screen.note(
      'note: this collector listens on this machine only; for a second machine set "listen" and "names" in settings.json',
    );
  }
}

function whom({ boundTo, uses }: Made): string {
  if (boundTo !== null) return `for ${boundTo}, once`;

  return `for ${uses === 1 ? 'one host' : `up to ${uses} hosts`}, pending until accepted`;
}

/** The command for the machine, one line that can be pasted. What it says of mode and labels becomes the host's own. */
function enrollCommand({ collector, pin, token: secret, boundTo, mode, labels }: Made): string {
  return [
    `selvage-agent enroll --collector ${collector} --pin ${pin} --token ${secret}`,
    ...(boundTo === null ? [] : [`--name ${boundTo}`]),
    ...(mode === null ? [] : [`--mode ${mode}`]),
    ...labelTexts(labels).map((text) => `--label ${shellWord(text)}`),
  ].join(' ');
}

function isLoopback(url: string): boolean {
  return /^(127\.|\[?::1\]?$|localhost$)/.test(new URL(url).hostname);
}

async function list(cli: Cli, options: ListOptions): Promise<void> {
  const { client } = await openSession(cli);
  const answer = await client.get(pathWith('/v1/tokens', { select: options.select }), tokens);
  if (options.json === true) return cli.screen.json(answer);

  showSelection(cli.screen, answer.selection, 'tokens');
  cli.screen.table(
    [
      { title: 'TOKEN' },
      { title: 'FOR', shrinks: true },
      { title: 'STATE' },
      { title: 'USES', align: 'right' },
      { title: 'ENDS' },
      { title: 'BY', shrinks: true },
      { title: 'CAME', shrinks: true },
    ],
    answer.tokens.map((each) => [
      each.id,
      each.boundTo === null ? 'any host' : `${each.kind === 'admin' ? 'admin ' : ''}${each.boundTo}`,
      each.state,
      `${each.used}/${each.uses}`,
      each.state === 'open' || each.state === 'expired' ? until(each.expiresAt, cli) : '-',
      each.createdBy,
      came(each),
    ]),
  );
  // Lines of their own: networks and labels fit into no column, and half a network is another one.
  for (const each of answer.tokens) {
    const said = bounds(each);
    if (each.state === 'open' && said !== '') cli.screen.line(`  ${each.id}: ${said}`);
  }
}

function bounds({ networks, mode, labels, replaces }: Token): string {
  const parts = [
    ...(networks.length === 0 ? [] : [`from ${networks.join(', ')}`]),
    ...(mode === null ? [] : [`mode ${mode} at most`]),
    ...(Object.keys(labels).length === 0 ? [] : [`labels ${labelTexts(labels).join(' ')}`]),
    ...(replaces ? ['takes the place of the host of that name'] : []),
  ];

  return parts.join(' · ');
}

function came({ became }: Token): string {
  const pending = became.filter(({ state }) => state === 'pending').length;
  const named = became
    .slice(0, SOME_HOSTS)
    .map(({ name, state }) => (state === 'active' || state === null ? name : `${name} (${state})`));
  const more = became.length > SOME_HOSTS ? [`and ${became.length - SOME_HOSTS} more`] : [];

  return became.length === 0 ? '-' : `${pending > 0 ? `${pending} pending: ` : ''}${[...named, ...more].join(', ')}`;
}

interface RevokeOptions {
  readonly rejectPending?: boolean;
  readonly json?: boolean;
}

async function revoke(cli: Cli, id: string, options: RevokeOptions): Promise<void> {
  const { client } = await openSession(cli);
  const body = { rejectPending: options.rejectPending === true };
  const done = await client.post(`/v1/tokens/${encodeURIComponent(id)}/revoke`, body, revokedToken);
  if (options.json === true) return cli.screen.json(done);

  cli.screen.line(
    `token ${done.token.id} is revoked${done.rejected > 0 ? `, and ${done.rejected} pending hosts with it` : ''}`,
  );
  const pending = done.token.became.filter(({ state }) => state === 'pending');
  if (pending.length === 0) return;
  cli.screen.line(`${pending.length} hosts that came by it still wait to be accepted: ${names(pending)}`, 'bad');
  cli.screen.line(
    `next: selvage token revoke ${id} --reject-pending, or look at them: selvage host list --select 'token=${id}'`,
  );
}

function names(hosts: Token['became']): string {
  const some = hosts.slice(0, SOME_HOSTS).map(({ name }) => name);

  return hosts.length > SOME_HOSTS ? `${some.join(', ')} and ${hosts.length - SOME_HOSTS} more` : some.join(', ');
}

function usesOption(value: string): number {
  if (!/^[1-9]\d{0,5}$/.test(value)) throw new InvalidArgumentError('A token has 1 use or more.');

  return Number(value);
}

function gathered(value: string, before: readonly string[]): readonly string[] {
  return [...before, ...value.split(',')];
}

function gatheredLabel(value: string, before: readonly string[]): readonly string[] {
  try {
    parseLabel(value);
  } catch (cause) {
    throw new InvalidArgumentError(cause instanceof Error ? `${cause.message}.` : String(cause));
  }

  return [...before, value];
}

// selvage authority: replaces the authority of hosts, which signs their certificates and the collector's own, without
// touching them. Three steps, each refused while it would strand a host.
import type { Command } from 'commander';
import type { z } from 'zod';
import { authorities } from '../../api/contract.ts';
import { type Cli, openSession } from '../cli.ts';
import { pathWith, selectOption } from '../options.ts';
import { showSelection } from '../selection-lines.ts';
import { ago, at } from '../when.ts';

type View = z.output<typeof authorities>;

interface Options {
  readonly leaveBehind?: boolean;
  readonly select?: string;
  readonly json?: boolean;
}

const PATH = '/v1/authorities/hosts';
const SOME_HOSTS = 20;
const LEAVE_BEHIND = 'go on although the hosts that are listed will have to enroll anew';
const NEXT = {
  single: 'replace it with: selvage authority begin',
  begun: 'when all hosts trust the next one: selvage authority switch',
  switched: 'when all hosts have a certificate of it: selvage authority finish',
} as const;

export function addAuthority(program: Command, cli: Cli): void {
  const noun = program.command('authority').description('the authority that signs for hosts, and its replacement');

  selectOption(noun.command('list'), 'tier=web and seen>3d')
    .description('authorities of hosts, who trusts them, and which hosts are in the way of the next step')
    .option('--json', 'print one JSON document')
    .action(async (options: Options) => {
      const { client } = await openSession(cli);
      print(cli, await client.get(pathWith(PATH, { select: options.select }), authorities), options);
    });

  step(noun, cli, 'begin', 'make the next authority; hosts that connect come to trust it beside the present one');
  step(
    noun,
    cli,
    'switch',
    'let the next authority sign; tokens that are open must be made anew, for the new pin',
  ).option('--leave-behind', LEAVE_BEHIND);
  step(noun, cli, 'finish', 'trust the old authority no more').option('--leave-behind', LEAVE_BEHIND);
}

function step(noun: Command, cli: Cli, name: 'begin' | 'switch' | 'finish', description: string): Command {
  return noun
    .command(name)
    .description(description)
    .option('--json', 'print one JSON document')
    .action(async (options: Options) => {
      const { client } = await openSession(cli);
      const body = name === 'begin' ? {} : { leaveBehind: options.leaveBehind === true };
      print(cli, await client.post(`${PATH}/${name}`, body, authorities), options);
    });
}

function print(cli: Cli, view: View, options: Options): void {
  const { screen } = cli;
  if (options.json === true) {
    screen.json(view);

    return;
  }

  const began = view.begunAt === null ? '' : `   replacement ${view.phase}, begun ${ago(view.begunAt, cli)}`;
  screen.line(`authority of hosts${began}`, 'strong');
  screen.table(
    [
      { title: 'FINGERPRINT' },
      { title: 'SIGNS' },
      { title: 'TRUSTED BY', align: 'right' },
      { title: 'CERTIFICATES', align: 'right' },
      { title: 'ENDS' },
    ],
    view.authorities.map((one) => [
      one.fingerprint.slice(0, 16),
      one.signs ? 'yes' : 'no',
      one.trustedBy,
      one.issued,
      at(one.expires, cli),
    ]),
  );
  showSelection(screen, view.selection, 'hosts in the way');
  for (const { name, reason } of view.behind.slice(0, SOME_HOSTS)) screen.line(`  ${name}: ${reason}`, 'bad');
  if (view.behind.length > SOME_HOSTS) screen.line(`  … and ${view.behind.length - SOME_HOSTS} more: --json`, 'dim');
  screen.line(`next: ${NEXT[view.phase]}`);
}

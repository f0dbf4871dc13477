// selvage token: one-time tokens with which hosts enroll. The secret is shown once, with the commands that use it.
import type { Command } from 'commander';
import { createdToken, token, tokens } from '../../api/contract.ts';
import { type Cli, openSession } from '../cli.ts';
import { durationOption, hostOption } from '../options.ts';
import { ago } from '../when.ts';

export function addToken(program: Command, cli: Cli): void {
  const noun = program.command('token').description('one-time tokens with which hosts enroll');

  noun
    .command('create')
    .description('make a token bound to one host name, and show the commands for that machine')
    .requiredOption('--host <name>', 'name of the host that may use it', hostOption)
    .option('--expires <duration>', 'how long it may be used', durationOption, '8h')
    .option('--json', 'print one JSON document')
    .action((options: { host: string; expires: string; json?: boolean }) => create(cli, options));

  noun
    .command('list')
    .description('tokens and what became of them, without secrets')
    .option('--json', 'print one JSON document')
    .action((options: { json?: boolean }) => list(cli, options));

  noun
    .command('revoke')
    .description('make a token unusable')
    .argument('<id>', 'id of the token')
    .action(async (id: string) => {
      const { client } = await openSession(cli);
      const revoked = await client.post(`/v1/tokens/${encodeURIComponent(id)}/revoke`, {}, token);
      cli.screen.line(`token ${revoked.id} is revoked`);
    });
}

async function create(cli: Cli, options: { host: string; expires: string; json?: boolean }): Promise<void> {
  const { client } = await openSession(cli);
  const made = await client.post('/v1/tokens', { host: options.host, expires: options.expires }, createdToken);
  if (options.json === true) return cli.screen.json(made);

  cli.screen.line(`token ${made.id} for ${made.boundTo}, once, until ${ago(made.expiresAt, cli)}`, 'strong');
  cli.screen.line(`On ${made.boundTo}, in a checkout of Selvage:`);
  cli.screen.line();
  for (const command of enrollCommands(made)) cli.screen.line(command);
  if (isLoopback(made.collector)) {
    cli.screen.note(
      'note: this collector listens on this machine only; for a second machine set "listen" and "names" in settings.json',
    );
  }
}

/** The three commands for the machine, whole lines that can be pasted. */
function enrollCommands(made: {
  readonly collector: string;
  readonly pin: string;
  readonly token: string;
  readonly boundTo: string;
}): readonly string[] {
  return [
    'npm run setup',
    `npx selvage-agent enroll --collector ${made.collector} --pin ${made.pin} --token ${made.token} --name ${made.boundTo}`,
    'npx selvage-agent connect',
  ];
}

function isLoopback(url: string): boolean {
  return /^(127\.|\[?::1\]?$|localhost$)/.test(new URL(url).hostname);
}

async function list(cli: Cli, options: { json?: boolean }): Promise<void> {
  const { client } = await openSession(cli);
  const answer = await client.get('/v1/tokens', tokens);
  if (options.json === true) return cli.screen.json(answer);

  cli.screen.table(
    [
      { title: 'TOKEN' },
      { title: 'KIND' },
      { title: 'FOR', shrinks: true },
      { title: 'STATE' },
      { title: 'EXPIRES' },
      { title: 'BY', shrinks: true },
    ],
    answer.tokens.map((each) => [
      each.id,
      each.kind,
      each.boundTo ?? 'any',
      each.state,
      ago(each.expiresAt, cli),
      each.createdBy,
    ]),
  );
}

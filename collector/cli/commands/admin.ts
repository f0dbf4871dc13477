// selvage admin: who may use the collector. A new admin gets a one-time token and logs in from their own machine.
import type { Command } from 'commander';
import { admin, admins, createdToken } from '../../api/contract.ts';
import { type Cli, openSession } from '../cli.ts';
import { durationOption, type ListOptions, nameOption, pathWith, selectOption } from '../options.ts';
import { showSelection } from '../selection-lines.ts';
import { ago, at } from '../when.ts';

interface AddOptions {
  readonly reader?: boolean;
  readonly expires: string;
  readonly json?: boolean;
}

export function addAdmin(program: Command, cli: Cli): void {
  const noun = program.command('admin').description('admins: who may use this collector');

  noun
    .command('add')
    .description('make a one-time token with which the admin of that name logs in')
    .argument('<name>', 'name of the new admin', nameOption)
    .option('--reader', 'may look at everything and change nothing')
    .option('--expires <duration>', 'how long the token may be used', durationOption, '8h')
    .option('--json', 'print one JSON document')
    .action((name: string, options: AddOptions) => add(cli, name, options));

  selectOption(noun.command('list'), 'role=admin and certificate<30d')
    .description('admins with role, state and signing key')
    .option('--json', 'print one JSON document')
    .action((options: ListOptions) => list(cli, options));

  noun
    .command('revoke')
    .description('end the access of an admin at once')
    .argument('<name>', 'name of the admin', nameOption)
    .action(async (name: string) => {
      const { client } = await openSession(cli);
      const revoked = await client.post(`/v1/admins/${encodeURIComponent(name)}/revoke`, {}, admin);
      cli.screen.line(`admin ${revoked.name} is revoked`);
      if (revoked.keyId !== null) {
        cli.screen.note(
          `note: the signing key ${revoked.keyId.slice(0, 16)} still counts until the policy root drops it`,
        );
      }
    });
}

async function add(cli: Cli, name: string, options: AddOptions): Promise<void> {
  const { client } = await openSession(cli);
  const role = options.reader === true ? 'reader' : 'admin';
  const made = await client.post('/v1/admins', { name, role, expires: options.expires }, createdToken);
  if (options.json === true) return cli.screen.json(made);

  cli.screen.line(`token ${made.id} for ${role} ${name}, once, until ${ago(made.expiresAt, cli)}`, 'strong');
  cli.screen.line(`On the machine of ${name}:`);
  cli.screen.line();
  cli.screen.line(
    `npx selvage login --collector ${made.collector} --pin ${made.pin} --token ${made.token} --name ${name}`,
  );
}

async function list(cli: Cli, options: ListOptions): Promise<void> {
  const { client } = await openSession(cli);
  const answer = await client.get(pathWith('/v1/admins', { select: options.select }), admins);
  if (options.json === true) return cli.screen.json(answer);

  showSelection(cli.screen, answer.selection, 'admins');
  cli.screen.table(
    [
      { title: 'ADMIN', shrinks: true },
      { title: 'ROLE' },
      { title: 'STATE' },
      { title: 'SIGNING KEY' },
      { title: 'SINCE' },
      { title: 'CERTIFICATE ENDS' },
    ],
    answer.admins.map((each) => [
      each.name,
      each.role,
      each.state,
      each.keyId?.slice(0, 16) ?? '-',
      at(each.addedAt, cli),
      at(each.certificateExpires, cli),
    ]),
  );
}

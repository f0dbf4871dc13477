// selvage init: makes the home of a new collector and its first admin. Refuses where there is one already.
import type { Command } from 'commander';
import type { Cli } from '../cli.ts';
import { howToServe } from '../how-to-serve.ts';
import { nameOption, portOption } from '../options.ts';

interface Options {
  readonly admin: string;
  readonly name?: string[];
  readonly listen?: string;
  readonly gatewayPort?: number;
  readonly apiPort?: number;
  readonly local?: boolean;
  readonly json?: boolean;
}

const LOOPBACK = '127.0.0.1';
const EVERYWHERE = '0.0.0.0';

export function addInit(program: Command, cli: Cli): void {
  program
    .command('init')
    .description('make the authorities, policy root, admin key and database of a new collector')
    .option('--admin <name>', 'name of the first admin', nameOption, 'admin')
    .option('--name <name>', 'DNS name or address of this machine, repeatable; the first is told to hosts', collect)
    .option('--listen <address>', 'address to listen on (default: every address)')
    .option('--gateway-port <port>', 'port for hosts', portOption)
    .option('--api-port <port>', 'port for admins', portOption)
    .option('--local', 'for this machine only: loopback, and free ports where the usual ones are taken')
    .option('--json', 'print one JSON document')
    .action(async (options: Options) => {
      const local = options.local === true;
      const made = await cli.init({
        admin: options.admin,
        names: options.name ?? (local ? [LOOPBACK] : [cli.hostname]),
        listen: options.listen ?? (local ? LOOPBACK : EVERYWHERE),
        gatewayPort: options.gatewayPort ?? null,
        apiPort: options.apiPort ?? null,
        freePorts: local,
      });
      if (options.json === true) return cli.screen.json(made);

      cli.screen.line(`collector made in ${made.home}`, 'strong');
      cli.screen.line(`  for hosts   ${made.gateway}`);
      cli.screen.line(`    pin ${made.gatewayPin}`);
      cli.screen.line(`  for admins  ${made.api}`);
      cli.screen.line(`    pin ${made.apiPin}`);
      cli.screen.line(`  admin       ${made.admin}, signing key ${made.keyId.slice(0, 16)} in ${cli.admin.path}`);
      cli.screen.line();
      cli.screen.line(
        'Keep a copy of that folder in a safe place: who has the signing key decides what hosts install.',
      );
      cli.screen.line(`next: ${howToServe(made.home)}`);
    });
}

function collect(value: string, before: string[] = []): string[] {
  return [...before, value];
}

// selvage status: the collector at a glance.
import type { Command } from 'commander';
import { status } from '../../api/contract.ts';
import { type Cli, openSession } from '../cli.ts';
import { ago } from '../when.ts';

export function addStatus(program: Command, cli: Cli): void {
  program
    .command('status')
    .description('the collector at a glance: addresses, hosts, policy, ledger')
    .option('--json', 'print one JSON document')
    .action(async (options: { json?: boolean }) => {
      const { client } = await openSession(cli);
      const answer = await client.get('/v1/status', status);
      if (options.json === true) return cli.screen.json(answer);

      const { hosts, policy, audit, you } = answer;
      cli.screen.line(`collector ${answer.version}   you are ${you.name} (${you.role})`, 'strong');
      cli.screen.line(`  for hosts   ${answer.gateway}`);
      cli.screen.line(`    ${answer.gatewayPin}`);
      cli.screen.line(`  for admins  ${answer.api}`);
      cli.screen.line(`    ${answer.apiPin}`);
      cli.screen.line(
        `  hosts       ${hosts.active}: ${hosts.connected} connected, ${hosts.unknown} unknown · ${hosts.revoked} revoked`,
        hosts.unknown > 0 ? 'bad' : 'plain',
      );
      cli.screen.line(`  policy      ${policy.documents} documents, timestamp until ${ago(policy.expires, cli)}`);
      cli.screen.line(`  ledger      ${audit ? `${audit.sequence} entries, ${audit.hash.slice(0, 16)}` : 'empty'}`);
    });
}

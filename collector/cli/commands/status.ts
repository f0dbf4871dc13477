// selvage status: the collector at a glance.
import type { Command } from 'commander';
import type { z } from 'zod';
import { type alarm, alarms, status } from '../../api/contract.ts';
import { type Cli, openSession } from '../cli.ts';
import { coverageText } from '../coverage-line.ts';
import { type ListOptions, pathWith, selectOption } from '../options.ts';
import { showSelection } from '../selection-lines.ts';
import { ago } from '../when.ts';

const MAX_ALARMS_SHOWN = 10;

export function addStatus(program: Command, cli: Cli): void {
  selectOption(program.command('status'), 'tier=web and os=debian-12')
    .description('the collector at a glance: what ends soon, addresses, hosts, policy, ledger')
    .option('--json', 'print one JSON document')
    .action(async (options: ListOptions) => {
      const { client } = await openSession(cli);
      const [answer, { alarms: ending }] = await Promise.all([
        client.get(pathWith('/v1/status', { select: options.select }), status),
        client.get('/v1/alarms', alarms),
      ]);
      if (options.json === true) return cli.screen.json({ ...answer, alarms: ending });

      showAlarms(cli, ending);
      showSelection(cli.screen, answer.selection, 'hosts');
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
      if (hosts.pending > 0) {
        cli.screen.line(
          `  pending     ${hosts.pending}: selvage host list --select 'state=pending'; then: host accept`,
          'bad',
        );
      }
      if (answer.coverage) cli.screen.line(`  coverage    ${coverageText(answer.coverage, cli)}`);
      cli.screen.line(`  policy      ${policy.documents} documents, timestamp until ${ago(policy.expires, cli)}`);
      cli.screen.line(`  ledger      ${audit ? `${audit.sequence} entries, ${audit.hash.slice(0, 16)}` : 'empty'}`);
    });
}

/** First of all: what ends, what that stops, and the command that helps. */
function showAlarms({ screen }: Cli, ending: readonly z.output<typeof alarm>[]): void {
  for (const { severity, message, stops, next } of ending.slice(0, MAX_ALARMS_SHOWN)) {
    screen.line(`${severity.toUpperCase()}  ${message}`, severity === 'warning' ? 'strong' : 'bad');
    screen.line(`  stops: ${stops}`);
    screen.line(`  next:  ${next}`);
  }
  const more = ending.length - MAX_ALARMS_SHOWN;
  if (more > 0) screen.line(`${more} more alarms: selvage status --json`, 'bad');
  if (ending.length > 0) screen.line();
}

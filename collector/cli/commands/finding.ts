// selvage finding: what is vulnerable on which machine, most pressing first, and everything about one of them.
import { type Command, Option } from 'commander';
import { explanation, findings } from '../../api/contract/findings.ts';
import { FINDING_STATES } from '../../findings/finding.ts';
import { DECISIONS } from '../../triage/decision.ts';
import { type Cli, openSession } from '../cli.ts';
import { showFindings } from '../finding-list-page.ts';
import { showExplanation } from '../finding-page.ts';
import { durationOption, pathWith, selectOption } from '../options.ts';
import { addFindingCompare } from './finding-compare.ts';

interface ListOptions {
  readonly select?: string;
  readonly cve?: string;
  readonly package?: string;
  readonly decision?: string;
  readonly state?: string;
  readonly olderThan?: string;
  readonly limit?: string;
  readonly after?: string;
  readonly json?: boolean;
}

export function addFinding(program: Command, cli: Cli): void {
  const noun = program
    .command('finding')
    .description('vulnerabilities of machines, each with its evidence and decision');

  selectOption(noun.command('list'), 'decision=immediate and tier=web')
    .description('findings by decision, date and EPSS; an unknown machine is said, never counted as none')
    .option('--cve <id>', 'only this CVE')
    .option('--package <name>', 'only of this package, or of this source')
    .addOption(new Option('--decision <word>', 'only with this decision').choices(DECISIONS))
    .addOption(new Option('--state <word>', 'only in this state').choices(FINDING_STATES))
    .option('--older-than <duration>', 'only those first seen longer ago: 30d', durationOption)
    .option('--limit <count>', 'how many at once, at most 1000')
    .option('--after <page>', 'the page after that one: what the page before printed, or its `next`')
    .option('--json', 'print one JSON document')
    .action(async ({ json, ...query }: ListOptions) => {
      const { client } = await openSession(cli);
      const answer = await client.get(pathWith('/v1/findings', query), findings);
      if (json === true) return cli.screen.json(answer);
      showFindings(cli, answer);
    });

  noun
    .command('explain')
    .description('one CVE on one machine: is it here, does it run, why so decided, due when, what fixes it and when')
    .argument('<host>', 'name or id; also of a machine known from a file')
    .argument('<cve>', 'CVE-2024-38475')
    .option('--json', 'print one JSON document')
    .action(async (host: string, cve: string, options: { readonly json?: boolean }) => {
      const { client } = await openSession(cli);
      const path = `/v1/findings/${encodeURIComponent(host)}/${encodeURIComponent(cve)}`;
      const answer = await client.get(path, explanation);
      if (options.json === true) return cli.screen.json(answer);
      showExplanation(cli, answer);
    });

  addFindingCompare(noun, cli);
}

// selvage fix: what hosts need, and the decision about it. An approval names the exact packages; it is shown whole, then
// signed here with the admin's own key.

import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import { decodeDocuments } from '@selvage/shared/policy/decode.ts';
import { type ApprovalDocument, LANES } from '@selvage/shared/policy/documents.ts';
import { changeDocuments } from '@selvage/shared/policy/sign.ts';
import { parseDuration } from '@selvage/shared/time/duration.ts';
import { type Command, Option } from 'commander';
import { fix, fixes } from '../../api/contract.ts';
import { selectableHosts } from '../../api/selectable.ts';
import { allHosts } from '../all-hosts.ts';
import { buildApproval, type Decision } from '../approval.ts';
import { type Cli, openSession } from '../cli.ts';
import { currentPolicy } from '../current-policy.ts';
import { showApproval, showFixes } from '../fix-page.ts';
import { durationOption, type ListOptions, pathWith, selectOption } from '../options.ts';
import { handIn, renewedPolicy, showHandedIn, signerOf } from '../push.ts';

interface Options {
  readonly policy: string;
  readonly lane: ApprovalDocument['lane'];
  readonly expires: string;
  readonly add?: string[];
  readonly remove?: string[];
  readonly reason?: string;
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

const LIFE = '7d';

export function addFix(program: Command, cli: Cli): void {
  const noun = program.command('fix').description('what hosts need, and the decision about it');

  selectOption(noun.command('list'), 'why=security and tier=web')
    .description('fixes that hosts need or that were decided upon, security first')
    .option('--json', 'print one JSON document')
    .action(async (options: ListOptions) => {
      const { client } = await openSession(cli);
      const answer = await client.get(pathWith('/v1/fixes', { select: options.select }), fixes);
      if (options.json === true) return cli.screen.json(answer);
      showFixes(cli, answer);
    });

  decisionCommand(noun, 'approve', 'let hosts of a policy install exactly these packages, in its window')
    .option('--add <package...>', 'a package that may newly appear: name=version or name:arch=version')
    .option('--remove <package...>', 'a package that may be removed')
    .action((id: string, options: Options) => decide(cli, id, 'approve', options));

  decisionCommand(noun, 'reject', 'take a decision back or say no: hosts of the policy do not install it').action(
    (id: string, options: Options) => decide(cli, id, 'reject', options),
  );
}

function decisionCommand(noun: Command, verb: string, description: string): Command {
  return noun
    .command(verb)
    .description(description)
    .argument('<fix>', '<source>@<version>, as "selvage fix list" prints it')
    .requiredOption('--policy <name>', 'PatchPolicy that it is decided for')
    .addOption(new Option('--lane <lane>', 'lane of that policy').choices(LANES).makeOptionMandatory())
    .option('--expires <duration>', 'no host starts after this', durationOption, LIFE)
    .option('--reason <text>', 'why, for those who read it later')
    .option('--dry-run', 'show what would be signed, sign nothing')
    .option('--json', 'print one JSON document');
}

async function decide(cli: Cli, id: string, verdict: Decision['decision'], options: Options): Promise<void> {
  const session = await openSession(cli);
  const [found, known, current] = await Promise.all([
    session.client.get(`/v1/fixes/${encodeURIComponent(id)}`, fix),
    allHosts(session.client),
    currentPolicy(cli, session),
  ]);
  const documents = current.documents.map(({ document }) => document);
  const approval = checked(
    buildApproval(
      found,
      {
        decision: verdict,
        policy: options.policy,
        lane: options.lane,
        add: options.add ?? [],
        remove: options.remove ?? [],
        lifeMs: parseDuration(options.expires),
        ...(options.reason === undefined ? {} : { reason: options.reason }),
      },
      { documents, now: cli.clock.now() },
    ),
  );
  const json = options.json === true;
  if (!json) showApproval(cli, { approval, fix: found, documents, hosts: selectableHosts(known.hosts) });
  if (options.dryRun === true)
    return json ? cli.screen.json({ approval, timestampVersion: null, waits: null }) : undefined;

  const base = await renewedPolicy(cli, session, current);
  const signer = await signerOf(cli, base);
  const proposal = changeDocuments({ current: base, put: [approval], signers: [signer], now: cli.clock.now() });
  const handed = await handIn(cli, session, base, proposal);
  if (json) return cli.screen.json({ approval, ...handed });

  showHandedIn(cli, handed, signer.keyId);
}

/** What options made goes through the same decoder as what files hold. */
function checked(approval: ApprovalDocument): ApprovalDocument {
  const [document] = decodeDocuments([approval]);
  if (document?.kind !== 'Approval') throw new CodedError('INTERNAL', 'an approval became something else');

  return document;
}

// selvage policy propose | proposals | sign | decline: a change that one admin wants and another signs. What is signed is what was
// decoded, compared with the policy in force and shown here: the collector only carries it.
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import { decodeDocuments } from '@selvage/shared/policy/decode.ts';
import { pathOf } from '@selvage/shared/policy/documents.ts';
import { type Command, InvalidArgumentError } from 'commander';
import { MAX_NOTE, proposalNumber, proposals, proposed } from '../../api/contract/proposals.ts';
import { refuseBoth } from '../../policy/both-ways.ts';
import { signaturesText } from '../../todo/signatures.ts';
import { type Cli, openSession } from '../cli.ts';
import { cosign } from '../cosign.ts';
import { type ListOptions, pathWith, selectOption } from '../options.ts';
import { brokenAt } from '../paragraph.ts';
import { changeOf, changeOfFiles, signChange } from '../policy-change.ts';
import { isEmpty } from '../policy-diff.ts';
import { showReport } from '../policy-page.ts';
import {
  changedSince,
  digits,
  type Proposal,
  proposedDiff,
  showProposal,
  showUnsigned,
  signed,
} from '../proposal-page.ts';
import { renewedPolicy, showHandedIn } from '../push.ts';
import { showSelection } from '../selection-lines.ts';
import { ACCEPT_UNREAD, refuseUnread } from '../unread.ts';
import { ago } from '../when.ts';

const HELP = `
Nothing is signed by looking: the first call shows every document and ends with the line that signs just that. Signed is what this
machine has decoded and shown, on top of the policy in force; when either has changed since, it is refused and shown again.`;

interface Json {
  readonly json?: boolean;
}

export function addPolicyProposals(noun: Command, cli: Cli): void {
  noun
    .command('propose')
    .description('hand files to the collector for another admin to sign; nothing changes by it')
    .argument('<file...>', 'YAML files with one or more documents each')
    .option('--prune', 'remove windows and patch policies that are not in the files')
    .option('--note <text>', 'why, for whoever signs', noteArgument, '')
    .option('--json', 'print one JSON document')
    .action((files: string[], options: Json & { readonly note: string; readonly prune?: boolean }) =>
      propose(cli, files, options),
    );

  selectOption(noun.command('proposals'), 'state=waiting and for=bob')
    .description('changes that wait to be signed, and those that were signed or declined last')
    .option('--json', 'print one JSON document')
    .action((options: ListOptions) => list(cli, options));

  noun
    .command('sign')
    .description('show what a proposal would change; with --seen, sign it with the key of this machine')
    .argument('<number>', 'as policy proposals shows it', numberArgument)
    .option('--seen <digits>', 'sign it, when it is still what was shown with these digits')
    .option(...ACCEPT_UNREAD)
    .option('--json', 'print one JSON document')
    .addHelpText('after', HELP)
    .action((number: number, options: Json & Signing) => sign(cli, number, options));

  noun
    .command('decline')
    .description('take a proposal off the list unsigned')
    .argument('<number>', 'as policy proposals shows it', numberArgument)
    .option('--reason <text>', 'why, for whoever proposed it', noteArgument, '')
    .option('--json', 'print one JSON document')
    .action(async (number: number, { reason, json }: Json & { readonly reason: string }) => {
      const { client } = await openSession(cli);
      await client.post(`/v1/policy/proposals/${number}/decline`, { reason }, proposals);
      if (json === true) return cli.screen.json({ number, outcome: 'declined', reason });
      cli.screen.line(`proposal ${number} is declined`, 'good');
    });
}

async function propose(
  cli: Cli,
  files: readonly string[],
  options: Json & { readonly note: string; readonly prune?: boolean },
): Promise<void> {
  const { session, diff, report } = await changeOfFiles(cli, files, options);
  const json = options.json === true;
  if (!json) showReport(cli, report, diff);
  if (isEmpty(diff)) return json ? cli.screen.json({ ...report, number: null }) : undefined;
  const documents = [...diff.added, ...diff.changed.map(({ document }) => document)];
  const removed = diff.removed.map(pathOf);
  const { number } = await session.client.post(
    '/v1/policy/proposals',
    { documents, removed, note: options.note },
    proposed,
  );
  if (json) return cli.screen.json({ ...report, number });

  const approvers = documents.flatMap((one) => (one.kind === 'RiskAcceptance' ? [one.approver] : []));
  cli.screen.line(`proposal ${number} waits for a signature: nothing is signed yet`, 'good');
  cli.screen.line(`next: let ${[...new Set(approvers)].join(', ') || 'an admin'} run: selvage policy sign ${number}`);
}

async function list(cli: Cli, options: ListOptions): Promise<void> {
  const { client } = await openSession(cli);
  const answer = await client.get(pathWith('/v1/policy/proposals', { select: options.select }), proposals);
  if (options.json === true) return cli.screen.json(answer);

  const { screen } = cli;
  showSelection(screen, answer.selection, 'proposals');
  if (answer.proposals.length === 0 && answer.selection === null) return screen.line('nothing waits to be signed');
  for (const each of answer.proposals) {
    const { number, outcome, note, reason } = each;
    const who = `${each.proposedBy}, ${ago(each.proposedAt, cli)}`;
    screen.line(`${number}   ${outcome ?? 'waiting'}   ${who}`, outcome === null ? 'strong' : 'dim');
    for (const line of brokenAt(each.titles.join(', '), screen.width - 4)) screen.line(`    ${line}`);
    if (note !== '') for (const line of brokenAt(`why: ${note}`, screen.width - 4)) screen.line(`    ${line}`);
    if (outcome === null) {
      const text = whose(each);
      if (text !== '') for (const line of brokenAt(text, screen.width - 4)) screen.line(`    ${line}`);
      const over = each.signatures !== null && each.signatures.problem !== null;
      screen.line(
        `    next: ${over ? `propose it again, and: selvage policy decline ${number}` : `selvage policy sign ${number}`}`,
      );
    } else {
      const end = `${outcome} by ${each.closedBy}${reason === '' ? '' : `: ${reason}`}`;
      for (const line of brokenAt(end, screen.width - 4)) screen.line(`    ${line}`, 'dim');
    }
  }
}

/** Whose signatures it has and needs; empty: anybody's. */
function whose({ approvers, signatures }: Proposal): string {
  if (signatures !== null) return signaturesText(signatures);

  return approvers.length === 0 ? '' : `only the signature of ${approvers.join(', ')} counts`;
}

interface Signing {
  readonly seen?: string;
  readonly acceptUnread?: boolean;
}

async function sign(cli: Cli, number: number, options: Json & Signing): Promise<void> {
  const session = await openSession(cli);
  const one = await waiting(cli, session.client, number);
  if (one.signatures !== null) return cosign(cli, session, one, options);
  const documents = decodeDocuments(one.documents);
  refuseBoth(documents, one.removed);
  const { current: before, diff, report } = await changeOf(cli, session, (now) => proposedDiff(now, documents, one));
  const seen = digits(diff);
  const json = options.json === true;
  if (isEmpty(diff)) {
    throw new CodedError('POLICY_CONFLICT', `proposal ${number} would change nothing any more`, {
      next: `take it off the list: selvage policy decline ${number}`,
    });
  }
  if (options.seen === undefined) {
    if (json) return cli.screen.json({ ...report, number, documents, seen, timestampVersion: null, waits: null });
    showProposal(cli, one, diff);
    showReport(cli, report, diff);
    showUnsigned(cli, number, seen);

    return;
  }
  if (options.seen !== seen) {
    throw changedSince(number, options.seen);
  }
  refuseUnread(report.unread, options);
  const current = await renewedPolicy(cli, session, before);
  // Between the two, somebody else may have pushed what this would undo unseen.
  const now = current.documents.map(({ document }) => document);
  if (digits(proposedDiff(now, documents, one)) !== seen) throw changedSince(number, seen);
  const { handed, keyId } = await signed(number, () => signChange(cli, session, { current, diff, proposal: number }));
  if (json) return cli.screen.json({ ...report, number, documents, seen, ...handed });

  showReport(cli, report, diff);
  showHandedIn(cli, handed, keyId);
}

async function waiting(
  cli: Cli,
  client: Awaited<ReturnType<typeof openSession>>['client'],
  number: number,
): Promise<Proposal> {
  const path = pathWith('/v1/policy/proposals', { select: `number=${number}` });
  const found = (await client.get(path, proposals)).proposals.find((one) => one.number === number);
  if (found?.outcome === null) return found;
  const closed = found ? `: ${found.closedBy} has ${found.outcome} it ${ago(found.closedAt ?? '', cli)}` : '';

  throw new CodedError('NOT_FOUND', `no proposal ${number} waits for a signature${closed}`, {
    next: 'list them: selvage policy proposals',
  });
}

function noteArgument(value: string): string {
  if (value.length > MAX_NOTE) throw new InvalidArgumentError(`At most ${MAX_NOTE} characters.`);

  return value;
}

function numberArgument(value: string): number {
  const number = proposalNumber.safeParse(value);
  if (!number.success) throw new InvalidArgumentError('A number, as selvage policy proposals shows it.');

  return number.data;
}

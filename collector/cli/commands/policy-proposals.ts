// selvage policy propose | proposals | sign | decline: a change that one admin wants and another signs. What is signed is what was
// decoded, compared with the policy in force and shown here: the collector only carries it.
import { CodedError, hasCode } from '@selvage/shared/errors/coded-error.ts';
import { canonicalJson, sha256 } from '@selvage/shared/files/canonical.ts';
import { decodeDocuments } from '@selvage/shared/policy/decode.ts';
import { type PolicyDocument, pathOf } from '@selvage/shared/policy/documents.ts';
import { type Command, InvalidArgumentError } from 'commander';
import { stringify } from 'yaml';
import type { z } from 'zod';
import { MAX_NOTE, type proposal, proposalNumber, proposals, proposed } from '../../api/contract/proposals.ts';
import { refuseBoth } from '../../policy/both-ways.ts';
import { type Cli, openSession } from '../cli.ts';
import { type ListOptions, pathWith, selectOption } from '../options.ts';
import { brokenAt, hanging } from '../paragraph.ts';
import { changeOf, changeOfFiles, signChange } from '../policy-change.ts';
import { diffOf, isEmpty, type PolicyDiff } from '../policy-diff.ts';
import { showReport, titleOf } from '../policy-page.ts';
import { renewedPolicy } from '../push.ts';
import type { Screen } from '../screen.ts';
import { showSelection } from '../selection-lines.ts';
import { ago } from '../when.ts';

/**
 * Hex digits of a hash that a person copies from one line to the next. 160 bits: whoever makes up both what is shown and what is
 * handed out later finds two of a kind at half the bits. The line that is copied still fits 80 columns.
 */
const SEEN_DIGITS = 40;
const HELP = `
Nothing is signed by looking: the first call shows every document and ends with the line that signs just that. Signed is what this
machine has decoded and shown, on top of the policy in force; when either has changed since, it is refused and shown again.`;

type Proposal = z.output<typeof proposal>;

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
    .option('--json', 'print one JSON document')
    .addHelpText('after', HELP)
    .action((number: number, options: Json & { readonly seen?: string }) => sign(cli, number, options));

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
    const { number, outcome, note, reason, approvers } = each;
    const who = `${each.proposedBy}, ${ago(each.proposedAt, cli)}`;
    screen.line(`${number}   ${outcome ?? 'waiting'}   ${who}`, outcome === null ? 'strong' : 'dim');
    for (const line of brokenAt(each.titles.join(', '), screen.width - 4)) screen.line(`    ${line}`);
    if (note !== '') for (const line of brokenAt(`why: ${note}`, screen.width - 4)) screen.line(`    ${line}`);
    if (outcome === null) {
      if (approvers.length > 0) screen.line(`    only the signature of ${approvers.join(', ')} counts`);
      screen.line(`    next: selvage policy sign ${number}`);
    } else {
      const end = `${outcome} by ${each.closedBy}${reason === '' ? '' : `: ${reason}`}`;
      for (const line of brokenAt(end, screen.width - 4)) screen.line(`    ${line}`, 'dim');
    }
  }
}

async function sign(cli: Cli, number: number, options: Json & { readonly seen?: string }): Promise<void> {
  const session = await openSession(cli);
  const one = await waiting(cli, session.client, number);
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
    if (json) return cli.screen.json({ ...report, number, documents, seen, timestampVersion: null });
    showProposal(cli, one, diff);
    showReport(cli, report, diff);
    cli.screen.line();
    cli.screen.line('nothing is signed yet', 'strong');
    cli.screen.line(`next: selvage policy sign ${number} --seen ${seen}`);

    return;
  }
  if (options.seen !== seen) {
    throw changedSince(number, options.seen);
  }
  const current = await renewedPolicy(cli, session, before);
  // Between the two, somebody else may have pushed what this would undo unseen.
  const now = current.documents.map(({ document }) => document);
  if (digits(proposedDiff(now, documents, one)) !== seen) throw changedSince(number, seen);
  const { timestampVersion, keyId } = await signed(number, () =>
    signChange(cli, session, { current, diff, proposal: number }),
  );
  if (json) return cli.screen.json({ ...report, number, documents, seen, timestampVersion });

  showReport(cli, report, diff);
  cli.screen.line(`signed with ${keyId.slice(0, 16)} and pushed: timestamp version ${timestampVersion}`, 'good');
}

/** Whoever was overtaken by another push looks again: this is no file that is pushed again. */
async function signed<T>(number: number, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!hasCode(error, 'POLICY_CONFLICT')) throw error;
    const { message, details } = error;
    throw new CodedError('POLICY_CONFLICT', message, { cause: error, details, next: lookAgain(number) });
  }
}

function lookAgain(number: number): string {
  return `look at it again: selvage policy sign ${number}`;
}

function changedSince(number: number, seen: string): CodedError {
  return new CodedError('POLICY_CONFLICT', `proposal ${number} is not what was shown with ${seen}`, {
    next: lookAgain(number),
  });
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

function proposedDiff(
  current: readonly PolicyDocument[],
  documents: readonly PolicyDocument[],
  { removed }: Pick<Proposal, 'removed'>,
): PolicyDiff {
  const gone = new Set(removed);

  return {
    ...diffOf(current, documents, { prune: false }),
    removed: current.filter((document) => gone.has(pathOf(document))),
  };
}

/** Of everything that is shown: what is put, what it replaces, what goes. */
function digits(diff: PolicyDiff): string {
  const { added, changed, removed } = diff;
  const shown = {
    added,
    changed: changed.map(({ document, fields }) => ({ document, fields: plain(fields) })),
    removed,
  };

  return sha256(canonicalJson(shown)).slice(0, SEEN_DIGITS);
}

/** What a field was before may be nothing, which JSON has no word for. */
function plain(fields: PolicyDiff['changed'][number]['fields']) {
  return fields.map(({ path, before = null, after = null }) => ({ path, before, after }));
}

function showProposal(cli: Cli, one: Proposal, diff: PolicyDiff): void {
  const { screen } = cli;
  screen.line(`proposal ${one.number} of ${one.proposedBy}, ${ago(one.proposedAt, cli)}`, 'strong');
  if (one.note !== '') for (const line of hanging(`why: ${one.note}`, '  ', screen.width)) screen.line(line);
  for (const document of diff.added) showDocument(screen, titleOf(document), document);
  for (const document of diff.removed) showDocument(screen, `remove ${titleOf(document)}`, document);
  screen.line();
}

/** Broken here and not by the terminal: there the rest of a long text would stand where a field of its own does. */
function showDocument(screen: Screen, title: string, document: PolicyDocument): void {
  screen.line();
  screen.line(title, 'strong');
  for (const line of stringify(document, { lineWidth: 0 }).trimEnd().split('\n')) {
    const indent = /^ */.exec(line)?.[0] ?? '';
    for (const each of hanging(line.trimStart(), `  ${indent}`, screen.width)) screen.line(each);
  }
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

// selvage policy: what hosts may do and when, as signed documents. A push is signed here with the admin's own key; the
// collector only stores it.

import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import type { PolicyDocument } from '@selvage/shared/policy/documents.ts';
import { endingRoles } from '@selvage/shared/policy/rotate.ts';
import { formatDuration, parseDuration } from '@selvage/shared/time/duration.ts';
import type { Command } from 'commander';
import { stringify } from 'yaml';
import { choose, readSelect } from '../../api/selecting.ts';
import { POLICY_WORDS } from '../../api/words/documents.ts';
import { type Cli, openSession } from '../cli.ts';
import { currentOrOverdue, currentPolicy } from '../current-policy.ts';
import { durationOption, type ListOptions, selectOption } from '../options.ts';
import { changeOfFiles, signChange } from '../policy-change.ts';
import { isEmpty } from '../policy-diff.ts';
import { showReport, titleOf } from '../policy-page.ts';
import { type HandedIn, RENEW_AHEAD_MS, renew, renewedPolicy, showHandedIn, showWaiting } from '../push.ts';
import { type RecoverOptions, recover } from '../recover.ts';
import { ACCEPT_UNREAD, refuseUnread } from '../unread.ts';
import { addPolicyImport } from './policy-import.ts';
import { addPolicyProposals } from './policy-proposals.ts';

interface Options {
  readonly prune?: boolean;
  readonly acceptUnread?: boolean;
  readonly json?: boolean;
}

export function addPolicy(program: Command, cli: Cli): void {
  const noun = program.command('policy').description('signed documents: windows, patch policies, approvals');
  const prune = ['--prune', 'remove windows and patch policies that are not in the files'] as const;

  noun
    .command('diff')
    .description('what a push of these files would change, whom it concerns, when windows open next')
    .argument('<file...>', 'YAML files with one or more documents each')
    .option(...prune)
    .option('--json', 'print one JSON document')
    .action(async (files: string[], options: Options) => {
      const { report, diff } = await changeOfFiles(cli, files, options);
      if (options.json === true) return cli.screen.json(report);
      showReport(cli, report, diff);
    });

  noun
    .command('push')
    .description(
      'show what changes, sign it with the key of this machine and hand it in; where several must sign, it waits for them',
    )
    .argument('<file...>', 'YAML files with one or more documents each')
    .option(...prune)
    .option(...ACCEPT_UNREAD)
    .option('--json', 'print one JSON document')
    .action((files: string[], options: Options) => push(cli, files, options));

  selectOption(noun.command('get'), 'kind=approval and expires<1d')
    .description('the documents in force, as YAML that can be edited and pushed')
    .argument('[name]', 'one document, by name or "Kind/name"')
    .option('--json', 'print one JSON document')
    .action((name: string | undefined, options: ListOptions) => get(cli, name, options));

  addPolicyImport(noun, cli);
  addPolicyProposals(noun, cli);

  noun
    .command('renew')
    .description('sign anew what ends soon (root and roles), nothing else; a push does so by itself')
    .option('--within <duration>', 'what ends within this', durationOption, formatDuration(RENEW_AHEAD_MS))
    .option('--json', 'print one JSON document')
    .action((options: { within: string; json?: boolean }) => renewSoon(cli, options));

  noun
    .command('recover')
    .description('after a restore: bring back what the collector has lost, so that hosts accept its policy again')
    .option('--sign-above', 'where nobody has what hosts hold: sign what is here above it')
    .option('--new-online-keys', 'where the keys of the collector were replaced after the backup: let it have others')
    .option('--json', 'print one JSON document')
    .action((options: RecoverOptions) => recover(cli, options));
}

async function renewSoon(cli: Cli, options: { readonly within: string; readonly json?: boolean }): Promise<void> {
  const session = await openSession(cli);
  const { policy } = await currentOrOverdue(cli, session);
  const roles = endingRoles(policy, cli.clock.now(), parseDuration(options.within));
  const none: HandedIn = { timestampVersion: null, waits: null };
  const { timestampVersion, waits } = roles.length === 0 ? none : await renew(cli, session, policy, roles);
  if (options.json === true) return cli.screen.json({ roles, timestampVersion, waits });

  if (waits !== null) return showWaiting(cli, waits);
  if (timestampVersion === null) return cli.screen.line(`nothing ends within ${options.within}`, 'good');
  cli.screen.line(`signed anew: ${roles.join(', ')}; timestamp version ${timestampVersion}`, 'good');
}

async function push(cli: Cli, files: readonly string[], options: Options): Promise<void> {
  const { session, current: before, diff, report } = await changeOfFiles(cli, files, options);
  const json = options.json === true;
  if (!json) showReport(cli, report, diff);
  if (!isEmpty(diff)) refuseUnread(report.unread, options);
  const current = await renewedPolicy(cli, session, before);
  if (isEmpty(diff)) return json ? cli.screen.json({ ...report, timestampVersion: null, waits: null }) : undefined;

  const { handed, keyId } = await signChange(cli, session, { current, diff });
  if (json) return cli.screen.json({ ...report, ...handed });

  showHandedIn(cli, handed, keyId);
}

async function get(cli: Cli, name: string | undefined, options: ListOptions): Promise<void> {
  const select = readSelect(options.select, POLICY_WORDS);
  const session = await openSession(cli);
  const all = (await currentPolicy(cli, session)).documents.map(({ document }) => document);
  const named = name === undefined ? all : all.filter((document) => isNamed(document, name));
  if (name !== undefined && named.length === 0) {
    throw new CodedError('NOT_FOUND', `the policy has no document ${name}`, { next: 'list them: selvage policy get' });
  }
  const { chosen: found, selection } = await choose(named, select, cli.clock.now());
  if (options.json === true) return cli.screen.json({ documents: found, selection });
  // What is printed may be edited and pushed: comments only.
  if (selection) cli.screen.note(`${selection.selected} of ${selection.of} documents selected by: ${selection.select}`);
  if (all.length === 0) return cli.screen.note('the policy has no documents yet; next: selvage policy push FILE');

  const texts = found.map((document) => `# ${titleOf(document)}\n${stringify(document, { lineWidth: 0 })}`);
  cli.screen.text(texts.join('---\n'));
}

function isNamed(document: PolicyDocument, name: string): boolean {
  return document.name === name || `${document.kind}/${document.name}` === name;
}

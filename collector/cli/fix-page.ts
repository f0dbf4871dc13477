// Fixes as a table, and one decision shown whole: every package, what may be added or removed, when, and on which hosts.

import type { PackageVersion } from '@selvage/shared/model/package.ts';
import type { ApprovalDocument, PatchPolicyDocument, PolicyDocument } from '@selvage/shared/policy/documents.ts';
import { type SelectableHost, selectorOf } from '@selvage/shared/policy/select.ts';
import type { z } from 'zod';
import type { fix, fixes } from '../api/contract.ts';
import type { Cli } from './cli.ts';
import { hostsOf } from './policy-diff.ts';
import { showSelection } from './selection-lines.ts';
import { someNames } from './some-names.ts';
import { ago, since } from './when.ts';

type ApiFix = z.output<typeof fix>;

export function showFixes(cli: Cli, answer: z.output<typeof fixes>): void {
  const { screen } = cli;
  const open = answer.fixes.filter((each) => countOf(each, 'open') > 0);
  const security = open.filter((each) => each.security).length;
  screen.line(
    `${answer.fixes.length} fixes   ${open.length} need a decision (${security} security) · ${answer.unknown.length} hosts unknown`,
    'strong',
  );
  showSelection(screen, answer.selection, 'fixes on hosts');
  for (const host of answer.unknown) screen.line(`? ${host.name}: ${host.reason}`, 'bad');
  if (answer.fixes.length === 0) return;

  screen.table(
    [
      // Whole, because it is what the next command is given.
      { title: 'FIX' },
      { title: 'WHY' },
      { title: 'DONE', align: 'right' },
      { title: 'BAD', align: 'right' },
      { title: 'STATE' },
      { title: 'FOR', shrinks: true },
    ],
    answer.fixes.map((each) => [
      each.id,
      each.security ? 'security' : 'update',
      `${countOf(each, 'installed')}/${each.hosts.length}`,
      countOf(each, 'failed') + countOf(each, 'refused'),
      stateOf(cli, each.approval),
      each.approval === null
        ? ''
        : `${each.approval.policy}/${each.approval.lane}, ${since(each.approval.approvedAt, cli)}`,
    ]),
  );
  const [first] = open;
  if (first) screen.line(`next: selvage fix approve ${first.id} --policy NAME --lane LANE`);
}

export function showApproval(
  cli: Cli,
  facts: {
    readonly approval: ApprovalDocument;
    readonly fix: ApiFix;
    readonly documents: readonly PolicyDocument[];
    readonly hosts: readonly SelectableHost[];
  },
): void {
  const { approval, fix: found } = facts;
  const { screen } = cli;
  const policy = facts.documents.find(
    (document): document is PatchPolicyDocument => document.kind === 'PatchPolicy' && document.name === approval.policy,
  );
  const lane = policy?.lanes[approval.lane];
  const selection = policy ? hostsOf(selectorOf(facts.documents), policy, facts.hosts) : { selected: [], unknown: [] };
  const named = (unknown: boolean) =>
    found.hosts
      .filter(({ state }) => state !== 'installed' && (state === 'unknown') === unknown)
      .map(({ name }) => name);
  const needing = named(false);
  const now = needing.filter((name) => selection.selected.includes(name));
  const outside = needing.filter((name) => !selection.selected.includes(name));
  const unknown = named(true);

  screen.line(`${approval.decision} ${found.id} (${found.provider}${found.security ? ', security' : ''})`, 'strong');
  screen.line(`  policy    ${approval.policy}, lane ${approval.lane}: delay ${lane?.delay}, window ${lane?.window}`);
  screen.line(`  until     ${ago(approval.expires, cli)}`);
  showPackages(cli, 'packages', approval.packages);
  showPackages(cli, 'may add', approval.adds);
  screen.line(`  may remove  ${approval.removes.join(', ') || 'nothing'}`);
  screen.line(`  hosts     ${now.length} of ${needing.length} that need it: ${someNames(now)}`);
  if (outside.length > 0) screen.line(`  not selected by ${approval.policy}: ${someNames(outside)}`, 'bad');
  if (unknown.length > 0) screen.line(`  not known whether they need it: ${someNames(unknown)}`, 'bad');
}

function showPackages(cli: Cli, title: string, packages: readonly PackageVersion[]): void {
  cli.screen.line(packages.length === 0 ? `  ${title}  nothing` : `  ${title}  exactly ${packages.length}:`);
  for (const { name, arch, version } of packages) cli.screen.line(`    ${name}:${arch} ${version}`);
}

function stateOf(cli: Cli, approval: ApprovalDocument | null): string {
  if (approval === null) return 'OPEN';
  if (Temporal.Instant.compare(approval.expires, cli.clock.now()) <= 0) return 'EXPIRED';

  return approval.decision === 'approve' ? 'approved' : 'rejected';
}

function countOf(each: ApiFix, state: ApiFix['hosts'][number]['state']): number {
  return each.hosts.filter((host) => host.state === state).length;
}

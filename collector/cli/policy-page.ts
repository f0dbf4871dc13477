// A policy change as people read it before it is signed: documents, fields, the hosts each policy selects by name, and
// when the windows open next.
import type { PatchPolicyDocument, PolicyDocument, WindowDocument } from '@selvage/shared/policy/documents.ts';
import { nextOpenings } from '@selvage/shared/schedule/window.ts';
import type { z } from 'zod';
import type { hosts as hostList } from '../api/contract.ts';
import { selectableHosts } from '../api/selectable.ts';
import type { Cli } from './cli.ts';
import { hanging } from './paragraph.ts';
import { isEmpty, type PolicyDiff, resultOf, type SelectionChange, selectionChanges } from './policy-diff.ts';
import { someNames } from './some-names.ts';
import { showUnread, type Unread, unreadOf } from './unread.ts';
import { at } from './when.ts';

const OPENINGS = 3;

export interface PolicyReport {
  readonly added: readonly string[];
  readonly changed: readonly {
    readonly document: string;
    readonly fields: readonly { readonly path: string; readonly before: unknown; readonly after: unknown }[];
  }[];
  readonly removed: readonly string[];
  readonly unchanged: readonly string[];
  readonly policies: readonly SelectionReport[];
  readonly groups: readonly (SelectionReport & {
    /** Names and ids in its list that no known host has. */
    readonly strangers: readonly string[];
  })[];
  /** Hosts whose findings are accepted after the push. */
  readonly acceptances: readonly SelectionReport[];
  /** Hosts whose agents are too old for the policy. */
  readonly unread: Unread;
  readonly windows: readonly {
    readonly name: string;
    readonly openings: readonly { readonly opens: string; readonly closes: string }[];
  }[];
}

/** What a policy selects, or a group holds, after the push; `before`: how many it is now, null where it is new. */
interface SelectionReport {
  readonly name: string;
  readonly selected: readonly string[];
  readonly unknown: readonly string[];
  readonly before: number | null;
  readonly enters: readonly string[];
  readonly leaves: readonly string[];
}

/** Everything that `policy diff` says, as one JSON-able value. Policies, groups and windows are those that are touched, and
 * policies and groups whose hosts become others. */
export function reportOf(
  cli: Pick<Cli, 'clock' | 'zone'>,
  current: readonly PolicyDocument[],
  diff: PolicyDiff,
  known: z.output<typeof hostList>['hosts'],
): PolicyReport {
  const hosts = selectableHosts(known);
  const touched = [...diff.added, ...diff.changed.map(({ document }) => document)];
  const policies = touched.filter((document): document is PatchPolicyDocument => document.kind === 'PatchPolicy');
  const documents = resultOf(current, diff);
  const changes = selectionChanges(current, documents, hosts);
  const windows = windowsOf(documents, touched, policies);

  return {
    added: diff.added.map(titleOf),
    changed: diff.changed.map(({ document, fields }) => ({ document: titleOf(document), fields })),
    removed: diff.removed.map(titleOf),
    unchanged: diff.unchanged.map(titleOf),
    policies: changes.filter(({ kind }) => kind === 'PatchPolicy').map(selectionReport),
    groups: changes
      .filter(({ kind }) => kind === 'HostGroup')
      .map((change) => ({ ...selectionReport(change), strangers: change.strangers })),
    acceptances: changes.filter(({ kind }) => kind === 'RiskAcceptance').map(selectionReport),
    unread: unreadOf(current, documents, known),
    windows: windows.map((window) => ({
      name: window.name,
      openings: nextOpenings(window, cli.clock.now(), OPENINGS, cli.zone).map(({ opened, closes }) => ({
        opens: opened.toString(),
        closes: closes.toString(),
      })),
    })),
  };
}

export function showReport(cli: Cli, report: PolicyReport, diff: PolicyDiff): void {
  const { screen } = cli;
  if (isEmpty(diff)) screen.line(`nothing would change: ${report.unchanged.length} documents are as they are`, 'good');
  for (const title of report.added) screen.line(`+ ${title}`, 'good');
  for (const { document, fields } of report.changed) {
    screen.line(`~ ${document}`);
    for (const { path, before, after } of fields) {
      for (const line of hanging(`${path}: ${shown(before)} → ${shown(after)}`, '    ', screen.width))
        screen.line(line);
    }
  }
  for (const title of report.removed) screen.line(`- ${title}`, 'bad');

  for (const group of report.groups) {
    showSelected(cli, group, `group ${group.name} has`);
    if (group.strangers.length > 0)
      screen.line(`    names that no known host has: ${someNames(group.strangers)}`, 'bad');
  }
  for (const policy of report.policies) showSelected(cli, policy, `${policy.name} selects`);
  for (const acceptance of report.acceptances) showSelected(cli, acceptance, `${acceptance.name} is about`);
  for (const { name, openings } of report.windows) {
    const list = openings.map(({ opens, closes }) => `${at(opens, cli)}-${at(closes, cli).slice(-5)}`);
    const text = `${name} opens ${list.length === 0 ? 'never again' : `${list.join(', ')} (${cli.zone})`}`;
    for (const line of hanging(text, '  ', screen.width)) screen.line(line);
  }
  showUnread(screen, report.unread);
}

function showSelected(
  { screen }: Cli,
  { selected, unknown, before, enters, leaves }: SelectionReport,
  says: string,
): void {
  const now = before === null ? '' : ` (now ${before})`;
  screen.line(`  ${says} ${selected.length} host${selected.length === 1 ? '' : 's'}${now}: ${someNames(selected)}`);
  if (before !== null && enters.length > 0) screen.line(`    + ${enters.length}: ${someNames(enters)}`, 'good');
  if (before !== null && leaves.length > 0) screen.line(`    - ${leaves.length}: ${someNames(leaves)}`, 'bad');
  if (unknown.length > 0) screen.line(`    not known yet (no inventory): ${someNames(unknown)}`);
}

function selectionReport({ name, before, after, enters, leaves }: SelectionChange): SelectionReport {
  const { selected, unknown } = after ?? { selected: [], unknown: [] };

  return { name, selected, unknown, before: before?.selected.length ?? null, enters, leaves };
}

export function titleOf(document: PolicyDocument): string {
  return `${document.kind} ${document.name}`;
}

function windowsOf(
  all: readonly PolicyDocument[],
  touched: readonly PolicyDocument[],
  policies: readonly PatchPolicyDocument[],
): readonly WindowDocument[] {
  const used = new Set(policies.flatMap(({ lanes }) => Object.values(lanes).map((lane) => lane.window)));

  return all.filter(
    (document): document is WindowDocument =>
      document.kind === 'Window' && (used.has(document.name) || touched.includes(document)),
  );
}

function shown(value: unknown): string {
  if (value === undefined) return '(nothing)';

  return typeof value === 'string' ? value : JSON.stringify(value);
}

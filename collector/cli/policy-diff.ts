// What a set of documents would change in the policy, and whom it concerns. Pure: documents and hosts in, facts out.
import { canonicalJson } from '@selvage/shared/files/canonical.ts';
import {
  type HostGroupDocument,
  type PatchPolicyDocument,
  type PolicyDocument,
  pathOf,
  type RiskAcceptanceDocument,
} from '@selvage/shared/policy/documents.ts';
import { type SelectableHost, type Selection, type Selector, selectorOf } from '@selvage/shared/policy/select.ts';

export interface FieldChange {
  /** `lanes.scheduled.delay`; one part per field. */
  readonly path: string;
  readonly before: unknown;
  readonly after: unknown;
}

export interface PolicyDiff {
  readonly added: readonly PolicyDocument[];
  readonly changed: readonly { readonly document: PolicyDocument; readonly fields: readonly FieldChange[] }[];
  readonly removed: readonly PolicyDocument[];
  readonly unchanged: readonly PolicyDocument[];
}

/** `selected` and `unknown` (nothing is known that decides it) by name. */
export interface SelectedHosts {
  readonly selected: readonly string[];
  readonly unknown: readonly string[];
}

/** With `prune`, windows and patch policies that are not among `wanted` go; approvals never do. */
export function diffOf(
  current: readonly PolicyDocument[],
  wanted: readonly PolicyDocument[],
  options: { readonly prune: boolean },
): PolicyDiff {
  const before = new Map(current.map((document) => [pathOf(document), document]));
  const after = new Set(wanted.map(pathOf));
  const same = (document: PolicyDocument) => {
    const other = before.get(pathOf(document));

    return other !== undefined && canonicalJson(other) === canonicalJson(document);
  };

  return {
    added: wanted.filter((document) => !before.has(pathOf(document))),
    changed: wanted.flatMap((document) => {
      const other = before.get(pathOf(document));

      return other && !same(document) ? [{ document, fields: changesIn(other, document) }] : [];
    }),
    removed: options.prune
      ? current.filter((document) => document.kind !== 'Approval' && !after.has(pathOf(document)))
      : [],
    unchanged: wanted.filter(same),
  };
}

/** True when pushing would change nothing. */
export function isEmpty(diff: PolicyDiff): boolean {
  return diff.added.length === 0 && diff.changed.length === 0 && diff.removed.length === 0;
}

/** All documents as they would be after the push. */
export function resultOf(current: readonly PolicyDocument[], diff: PolicyDiff): readonly PolicyDocument[] {
  const put = [...diff.added, ...diff.changed.map(({ document }) => document)];
  const gone = new Set([...put, ...diff.removed].map(pathOf));

  return [...current.filter((document) => !gone.has(pathOf(document))), ...put];
}

type Selecting = PatchPolicyDocument | HostGroupDocument | RiskAcceptanceDocument;

/** The hosts a policy selects, a group holds, or an acceptance is about, by the rule that hosts themselves follow. */
export function hostsOf(
  { selectionOf, memberOf, accepts }: Selector,
  document: Selecting,
  hosts: readonly SelectableHost[],
): SelectedHosts {
  const ask = (host: SelectableHost) => {
    if (document.kind === 'HostGroup') return memberOf(document, host);

    return document.kind === 'RiskAcceptance' ? accepts(document, host) : selectionOf(document, host);
  };
  const answers = hosts.map((host) => ({ name: host.name, answer: ask(host) }));
  const named = (wanted: Selection) =>
    answers.flatMap(({ name, answer }) => (answer === wanted ? [name] : [])).toSorted();

  return { selected: named('selected'), unknown: named('unknown') };
}

/** What a policy selects, or a group holds, before and after; null where it is not there. */
export interface SelectionChange {
  readonly kind: Selecting['kind'];
  readonly name: string;
  readonly before: SelectedHosts | null;
  readonly after: SelectedHosts | null;
  readonly enters: readonly string[];
  readonly leaves: readonly string[];
  /** Names and ids in the list of a group that no known host has. */
  readonly strangers: readonly string[];
}

/**
 * Every policy and group that is touched, or whose hosts become others because a group is. A host of which it is not known
 * counts as not selected: that is how it acts.
 */
export function selectionChanges(
  current: readonly PolicyDocument[],
  result: readonly PolicyDocument[],
  hosts: readonly SelectableHost[],
): readonly SelectionChange[] {
  const [then, now] = [selectionsOf(current, hosts), selectionsOf(result, hosts)];
  const known = new Set(hosts.flatMap(({ id, name }) => [id, name]));

  return [...new Set([...now.keys(), ...then.keys()])].flatMap((path): readonly SelectionChange[] => {
    const [before, after] = [then.get(path) ?? null, now.get(path) ?? null];
    const document = (after ?? before)?.document;
    if (document === undefined) return [];
    const [old, fresh] = [new Set(before?.hosts.selected), new Set(after?.hosts.selected)];
    const enters = [...fresh].filter((name) => !old.has(name));
    const leaves = [...old].filter((name) => !fresh.has(name));
    const touched = text(before?.document) !== text(after?.document);
    if (!touched && enters.length === 0 && leaves.length === 0) return [];
    const listed = after?.document.kind === 'HostGroup' ? (after.document.hosts ?? []) : [];

    return [
      {
        ...{ kind: document.kind, name: document.name },
        ...{ before: before?.hosts ?? null, after: after?.hosts ?? null, enters, leaves },
        strangers: listed.filter((name) => !known.has(name)),
      },
    ];
  });
}

interface Selected {
  readonly document: Selecting;
  readonly hosts: SelectedHosts;
}

function selectionsOf(documents: readonly PolicyDocument[], hosts: readonly SelectableHost[]): Map<string, Selected> {
  const selector = selectorOf(documents);

  return new Map(
    documents.flatMap((document): readonly (readonly [string, Selected])[] =>
      document.kind === 'PatchPolicy' || document.kind === 'HostGroup' || document.kind === 'RiskAcceptance'
        ? [[pathOf(document), { document, hosts: hostsOf(selector, document, hosts) }]]
        : [],
    ),
  );
}

function changesIn(before: unknown, after: unknown, path = ''): readonly FieldChange[] {
  if (isRecord(before) && isRecord(after)) {
    const fields = [...new Set([...Object.keys(before), ...Object.keys(after)])].toSorted();

    return fields.flatMap((field) => changesIn(before[field], after[field], path === '' ? field : `${path}.${field}`));
  }

  return text(before) === text(after) ? [] : [{ path, before, after }];
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function text(value: unknown): string {
  return value === undefined ? '' : canonicalJson(value);
}

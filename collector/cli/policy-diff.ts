// What a set of documents would change in the policy, and whom it concerns. Pure: documents and hosts in, facts out.
import { canonicalJson } from '@selvage/shared/files/canonical.ts';
import { type PatchPolicyDocument, type PolicyDocument, pathOf } from '@selvage/shared/policy/documents.ts';
import type { SelectableHost, Selection, Selector } from '@selvage/shared/policy/select.ts';

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

/** The hosts a policy selects, by the rule that hosts themselves follow. */
export function hostsOf(
  { selectionOf }: Selector,
  policy: PatchPolicyDocument,
  hosts: readonly SelectableHost[],
): SelectedHosts {
  const answers = hosts.map((host) => ({ name: host.name, answer: selectionOf(policy, host) }));
  const named = (wanted: Selection) =>
    answers.flatMap(({ name, answer }) => (answer === wanted ? [name] : [])).toSorted();

  return { selected: named('selected'), unknown: named('unknown') };
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

// What a set of documents would change in the policy, and whom it concerns. Pure: documents and hosts in, facts out.
import { canonicalJson } from '@selvage/shared/files/canonical.ts';
import { type PatchPolicyDocument, type PolicyDocument, pathOf } from '@selvage/shared/policy/documents.ts';

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

/** What a host says of itself, as far as a policy may select by it. */
export interface SelectableHost {
  readonly id: string;
  readonly name: string;
  readonly os: { readonly id: string; readonly idLike: readonly string[] } | null;
  readonly labels: Readonly<Record<string, readonly string[]>> | null;
}

/** `selected` and `unknown` (nothing is known that decides it) by name. */
export interface Selection {
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

/** The hosts a policy selects, by the rule that hosts themselves follow (every property that is given must match). */
export function selectionOf({ select }: PatchPolicyDocument, hosts: readonly SelectableHost[]): Selection {
  const answers = hosts.map((host) => ({ name: host.name, answer: selects(select, host) }));
  const named = (wanted: boolean | null) =>
    answers.flatMap(({ name, answer }) => (answer === wanted ? [name] : [])).toSorted();

  return { selected: named(true), unknown: named(null) };
}

function selects(select: PatchPolicyDocument['select'], { id, name, os, labels }: SelectableHost): boolean | null {
  const parts = [
    select.hosts === undefined || select.hosts.includes(name) || select.hosts.includes(id),
    select.os === undefined || select.os === 'linux' || (os && [os.id, ...os.idLike].includes(select.os)),
    ...Object.entries(select.labels ?? {}).map(
      ([label, allowed]) =>
        labels && allowed.some((value) => Object.hasOwn(labels, label) && labels[label]?.includes(value) === true),
    ),
  ];
  if (parts.includes(false)) return false;

  return parts.includes(null) ? null : true;
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

// The words by which signed documents select hosts: only what a host knows of itself and what an admin's signature says. Pure.
// What the collector alone asserts is refused by name: whoever steals a collector could move hosts into a wider policy by it.
import { osTexts } from '../select/os.ts';
import { parseSelect, type Select } from '../select/parse.ts';
import type { Texts, Vocabulary } from '../select/vocabulary.ts';

export interface SelectableHost {
  readonly id: string;
  readonly name: string;
  /** os-release(5) ID, ID_LIKE and VERSION_ID; null while no inventory says. */
  readonly os: { readonly id: string; readonly idLike: readonly string[]; readonly version: string } | null;
  /** Labels of the host's own settings, never the collector's; null while it has not reported any. */
  readonly labels: Readonly<Record<string, readonly string[]>> | null;
}

/** Labels that groups give to a host, and those that they may give: what is not known of the host decides. */
export interface SignedLabels {
  readonly labels: Readonly<Record<string, readonly string[]>>;
  readonly open: ReadonlySet<string>;
}

export interface DocumentFacts {
  readonly host: SelectableHost;
  readonly signed: SignedLabels;
}

const COLLECTOR_ONLY =
  'only the collector knows it; a stolen one could move hosts by it (there are name, id, os and labels; label.NAME for a label called so)';
const REFUSED = [
  ...['state', 'mode', 'owner', 'token', 'address', 'agent', 'kernel', 'seen', 'enrolled', 'inventory', 'imported'],
  ...[
    'upgradable',
    'security',
    'held',
    'phased',
    'connected',
    'reboot',
    'quarantined',
    'updater',
    'takeover',
    'changed-outside',
    'cannot-read',
  ],
] as const;

export const DOCUMENT_WORDS: Vocabulary<DocumentFacts> = {
  noun: 'hosts',
  fields: {
    name: { kind: 'text', about: 'name it enrolled by', of: ({ host }) => [host.name] },
    id: { kind: 'text', about: 'id in its certificate', of: ({ host }) => [host.id] },
    os: { kind: 'text', about: 'linux, debian (derivatives too) or debian-12', of: ({ host }) => osTexts(host.os) },
  },
  label: labelTexts,
  refused: Object.fromEntries(REFUSED.map((name) => [name, COLLECTOR_ONLY])),
};

/** Throws SELECT_INVALID. */
export function parseDocumentSelect(text: string): Select<DocumentFacts> {
  return parseSelect(text, DOCUMENT_WORDS);
}

/** Values of the host's own settings and of groups together. */
export function labelTexts({ host, signed }: DocumentFacts, name: string): Texts {
  const values = [host.labels ?? {}, signed.labels].flatMap((one) =>
    Object.hasOwn(one, name) ? (one[name] ?? []) : [],
  );

  return host.labels === null || signed.open.has(name) ? { atLeast: values } : values;
}

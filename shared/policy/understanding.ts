// What an agent must know to read a signed document, in words that it says of itself when it connects. Pure, and without the shapes
// of documents: the connector loads it. An agent that does not know what a policy contains refuses all of it.

/** Kinds and fields as people read them, each with the word that an agent must have said to read it. */
const READ_BY = {
  Window: 'Window',
  PatchPolicy: 'PatchPolicy',
  Approval: 'Approval',
  // Signed for the collector alone: an agent need not know them, only that it is to leave those folders alone.
  RiskAcceptance: 'collector-*',
  Advisory: 'collector-*',
  HostGroup: 'HostGroup',
  /** A select text instead of an object. */
  'PatchPolicy.select-text': 'PatchPolicy.select-text',
  'PatchPolicy.fallback': 'PatchPolicy.fallback',
  'PatchPolicy.due': 'PatchPolicy.due',
} as const;

/** A kind, or a field of a kind that came after the first release. */
export type Wording = keyof typeof READ_BY;
const WORDINGS = Object.keys(READ_BY) as Wording[];

/** What an agent of this release says. */
export const UNDERSTOOD: readonly string[] = [...new Set(Object.values(READ_BY))];

/** Words that one agent may say. */
export const MAX_UNDERSTOOD = 256;

/** Agents of releases that did not say it: what the first one could read, and the one that brought groups and select texts. */
const FIRST_RELEASE: readonly string[] = ['Window', 'PatchPolicy', 'Approval'];
const WITH_GROUPS: readonly string[] = [
  ...FIRST_RELEASE,
  'HostGroup',
  'PatchPolicy.select-text',
  'PatchPolicy.fallback',
];

/**
 * What of this release's documents an agent cannot read. `said` is null for one that never said; `withGroups`: its inventory has
 * what came with the release of groups.
 */
export function unreadBy(said: readonly string[] | null, { withGroups }: { readonly withGroups: boolean }): Wording[] {
  const known = new Set(said ?? (withGroups ? WITH_GROUPS : FIRST_RELEASE));

  return WORDINGS.filter((wording) => !known.has(READ_BY[wording]));
}

interface Written {
  readonly kind: string;
  readonly select?: unknown;
  readonly fallback?: unknown;
  readonly due?: unknown;
}

/** What an agent must know of a document: its kind, and fields that not every release has. */
export function wordingsOf(document: Written): Wording[] {
  const { kind, select, fallback, due } = document;
  const own = WORDINGS.filter((wording) => wording === kind);
  if (kind !== 'PatchPolicy') return own;

  return [
    ...own,
    ...(typeof select === 'string' ? (['PatchPolicy.select-text'] as const) : []),
    ...(fallback === undefined ? [] : (['PatchPolicy.fallback'] as const)),
    ...(due === undefined ? [] : (['PatchPolicy.due'] as const)),
  ];
}

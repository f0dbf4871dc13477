// Does a PatchPolicy select a host? One answer for the runner that acts on it and the collector that shows it. Pure.
// Only what the host says of itself and what groups sign is looked at: labels set elsewhere could move a host into a wider policy.
import { evaluate, type Selection } from '../select/evaluate.ts';
import { osTexts } from '../select/os.ts';
import type { Select } from '../select/parse.ts';
import type { Texts } from '../select/vocabulary.ts';
import type { HostGroupDocument, PatchPolicyDocument, PolicyDocument, RiskAcceptanceDocument } from './documents.ts';
import {
  type DocumentFacts,
  labelTexts,
  parseDocumentSelect,
  type SelectableHost,
  type SignedLabels,
} from './select-words.ts';

export type { Selection } from '../select/evaluate.ts';
export type { SelectableHost, SignedLabels } from './select-words.ts';

export interface Selector {
  /** `unknown` when what is not known of the host decides it: whoever acts must take that as no. */
  selectionOf(policy: PatchPolicyDocument, host: SelectableHost): Selection;
  /** Whether a risk acceptance is about the host; `unknown` accepts nothing. */
  accepts(acceptance: RiskAcceptanceDocument, host: SelectableHost): Selection;
  /** Whether a group is about the host. */
  memberOf(group: HostGroupDocument, host: SelectableHost): Selection;
  /** What all groups together say of a host; two groups that give one label different values give both. */
  labelsOf(host: SelectableHost): SignedLabels;
}

type SelectingDocument = PatchPolicyDocument | HostGroupDocument | RiskAcceptanceDocument;
type ObjectSelect = Exclude<PatchPolicyDocument['select'], string>;
type Ask = (facts: DocumentFacts) => Selection;

const NO_LABELS: SignedLabels = { labels: {}, open: new Set() };
/** Documents compare no ages (every field with one is refused), so the time of asking is all the same. */
const ANY_TIME = Temporal.Instant.fromEpochMilliseconds(0);

/** What these documents, taken together, select. Documents are read once, hosts are asked for often. */
export function selectorOf(documents: readonly PolicyDocument[]): Selector {
  const groups = documents.flatMap((document) => (document.kind === 'HostGroup' ? [document] : []));
  const asks = new Map<SelectingDocument, Ask>();
  const askOf = (document: SelectingDocument): Ask => {
    const ask = asks.get(document) ?? (document.kind === 'HostGroup' ? askGroup(document) : askPolicy(document));
    asks.set(document, ask);

    return ask;
  };
  // A group sees what the host itself says only: then no order of groups matters, and none can make itself bigger.
  const memberOf: Selector['memberOf'] = (group, host) => askOf(group)({ host, signed: NO_LABELS });
  const signed = new WeakMap<SelectableHost, SignedLabels>();
  const labelsOf = (host: SelectableHost) => {
    const labels = signed.get(host) ?? labelsOfGroups(groups.map((group) => [group, memberOf(group, host)]));
    signed.set(host, labels);

    return labels;
  };

  return {
    memberOf,
    labelsOf,
    accepts: (acceptance, host) => askOf(acceptance)({ host, signed: labelsOf(host) }),
    selectionOf: (policy, host) => askOf(policy)({ host, signed: labelsOf(host) }),
  };
}

function labelsOfGroups(answers: readonly (readonly [HostGroupDocument, Selection])[]): SignedLabels {
  const labels = new Map<string, readonly string[]>();
  const open = new Set<string>();
  for (const [group, answer] of answers) {
    if (answer === 'not selected') continue;
    for (const [name, values] of Object.entries(group.labels)) {
      if (answer === 'unknown') open.add(name);
      else labels.set(name, [...new Set([...(labels.get(name) ?? []), ...values])]);
    }
  }

  return { labels: Object.fromEntries(labels), open };
}

function askGroup({ hosts, select }: HostGroupDocument): Ask {
  if (select !== undefined) return askText(parseDocumentSelect(select));
  const listed = new Set(hosts);

  return ({ host }) => (listed.has(host.name) || listed.has(host.id) ? 'selected' : 'not selected');
}

function askPolicy({ select }: PatchPolicyDocument | RiskAcceptanceDocument): Ask {
  return typeof select === 'string' ? askText(parseDocumentSelect(select)) : (facts) => byProperties(select, facts);
}

function askText(select: Select<DocumentFacts>): Ask {
  return (facts) => evaluate(select, facts, ANY_TIME);
}

/** Every property that is given must match; an object without any selects every host. */
function byProperties(select: ObjectSelect, facts: DocumentFacts): Selection {
  const { host } = facts;
  const answers = [
    select.os === undefined ? true : hasAny(osTexts(host.os), [select.os]),
    select.hosts === undefined ? true : select.hosts.some((wanted) => wanted === host.name || wanted === host.id),
    ...Object.entries(select.labels ?? {}).map(([name, allowed]) => hasAny(labelTexts(facts, name), allowed)),
  ];
  if (answers.includes(false)) return 'not selected';

  return answers.includes(null) ? 'unknown' : 'selected';
}

function hasAny(texts: Texts, wanted: readonly string[]): boolean | null {
  if (texts === null) return null;
  if (!('atLeast' in texts)) return wanted.some((value) => texts.includes(value));

  return wanted.some((value) => texts.atLeast.includes(value)) ? true : null;
}

// Whose word takes a finding off the list of what is to be done: signed risk acceptances, and VEX statements. Pure. INVARIANTS:
// an acceptance ends by itself; what is not known of a machine accepts nothing; authors who disagree take nothing off; what
// is taken off says whose word it is and stays countable.
import type { Timestamp } from '@selvage/shared/model/ids.ts';
import { acceptanceAt, endOfAcceptance } from '@selvage/shared/policy/acceptance.ts';
import type { PolicyDocument, RiskAcceptanceDocument } from '@selvage/shared/policy/documents.ts';
import { type SelectableHost, selectorOf } from '@selvage/shared/policy/select.ts';
import type { Machine } from '../findings/fleet.ts';
import type { Software } from '../matching/software.ts';
import type { VexStatement } from '../store/vex-ports.ts';
import { isAbout, type PackageFacts, packageOf } from './purl.ts';

export interface Suppression {
  readonly state: 'accepted' | 'not-affected';
  /** Whose word, and why. */
  readonly note: string;
  /** When it ends by itself; null: when somebody takes it back. */
  readonly until: Timestamp | null;
}

/** Null: the finding counts. Costs what is said about this CVE or package, not what is said at all. */
export type Suppress = (
  machine: SuppressedMachine,
  software: Software,
  cve: string,
  now: Temporal.Instant,
) => Suppression | null;

/** What of a machine decides whether a word is about it. */
export type SuppressedMachine = Pick<Machine, 'key' | 'id' | 'name' | 'os' | 'ownLabels'>;

export interface Words {
  /** All documents of the policy: groups give the labels that acceptances select by. */
  readonly documents: readonly PolicyDocument[];
  readonly statements: readonly { readonly author: string; readonly statement: VexStatement }[];
}

/** No word at all: everything counts. */
export const SUPPRESS_NOTHING: Suppress = () => null;

/** A step for each product that something is said of: there may be hundreds of thousands. */
export function* suppressSteps({ documents, statements }: Words): Generator<void, Suppress> {
  const accepts = acceptances(documents);
  const says = yield* vexWords(statements);
  if (accepts === null && says === null) return SUPPRESS_NOTHING;

  return (machine, software, cve, now) =>
    says?.(machine, software, cve) ?? accepts?.(machine, software, cve, now) ?? null;
}

/** Whether some word may be about it on some machine; false: nobody need be asked machine by machine. */
export type Concerns = (software: Pick<Software, 'name' | 'source'>, cve: string) => boolean;

export function createConcerns({ documents, statements }: Words): Concerns {
  const cves = new Set(statements.flatMap(({ statement }) => statement.vulnerabilities));
  const packages = new Set<string>();
  for (const document of documents) {
    if (document.kind !== 'RiskAcceptance') continue;
    for (const cve of document.cves ?? []) cves.add(cve);
    if (document.cves === undefined && document.package !== undefined) packages.add(document.package);
  }

  return ({ name, source }, cve) => cves.has(cve) || packages.has(source) || packages.has(name);
}

/** How a signed document sees a machine: by its own labels, never by the collector's. */
export function selectableOf({ key, id, name, os, ownLabels }: SuppressedMachine): SelectableHost {
  return {
    id: id ?? key,
    name,
    os: os && { id: os.id, idLike: os.idLike ?? [], version: os.version },
    labels: ownLabels ?? null,
  };
}

function acceptances(documents: readonly PolicyDocument[]) {
  const found = documents.flatMap((document) => (document.kind === 'RiskAcceptance' ? [document] : []));
  if (found.length === 0) return null;
  const selector = selectorOf([...documents]);
  const byCve = new Map<string, RiskAcceptanceDocument[]>();
  const byPackage = new Map<string, RiskAcceptanceDocument[]>();
  for (const document of found) {
    for (const cve of document.cves ?? []) push(byCve, cve, document);
    if (document.cves === undefined && document.package !== undefined) push(byPackage, document.package, document);
  }
  const selected = new WeakMap<SuppressedMachine, Map<RiskAcceptanceDocument, boolean>>();
  const isSelected = (document: RiskAcceptanceDocument, machine: SuppressedMachine) => {
    const known = selected.get(machine) ?? new Map<RiskAcceptanceDocument, boolean>();
    selected.set(machine, known);
    const answer = known.get(document) ?? selector.accepts(document, selectableOf(machine)) === 'selected';
    known.set(document, answer);

    return answer;
  };

  return (machine: SuppressedMachine, { name, source }: Software, cve: string, now: Temporal.Instant) => {
    const candidates = [
      ...(byCve.get(cve) ?? []),
      ...(byPackage.get(source) ?? []),
      ...(name === source ? [] : (byPackage.get(name) ?? [])),
    ];
    // Several may hold: the one that lasts longest is named.
    const holding = candidates
      .filter((each) => each.package === undefined || each.package === source || each.package === name)
      .filter((each) => acceptanceAt(each, now) === 'holds' && isSelected(each, machine))
      .toSorted((one, other) => (one.until < other.until ? 1 : one.until > other.until ? -1 : 0));

    return holding[0] === undefined ? null : acceptedBy(holding[0]);
  };
}

function acceptedBy(document: RiskAcceptanceDocument): Suppression {
  const { name, approver, until, review, reason, control } = document;

  return {
    state: 'accepted',
    note: `risk acceptance ${name} by ${approver} until ${until}, review ${review}: ${reason}; meanwhile: ${control}`,
    until: endOfAcceptance(document).toString() as Timestamp,
  };
}

interface Word {
  readonly author: string;
  readonly statement: VexStatement;
  readonly products: readonly (VexStatement['products'][number] & { readonly facts: PackageFacts })[];
}

function* vexWords(statements: Words['statements']) {
  const byCve = new Map<string, Word[]>();
  for (const { author, statement } of statements) {
    const products: Word['products'][number][] = [];
    for (const product of statement.products) {
      const facts = product.purl === null ? null : packageOf(product.purl);
      if (facts !== null) products.push({ ...product, facts });
      yield;
    }
    if (products.length === 0) continue;
    for (const cve of statement.vulnerabilities) push(byCve, cve, { author, statement, products });
  }
  if (byCve.size === 0) return null;

  return (machine: SuppressedMachine, software: Software, cve: string): Suppression | null => {
    const words = byCve.get(cve)?.filter((word) => isOf(word, machine, software));
    if (words === undefined || words.length === 0) return null;
    const newest = [...Map.groupBy(words, ({ author }) => author).values()].flatMap(newestOf);
    // One who says that it is affected, or does not know yet, is enough for it to count.
    if (newest.some(({ statement }) => statement.status !== 'not_affected' && statement.status !== 'fixed'))
      return null;
    const [word] = newest;

    return word === undefined ? null : { state: 'not-affected', note: noteOf(word), until: null };
  };
}

/** Of one author the last word; of several at one moment all of them. */
function newestOf(words: readonly Word[]): readonly Word[] {
  const last = words
    .map(({ statement }) => Temporal.Instant.from(statement.at))
    .toSorted(Temporal.Instant.compare)
    .at(-1);

  return words.filter(({ statement }) => last?.equals(Temporal.Instant.from(statement.at)));
}

function isOf({ statement, products }: Word, machine: SuppressedMachine, software: Software): boolean {
  return products.some(({ facts, ecosystem, machine: only }) => {
    if (only !== null && only !== machine.key) return false;
    if (ecosystem !== null && ecosystem !== software.ecosystem) return false;
    // "Fixed" without a version would be every version.
    if (statement.status === 'fixed' && facts.version === null) return false;

    return isAbout(facts, software);
  });
}

function noteOf({ author, statement }: Word): string {
  const { status, justification, detail, at } = statement;
  const why = [justification, detail].filter((each) => each !== null).join(': ');

  return `VEX of ${author}, ${at.slice(0, 10)}: ${status}${why === '' ? '' : `, ${why}`}`;
}

function push<V>(map: Map<string, V[]>, key: string, value: V): void {
  const found = map.get(key);
  if (found) found.push(value);
  else map.set(key, [value]);
}

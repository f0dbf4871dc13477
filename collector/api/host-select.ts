// From a select text to hosts: the one way for lists and for every command that takes several hosts at once.
import type { HostId } from '@selvage/shared/model/ids.ts';
import type { Section, SectionName } from '@selvage/shared/model/inventory.ts';
import { selectorOf } from '@selvage/shared/policy/select.ts';
import { fieldsOf } from '@selvage/shared/select/evaluate.ts';
import type { HostPlace } from '../store/host-ports.ts';
import type { HostRecord, InventoryReader } from '../store/ports.ts';
import type { ApiDeps } from './deps.ts';
import { type EnrolledFacts, HOST_WORDS, labelNames, SECTION_OF_FIELD } from './host-fields.ts';
import { summariesOf, type Twins, twinsOf, withSigned } from './host-view.ts';
import { inTurns } from './in-turns.ts';
import { selectableOf } from './selectable.ts';
import { added, type Chosen, choose, readSelect, type SelectionShown } from './selecting.ts';

export type HostSources = Pick<ApiDeps, 'store' | 'connections' | 'policy' | 'clock'>;

export interface HostQuestion {
  /** Left out: every host that `among` lets in. */
  readonly select?: string | undefined;
  /** Hosts to look at, before the text is asked. */
  readonly among?: (record: HostRecord) => boolean;
}

/** Throws SELECT_INVALID. Hosts of which it is not known are not among the chosen; `selection` says how many and why. */
export async function selectHosts(sources: HostSources, question: HostQuestion): Promise<Chosen<EnrolledFacts>> {
  const select = readSelect(question.select, HOST_WORDS);
  const facts = await hostFacts(
    sources,
    question.among ?? (() => true),
    select === null ? new Set() : fieldsOf(select),
  );

  return choose(facts, select, sources.clock.now(), labelNames);
}

/** True where a text asks for a field: a filter that would hide what it asks for is left out then. */
export function asksFor(text: string | undefined, field: string): boolean {
  const select = readSelect(text, HOST_WORDS);

  return select !== null && fieldsOf(select).has(field);
}

/** Hosts that one page looks at in one go; of a text that selects few of them, so many in all. */
const LOOKED_AT_ONCE = 1000;
const MAX_LOOKED_AT = 5000;
/** Each look asks for the policy and for five things of its hosts: a small page of a text that selects nobody takes as few as a large one. */
export const MAX_LOOKS = 20;

export interface HostPage extends Chosen<EnrolledFacts> {
  /** After which the next page begins; null: there is no further host. */
  readonly next: HostPlace | null;
}

/**
 * A page of the same: at most `limit`, by name and id. There may be fewer although others follow. `selection` is of the hosts that
 * were looked at for it; those of all pages add up.
 */
export async function selectHostPage(
  sources: HostSources,
  { select: text, among = () => true, after, limit }: HostQuestion & { after: HostPlace | null; limit: number },
): Promise<HostPage> {
  const select = readSelect(text, HOST_WORDS);
  const asked = select === null ? new Set<string>() : fieldsOf(select);
  const { hosts } = sources.store.read;
  const chosen: EnrolledFacts[] = [];
  let selection: SelectionShown = null;
  let next = after;
  // Half a page is one: the last few places would be filled one host at a time.
  for (let looks = 0, looked = 0; looks < MAX_LOOKS && looked < MAX_LOOKED_AT && chosen.length <= limit / 2; looks++) {
    const size = Math.min(limit - chosen.length, LOOKED_AT_ONCE);
    const page = await hosts.page(next, size);
    looked += page.length;
    const part = await choose(
      await factsOfSome(sources, page.filter(among), asked),
      select,
      sources.clock.now(),
      labelNames,
    );
    chosen.push(...part.chosen);
    selection = added(selection, part.selection);
    const last = page.at(-1);
    if (page.length < size || last === undefined) return { chosen, selection, next: null };
    next = { name: last.name, id: last.id };
  }

  return { chosen, selection, next };
}

/** What can be asked of those hosts; `asked` are the fields of which more is looked up than a row shows. */
export async function hostFacts(
  sources: HostSources,
  among: (record: HostRecord) => boolean,
  asked: ReadonlySet<string>,
): Promise<readonly EnrolledFacts[]> {
  const all = await sources.store.read.hosts.list();

  return factsOfRecords(sources, all.filter(among), asked, { twins: twinsOf(all) });
}

/** The same for a part of the fleet: only what is of these hosts is read. */
async function factsOfSome(
  sources: HostSources,
  records: readonly HostRecord[],
  asked: ReadonlySet<string>,
): Promise<readonly EnrolledFacts[]> {
  const machines = await sources.store.read.hosts.onMachines(records.map(({ machineId }) => machineId));

  return factsOfRecords(sources, records, asked, { twins: twinsOf(machines), among: records.map(({ id }) => id) });
}

async function factsOfRecords(
  { store, connections, policy }: HostSources,
  records: readonly HostRecord[],
  asked: ReadonlySet<string>,
  { twins, among }: { readonly twins: Twins; readonly among?: readonly HostId[] },
): Promise<readonly EnrolledFacts[]> {
  const [rows, sections, { documents }, changedOutside] = await Promise.all([
    summariesOf(records, store.read.inventory, connections.connected(), twins, among),
    moreSections(store.read.inventory, asked, among),
    policy.current(),
    asked.has('changed-outside') ? store.read.changes.lastOutside() : null,
  ]);
  const selector = selectorOf(documents.map(({ document }) => document));

  const facts: EnrolledFacts[] = [];
  await inTurns(
    (function* () {
      for (const [index, record] of records.entries()) {
        const plain = rows[index];
        if (!plain) continue;
        const { labels, open } = selector.labelsOf(selectableOf(plain));
        const more = Object.fromEntries([...sections].map(([name, byHost]) => [name, byHost.get(record.id) ?? null]));
        facts.push({
          ...{ row: withSigned(plain, labels), record, sections: more },
          labels: { host: plain.labels, signed: labels, open, collector: record.labels },
          ...(changedOutside === null ? {} : { changedOutside: instantOf(changedOutside.get(record.id)) }),
        });
        yield;
      }
    })(),
  );

  return facts;
}

function instantOf(ms: number | undefined): string | null {
  return ms === undefined ? null : Temporal.Instant.fromEpochMilliseconds(ms).toString();
}

/** The sections that the text asks for beyond those of every row. */
async function moreSections(
  inventory: InventoryReader,
  asked: ReadonlySet<string>,
  among?: readonly HostId[],
): Promise<ReadonlyMap<SectionName, ReadonlyMap<string, Section<SectionName> | null>>> {
  const names = new Set(
    [...asked].flatMap((field) => (Object.hasOwn(SECTION_OF_FIELD, field) ? [SECTION_OF_FIELD[field]] : [])),
  );
  const found = new Map<SectionName, Map<string, Section<SectionName> | null>>();
  for (const name of names) {
    if (name === undefined) continue;
    const byHost = new Map<string, Section<SectionName> | null>();
    for await (const { host, data } of inventory.eachSection(name, among)) byHost.set(host, data);
    found.set(name, byHost);
  }

  return found;
}

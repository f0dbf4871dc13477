// From a select text to hosts: the one way for lists and for every command that takes several hosts at once.
import type { Section, SectionName } from '@selvage/shared/model/inventory.ts';
import { selectorOf } from '@selvage/shared/policy/select.ts';
import { fieldsOf } from '@selvage/shared/select/evaluate.ts';
import type { HostRecord, InventoryReader } from '../store/ports.ts';
import type { ApiDeps } from './deps.ts';
import { type EnrolledFacts, HOST_WORDS, labelNames, SECTION_OF_FIELD } from './host-fields.ts';
import { summariesOf, twinsOf, withSigned } from './host-view.ts';
import { inTurns } from './in-turns.ts';
import { selectableOf } from './selectable.ts';
import { type Chosen, choose, readSelect } from './selecting.ts';

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

/** What can be asked of those hosts; `asked` are the fields of which more is looked up than a row shows. */
export async function hostFacts(
  { store, connections, policy }: HostSources,
  among: (record: HostRecord) => boolean,
  asked: ReadonlySet<string>,
): Promise<readonly EnrolledFacts[]> {
  const all = await store.read.hosts.list();
  const records = all.filter(among);
  const [rows, sections, { documents }, changedOutside] = await Promise.all([
    summariesOf(records, store.read.inventory, connections.connected(), twinsOf(all)),
    moreSections(store.read.inventory, asked),
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
): Promise<ReadonlyMap<SectionName, ReadonlyMap<string, Section<SectionName> | null>>> {
  const names = new Set(
    [...asked].flatMap((field) => (Object.hasOwn(SECTION_OF_FIELD, field) ? [SECTION_OF_FIELD[field]] : [])),
  );
  const found = new Map<SectionName, Map<string, Section<SectionName> | null>>();
  for (const name of names) {
    if (name === undefined) continue;
    const byHost = new Map<string, Section<SectionName> | null>();
    for await (const { host, data } of inventory.eachSection(name)) byHost.set(host, data);
    found.set(name, byHost);
  }

  return found;
}

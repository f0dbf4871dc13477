// Triage as it is now: made anew when feeds or policies are others, and asked for the facts of CVEs that came since. Decides nothing.
import type { PolicyDocument } from '@selvage/shared/policy/documents.ts';
import type { FeedReader } from '../store/feed-ports.ts';
import type { CveFacts } from '../triage/cve-facts.ts';
import { loadFacts, loadKnowledge } from '../triage/load.ts';
import { duePoliciesOf } from '../triage/policies.ts';
import { FLEET_SETTINGS } from '../triage/settings.ts';
import { createTriage, type Triage } from '../triage/triage.ts';
import type { Machine } from './fleet.ts';
import type { FleetIndex } from './index.ts';

export interface TriageParts {
  readonly feeds: Pick<FeedReader, 'list' | 'facts' | 'byName'>;
  readonly fleet: Pick<FleetIndex, 'allIds' | 'matches' | 'revision'>;
  readonly policy: {
    current(): Promise<{
      readonly timestampVersion: number;
      readonly documents: readonly { readonly document: PolicyDocument }[];
    }>;
  };
}

interface Made {
  readonly basis: string;
  readonly triage: Triage;
  readonly facts: Map<string, CveFacts>;
  /** Of the fleet, when its CVEs were last gathered. */
  revision: number;
}

/** The same object as long as nothing it was made of is another, so that what it has worked out is kept. */
export function createTriageNow(parts: TriageParts): () => Promise<Triage> {
  const { feeds, fleet, policy } = parts;
  let made: Made | null = null;
  let last: Promise<unknown> = Promise.resolve();

  const now = async (): Promise<Triage> => {
    const [states, current] = await Promise.all([feeds.list(), policy.current()]);
    const generations = states.map(({ name, generation }) => [name, generation]);
    const basis = JSON.stringify([generations, current.timestampVersion]);
    if (made?.basis !== basis) {
      const facts = new Map<string, CveFacts>();
      const policiesOf = duePoliciesOf(current.documents.map(({ document }) => document));
      const triage = createTriage({
        ...{ knowledge: await loadKnowledge(feeds), settings: FLEET_SETTINGS, facts },
        policiesOf: (machine) => policiesOf(selectable(machine)),
      });
      made = { basis, triage, facts, revision: -1 };
    }
    if (made.revision !== fleet.revision) {
      const { revision } = fleet;
      const { facts } = made;
      const missing = [...cvesOf(fleet)].filter((cve) => !facts.has(cve));
      for (const [cve, about] of await loadFacts(feeds, missing)) facts.set(cve, about);
      made.revision = revision;
    }

    return made.triage;
  };

  // One at a time: who comes meanwhile gets what the one before has loaded.
  return () => {
    const mine = last.then(now);
    last = mine.catch(() => undefined);

    return mine;
  };
}

function cvesOf(fleet: TriageParts['fleet']): ReadonlySet<string> {
  const cves = new Set<string>();
  for (const id of fleet.allIds()) for (const { cve } of fleet.matches(id)) cves.add(cve);

  return cves;
}

function selectable({ id, key, name, os, ownLabels }: Machine) {
  return {
    ...{ id: id ?? key, name, labels: ownLabels ?? null },
    os: os && { id: os.id, idLike: os.idLike ?? [], version: os.version },
  };
}

// From a select text to fixes, host by host: a fix stays with the hosts on which it is selected, and goes when none is left.
import { evaluate, fieldsOf } from '@selvage/shared/select/evaluate.ts';
import type { z } from 'zod';
import type { Fix, FixHost, UnknownHost } from '../fixes/fix.ts';
import { counts } from '../host-state.ts';
import type { fix, fixes } from './contract.ts';
import { labelNames } from './host-fields.ts';
import { type HostSources, hostFacts } from './host-select.ts';
import { choose, readSelect } from './selecting.ts';
import { FIX_WORDS, type FixFacts } from './words/fixes.ts';

interface Gathered {
  readonly fixes: readonly Fix[];
  readonly unknown: readonly UnknownHost[];
}

/** Throws SELECT_INVALID before anything is gathered. */
export async function selectFixes(
  sources: HostSources,
  text: string | undefined,
  gather: () => Promise<Gathered>,
): Promise<z.input<typeof fixes>> {
  const select = readSelect(text, FIX_WORDS);
  const { fixes: all, unknown } = await gather();
  if (select === null) return { fixes: all.map(shownFix), unknown: [...unknown], selection: null };

  const hosts = new Map(
    (await hostFacts(sources, counts, fieldsOf(select))).map((facts) => [facts.record.id, facts] as const),
  );
  const on = (fix: Fix, host: FixHost): readonly FixFacts[] => {
    const facts = hosts.get(host.id);

    return facts ? [{ needed: { fix, on: host }, host: facts }] : [];
  };
  const pairs = all.flatMap((fix) => fix.hosts.flatMap((host) => on(fix, host)));
  const { chosen, selection } = await choose(pairs, select, sources.clock.now(), ({ host }) => labelNames(host));
  const kept = Map.groupBy(
    chosen.flatMap(({ needed }) => needed ?? []),
    ({ fix }) => fix,
  );
  // Which fixes they need is not known: they stay where the text does not rule them out by what is known of the host.
  const silent = unknown.flatMap((host) => {
    const facts = hosts.get(host.id);

    return facts ? [{ host, facts: { needed: null, host: facts } }] : [];
  });
  const now = sources.clock.now();

  return {
    fixes: [...kept].map(([fix, stands]) => shownFix({ ...fix, hosts: stands.map(({ on: host }) => host) })),
    unknown: silent.filter(({ facts }) => evaluate(select, facts, now) !== 'not selected').map(({ host }) => host),
    selection,
  };
}

export function shownFix(one: Fix): z.input<typeof fix> {
  return { ...one, packages: [...one.packages], hosts: [...one.hosts] };
}

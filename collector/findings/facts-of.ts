// What findings need of a machine beside its software, from the sections of its inventory. Pure. What nobody could look at is null,
// never empty.
import type { Timestamp } from '@selvage/shared/model/ids.ts';
import type { Section, SectionName } from '@selvage/shared/model/inventory.ts';
import type { MachineFacts } from './facts.ts';
import type { Listening, Offer, StillRunning } from './fleet.ts';
import { sourceOf } from './software-of.ts';

/** Each whole, or null with its reason. */
export type FactSections = {
  readonly [N in SectionName]?: Section<N> | null;
} & { readonly reasons?: Readonly<Partial<Record<SectionName, string>>> };

/** Of one machine; processes beyond are counted as not looked at. */
const MAX_PROCESSES = 2000;
const MAX_LISTENERS = 2000;
const UNKNOWN = 'unknown';

export function factsOf(sections: FactSections, takenAt: Timestamp): MachineFacts {
  const { os = null, packages = null, kernel = null, agent = null } = sections;
  const sources = new Map<string, string>();
  for (const one of packages ?? []) sources.set(one.name, os === null ? one.source : sourceOf(os, one).name);
  const { staleProcesses: stale = null } = sections;

  return {
    os: os && { id: os.id, version: os.version, idLike: os.idLike },
    takenAt,
    offers: offersOf(sections),
    bootedAt: (os?.bootedAt as Timestamp | undefined) ?? null,
    listening: listeningOf(sections.listeners ?? null, sources),
    stillRunning: stale && stillRunningOf(stale, sources),
    unseenProcesses: stale === null ? 0 : stale.unreadable + Math.max(0, stale.processes.length - MAX_PROCESSES),
    kernel: kernel && { running: kernel.running, newest: kernel.newest },
    unknown: unknownOf(sections),
    ownLabels: agent?.labels ?? null,
  };
}

function unknownOf({ os = null, packages = null, reasons = {} }: FactSections): string | null {
  if (packages === null) return `its packages are not known: ${reasons.packages ?? 'they were not reported'}`;
  if (os === null) return `its operating system is not known: ${reasons.os ?? 'it was not reported'}`;

  return null;
}

/** By source, as advisories speak of it: the binaries of one source are offered together. */
function offersOf({ updates = null, os = null }: FactSections): readonly Offer[] | null {
  if (updates === null || !updates.known) return null;
  const found = new Map<string, Offer>();
  for (const one of updates.pending) {
    const { provider, security, held } = one;
    const asked = { provider, source: one.source, sourceVersion: one.candidateSourceVersion };
    const { name: source, version } =
      os === null ? { name: one.source, version: one.candidateSourceVersion } : sourceOf(os, asked);
    const key = `${provider} ${source} ${version}`;
    const known = found.get(key);
    found.set(key, {
      ...{ provider, source, version },
      security: security || (known?.security ?? false),
      held: held || (known?.held ?? false),
    });
  }

  return [...found.values()];
}

function listeningOf(
  listeners: Section<'listeners'> | null,
  sources: ReadonlyMap<string, string>,
): readonly Listening[] | null {
  if (listeners === null) return null;

  return listeners.slice(0, MAX_LISTENERS).map(({ protocol, address, port, pid, program, package: owner }) => ({
    ...{ protocol, address, port, pid, program },
    source: owner === null ? UNKNOWN : (sources.get(owner) ?? owner),
  }));
}

/** By package: a process that maps replaced files of several is in each of them. */
function stillRunningOf(
  { processes }: Section<'staleProcesses'>,
  sources: ReadonlyMap<string, string>,
): readonly StillRunning[] {
  const found = new Map<string, StillRunning['processes'][number][]>();
  for (const { pid, program, service, package: owner, packages } of processes.slice(0, MAX_PROCESSES)) {
    const owners = packages && packages.length > 0 ? packages : [owner ?? UNKNOWN];
    for (const name of new Set(owners)) {
      const known = found.get(name) ?? [];
      found.set(name, known);
      known.push({ pid, program, service });
    }
  }

  return [...found].map(([name, running]) => ({
    package: name,
    source: sources.get(name) ?? name,
    processes: running,
  }));
}

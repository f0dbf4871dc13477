// From the fleet to findings: each open CVE on a machine, with where it stands. Nothing is kept of them: asked again, they are joined
// again. Pure.
import type { Timestamp } from '@selvage/shared/model/ids.ts';
import { compareVersions } from '@selvage/shared/versions/list.ts';
import { isOnlyKernelSources, ONLY_KERNEL_SOURCES } from '../matching/kernel.ts';
import type { Match } from '../matching/match.ts';
import type { Software } from '../matching/software.ts';
import type { SoftwareEpisode, SoftwareId } from '../store/software-ports.ts';
import type { Triage } from '../triage/triage.ts';
import type { Suppress } from '../vex/suppress.ts';
import type { Finding, FindingState } from './finding.ts';
import type { Fleet, Machine, StillRunning } from './fleet.ts';

/** Named in one note; `finding explain` has all of them. */
const SOME_PROGRAMS = 12;
const SOME_PIDS = 12;

/** A finding before anybody decided about it. */
export type Open = Omit<Finding, 'decision' | 'due'> & { readonly id: SoftwareId };

/** What decides. */
export type Deciding = Pick<Triage, 'of' | 'facts' | 'policies' | 'due'>;

export interface JoinOptions {
  readonly now: Temporal.Instant;
  /** None when left out. */
  readonly suppressions?: Suppress;
}

/**
 * Every finding of some machines, or of all. None of a machine whose packages are not known: look at `unknown` first. One after the other, so
 * that it can be done in turns (see ../api/in-turns.ts).
 */
export function* eachFinding(
  fleet: Fleet,
  triage: Deciding,
  options: JoinOptions & { readonly machines?: Iterable<Machine> },
): Generator<Finding> {
  for (const machine of options.machines ?? fleet.machines.values()) {
    for (const open of openOf(fleet, machine, options)) yield decided(open, machine, triage);
  }
}

function decided({ id: _id, ...open }: Open, machine: Machine, triage: Deciding): Finding {
  const verdict = triage.of(machine, open.software, open.match);
  const due = triage.due({
    ...{ facts: triage.facts(open.cve), verdict, firstSeen: open.firstSeen, fixable: open.match.state === 'fixable' },
    policies: triage.policies(machine),
  });

  return { ...open, decision: verdict, due };
}

/** Without decisions: for counting, and for who decides otherwise. */
export function openOf(fleet: Fleet, machine: Machine, { now, suppressions }: JoinOptions): Open[] {
  const found: Open[] = [];
  if (machine.unknown !== null) return found;
  const history = historyOf(fleet, machine);
  const kernels = kernelsOf(fleet, machine);

  const add = (id: SoftwareId, match: Match, state: FindingState, seen: string, note: string | null) => {
    const software = fleet.software(id);
    const suppressed = suppressions?.(machine, software, match.cve, now) ?? null;
    const known = fleet.since(id)[match.cve];
    found.push({
      ...{ machine: machine.key, name: machine.name, software, id, cve: match.cve, match },
      state: suppressed?.state ?? state,
      firstSeen: known !== undefined && later(known, seen) ? known : (seen as Timestamp),
      note: suppressed ? noteOf(suppressed) : note,
    });
  };

  for (const { id, since } of fleet.affected(machine.key)) {
    const software = fleet.software(id);
    for (const match of fleet.matches(id)) {
      const { state, note } = standing(software, match, kernels);
      add(id, match, state, history.affectedSince(id, since, match.cve), note);
    }
  }
  for (const { running, past } of history.stillRunning()) {
    const who = whoRuns(running);
    const open = new Set(found.filter(({ software }) => isSame(software, running)).map(({ cve }) => cve));
    for (const { id, since } of past) {
      // Whoever maps an old tool of the kernel sources runs no kernel by it.
      if (isOnlyKernelSources(fleet.software(id))) continue;
      for (const match of fleet.matches(id)) {
        // What the installed version has too is open anyway.
        if (open.has(match.cve)) continue;
        open.add(match.cve);
        add(id, match, 'still-running', history.affectedSince(id, since, match.cve), who);
      }
    }
  }

  return found;
}

/** A kernel that runs counts; one that only lies there does not. */
function standing(
  software: Software,
  match: Match,
  kernels: ReadonlyMap<SoftwareId, { readonly software: Software; readonly cves: ReadonlySet<string> }>,
): { readonly state: FindingState; readonly note: string | null } {
  const state = match.state === 'fixable' ? 'fixable' : 'no-fix';
  if (software.kernel === 'installed') {
    return { state: 'not-running', note: 'this kernel is installed, another one runs' };
  }
  if (isOnlyKernelSources(software)) return { state: 'not-running', note: ONLY_KERNEL_SOURCES };
  if (software.kernel !== 'running') return { state, note: null };
  for (const { software: other, cves } of kernels.values()) {
    if (isNewer(other, software) && !cves.has(match.cve)) {
      return {
        state: 'still-running',
        note: `kernel ${software.version} runs, ${other.version} is installed: reboot`,
      };
    }
  }

  return { state, note: null };
}

/** Only a newer one is a fix: what an older one never had is no repair. */
function isNewer(one: Software, other: Software): boolean {
  if (one.source !== other.source || one.ecosystem !== other.ecosystem) return false;

  return (compareVersions(one.ecosystem, one.version, other.version) ?? 0) > 0;
}

/** Those that are installed and do not run. */
function kernelsOf(fleet: Fleet, machine: Machine) {
  const found = new Map<SoftwareId, { readonly software: Software; readonly cves: ReadonlySet<string> }>();
  if (machine.kernel === null) return found;
  for (const { id } of fleet.kernels(machine.key)) {
    const software = fleet.software(id);
    if (software.kernel !== 'installed') continue;
    found.set(id, { software, cves: cvesOf(fleet.matches(id)) });
  }

  return found;
}

interface History {
  /** Since when the machine had a version of this package with that CVE, without a break. */
  affectedSince(id: SoftwareId, since: Timestamp, cve: string): string;
  /** Packages whose old code runs, with the versions that it may be. */
  stillRunning(): Iterable<{ readonly running: StillRunning; readonly past: readonly SoftwareEpisode[] }>;
}

function historyOf(fleet: Fleet, machine: Machine): History {
  let byPackage: ReadonlyMap<string, SoftwareEpisode[]> | null = null;
  const episodes = () => {
    byPackage ??= Map.groupBy(fleet.episodes(machine.key), ({ id }) => nameKey(fleet.software(id)));

    return byPackage;
  };

  return {
    affectedSince: (id, since, cve) => {
      const before = episodes().get(nameKey(fleet.software(id)));
      if (before === undefined) return since;
      let from: string = since;
      for (;;) {
        const previous = before.find(
          (one) => one.until === from && one.since !== one.until && hasCve(fleet, one.id, cve),
        );
        if (previous === undefined) return from;
        from = previous.since;
      }
    },
    *stillRunning() {
      for (const running of bySource(machine.stillRunning ?? [])) {
        const all = [...episodes().values()].flat().filter(({ id }) => isSame(fleet.software(id), running));
        // A process is not older than the machine's last start; which of the versions since then it runs, nobody knows.
        const { bootedAt } = machine;
        const possible = bootedAt === null ? all : all.filter(({ until }) => later(until, bootedAt));
        const past =
          possible.length > 0 ? possible : all.toSorted((a, b) => (later(a.until, b.until) ? -1 : 1)).slice(0, 1);
        yield { running, past };
      }
    },
  };
}

/** A finding is one of a source: whoever maps replaced files of any of its packages keeps it open. Each process once. */
function bySource(all: readonly StillRunning[]): readonly StillRunning[] {
  return [...Map.groupBy(all, ({ source }) => source).values()].flatMap((group) => {
    const [first] = group;
    if (first === undefined || group.length === 1) return group;
    const processes = new Map(group.flatMap((one) => one.processes).map((one) => [one.pid, one]));

    return [{ ...first, processes: [...processes.values()].sort((a, b) => a.pid - b.pid) }];
  });
}

/** Packages whose old code runs on a machine, of which no earlier version is known: what they are open to cannot be said. */
export function runningUnknown(fleet: Fleet, machine: Machine): readonly StillRunning[] {
  return [...historyOf(fleet, machine).stillRunning()]
    .filter(({ past }) => past.length === 0)
    .map(({ running }) => running);
}

/** `sshd (812; restart ssh.service), bash (900)`: those of a service together, some of many: every finding of the package says it. */
export function whoRuns({ processes }: StillRunning): string {
  const groups = [...Map.groupBy(processes, ({ program, service }) => `${program} ${service ?? ''}`).values()];
  const named = groups
    .slice(0, SOME_PROGRAMS)
    .map((group) => {
      const [first] = group;
      const more = group.length > SOME_PIDS ? ` and ${group.length - SOME_PIDS} more` : '';
      const pids = `${group
        .slice(0, SOME_PIDS)
        .map(({ pid }) => pid)
        .join(', ')}${more}`;
      const how = first?.service ? `; restart ${first.service}` : '';

      return `${first?.program} (${pids}${how})`;
    })
    .join(', ');

  return groups.length > SOME_PROGRAMS ? `${named} and ${groups.length - SOME_PROGRAMS} other programs` : named;
}

function noteOf({ note, until }: NonNullable<ReturnType<Suppress>>): string {
  return until === null ? note : `${note}, until ${until}`;
}

function nameKey({ ecosystem, name, kernel }: Software): string {
  return `${ecosystem} ${name} ${kernel !== null}`;
}

function isSame(software: Software, running: StillRunning): boolean {
  return software.kernel === null && (software.source === running.source || software.name === running.package);
}

function hasCve(fleet: Fleet, id: SoftwareId, cve: string): boolean {
  return cvesOf(fleet.matches(id)).has(cve);
}

/** Thousands in a kernel, and asked for each of them: made once for the same matches, of whichever machine. */
const known = new WeakMap<readonly Match[], ReadonlySet<string>>();

function cvesOf(matches: readonly Match[]): ReadonlySet<string> {
  const found = known.get(matches) ?? new Set(matches.map(({ cve }) => cve));
  known.set(matches, found);

  return found;
}

/** Instants as text do not sort: fractions are optional. */
function later(one: string, other: string): boolean {
  return one.length === other.length ? one > other : Date.parse(one) > Date.parse(other);
}

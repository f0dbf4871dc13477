// How long machines were open to what was known, stage by stage: published, fixed by its maker, approved, installed, and no longer
// running. Pure, in steps. A stage of which one end is not known is counted as unknown, never as quick.
import type { Fleet, Machine } from '../findings/fleet.ts';
import { announcesFix } from '../matching/announcement.ts';
import { kernelNote } from '../matching/kernel.ts';
import type { Match } from '../matching/match.ts';
import type { Ecosystem, Software } from '../matching/software.ts';
import { OWN_ADVISORIES } from '../matching/sources.ts';
import type { MachineKey, SoftwareEpisode, SoftwareId } from '../store/software-ports.ts';
import type { CveFacts } from '../triage/cve-facts.ts';
import { type Days, daysBetween, daysOf } from './days.ts';

/** From the first to the last; `whole` is from the publication until the fix is installed. */
export const EXPOSURE_STAGES = ['vendor-fix', 'approval', 'installation', 'restart', 'whole'] as const;
export type ExposureStage = (typeof EXPOSURE_STAGES)[number];

export interface Exposure {
  /** Findings that were closed by another version, each once for every machine. */
  readonly closed: number;
  readonly stages: Readonly<Record<ExposureStage, Days>>;
  /** Stages by how many days all findings together spent in them, the most first; none of which nothing is known. */
  readonly costliest: readonly { readonly stage: ExposureStage; readonly days: number; readonly share: number }[];
  /** Findings with a fix that is not installed, and for how long they have been known. */
  readonly open: { readonly findings: number; readonly age: Days };
  readonly machines: {
    readonly counted: number;
    readonly unknown: number;
    /** Of these something was closed. */
    readonly withClosed: number;
  };
}

export interface ExposureDeps {
  readonly facts: (cve: string) => Pick<CveFacts, 'published'>;
  /** First decision that let this version of the source in; null: nobody decided here, or it is kept no more. */
  readonly approvedAt: (ecosystem: Ecosystem, source: string, version: string) => string | null;
  /** When a runner proved that nothing of the old version runs; null: not proven. */
  readonly restartedAt: (machine: MachineKey, source: string, version: string) => string | null;
  readonly now: Temporal.Instant;
  readonly among?: (machine: Machine) => boolean;
}

export function* exposureSteps(fleet: Fleet, deps: ExposureDeps): Generator<void, Exposure> {
  const values = Object.fromEntries(
    EXPOSURE_STAGES.map((stage): [ExposureStage, (number | null)[]] => [stage, []]),
  ) as Record<ExposureStage, (number | null)[]>;
  const ages: (number | null)[] = [];
  const { among = () => true } = deps;
  let [counted, unknown, withClosed, closed] = [0, 0, 0, 0];

  for (const machine of fleet.machines.values()) {
    if (!among(machine)) continue;
    counted += 1;
    if (machine.unknown !== null) unknown += 1;
    else {
      const found = closedOn(fleet, machine, deps, values);
      closed += found;
      if (found > 0) withClosed += 1;
      for (const { id } of fleet.affected(machine.key)) {
        if (kernelNote(fleet.software(id)) !== null) continue;
        for (const match of fleet.matches(id)) {
          if (match.state === 'fixable')
            ages.push(daysBetween(publishedAt(match, deps.facts(match.cve)), deps.now.toString()));
        }
      }
    }
    yield;
  }
  const stages = Object.fromEntries(EXPOSURE_STAGES.map((stage) => [stage, daysOf(values[stage])])) as Record<
    ExposureStage,
    Days
  >;

  return {
    ...{ closed, stages, costliest: costliestOf(stages), open: { findings: ages.length, age: daysOf(ages) } },
    machines: { counted, unknown, withClosed },
  };
}

/** How many findings the machine had and has no more. */
function closedOn(
  fleet: Fleet,
  machine: Machine,
  deps: ExposureDeps,
  values: Record<ExposureStage, (number | null)[]>,
): number {
  const episodes = fleet.episodes(machine.key);
  if (episodes.length === 0) return 0;
  const open = new Set<string>();
  for (const { id } of fleet.affected(machine.key)) {
    for (const { cve } of fleet.matches(id)) open.add(keyOf(fleet.software(id), cve));
  }
  // The last time that the machine had it.
  const last = new Map<string, { readonly match: Match; readonly episode: SoftwareEpisode }>();
  for (const episode of episodes) {
    const software = fleet.software(episode.id);
    if (kernelNote(software) !== null) continue;
    for (const match of fleet.matches(episode.id)) {
      const key = keyOf(software, match.cve);
      if (match.state !== 'fixable' || open.has(key)) continue;
      const other = last.get(key);
      if (!other || isBefore(other.episode.until, episode.until)) last.set(key, { match, episode });
    }
  }
  const present = last.size === 0 ? [] : machine.software;
  for (const { match, episode } of last.values()) {
    const { ecosystem, source } = fleet.software(episode.id);
    const published = publishedAt(match, deps.facts(match.cve));
    const fixed = fixedAt(match);
    // What took its place was installed at that moment, as far as the inventory tells.
    const version = versionAfter(fleet, [...present, ...episodes], episode);
    const installed = version === null ? null : episode.until;
    const decided = version === null ? null : deps.approvedAt(ecosystem, source, version);
    // A decision after it was there installed nothing: something else did, and no days were spent on waiting for it.
    const approved = decided !== null && installed !== null && isBefore(installed, decided) ? null : decided;
    const restarted = version === null ? null : deps.restartedAt(machine.key, source, version);
    values['vendor-fix'].push(daysBetween(published, fixed));
    values.approval.push(daysBetween(fixed, approved));
    values.installation.push(daysBetween(approved, installed));
    values.restart.push(daysBetween(installed, restarted));
    values.whole.push(daysBetween(published, installed));
  }

  return last.size;
}

function keyOf({ ecosystem, name }: Software, cve: string): string {
  return `${ecosystem} ${name} ${cve}`;
}

/** Of the CVE; where no feed says, of the first record about it. */
function publishedAt({ evidence }: Match, { published }: Pick<CveFacts, 'published'>): string | null {
  return published ?? earliest(evidence.map((one) => one.published));
}

/** The vendor's announcement that brought it. Records of the flaw itself, and what we wrote, do not say since when there is a fix. */
function fixedAt({ evidence, cve }: Match): string | null {
  return earliest(
    evidence
      .filter(({ feed, record, fixed }) => fixed !== null && feed !== OWN_ADVISORIES && announcesFix(record))
      .filter(({ record }) => !record.endsWith(cve))
      .map((one) => one.published),
  );
}

/** What the machine got when that version went; null: the package was removed. */
function versionAfter(
  fleet: Fleet,
  had: readonly { readonly id: SoftwareId; readonly since: string }[],
  { id, until }: SoftwareEpisode,
): string | null {
  const { ecosystem, name } = fleet.software(id);
  const next = had.find((one) => {
    if (one.id === id || one.since !== until) return false;
    const software = fleet.software(one.id);

    return software.ecosystem === ecosystem && software.name === name;
  });

  return next ? fleet.software(next.id).version : null;
}

function costliestOf(stages: Exposure['stages']): Exposure['costliest'] {
  const parts = EXPOSURE_STAGES.filter((stage) => stage !== 'whole').map((stage) => ({
    stage,
    days: stages[stage].total,
  }));
  const sum = parts.reduce((total, { days }) => total + days, 0);

  return parts
    .filter(({ days }) => days > 0)
    .sort((a, b) => b.days - a.days)
    .slice(0, MOST_COSTLY)
    .map(({ stage, days }) => ({ stage, days, share: days / sum }));
}

const MOST_COSTLY = 3;

function earliest(instants: readonly (string | null)[]): string | null {
  let first: string | null = null;
  for (const instant of instants) if (instant !== null && (first === null || isBefore(instant, first))) first = instant;

  return first;
}

function isBefore(one: string, other: string): boolean {
  return Temporal.Instant.compare(one, other) < 0;
}

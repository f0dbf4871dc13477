// Puts groups together into rows: one per source package and version. Pure. What a row closes is the sum of its groups, each counted
// once; what nothing closes here is kept with its reason.
import type { ProviderName } from '@selvage/shared/model/package.ts';
import type { Machine } from '../findings/fleet.ts';
import { kindOf } from '../matching/ecosystem.ts';
import { ONLY_KERNEL_SOURCES } from '../matching/kernel.ts';
import type { Ecosystem } from '../matching/software.ts';
import type { Due } from '../triage/decision.ts';
import type { Closed, Closing, Open } from './closing.ts';
import { compareText, earlierDue, noSums, type Sums, totalOf, urgencyOf, worstOf } from './counting.ts';
import type { Bare } from './groups.ts';
import type { Compare } from './ports.ts';
import { nothingYet, notice, noticeExposure, type Strongest } from './reasons.ts';
import type { NotOfferedRow } from './todo.ts';

/** Machines that a row names. */
export const SOME_NAMES = 8;

/** How one machine of a row comes to it. */
export interface Needs {
  readonly held: boolean;
  readonly isOffered: boolean;
}

/** One fix before anybody was asked what was decided about it. */
export interface Gathered {
  readonly provider: ProviderName | null;
  readonly ecosystem: Ecosystem | null;
  readonly source: string;
  readonly version: string;
  security: boolean;
  reboot: boolean;
  /** All that it closes is in headers or tools of kernel sources: shown last. */
  idle: boolean;
  due: Due | null;
  readonly sums: Sums;
  readonly cves: Set<string>;
  readonly strongest: Strongest;
  readonly machines: Map<Machine, Needs>;
}

export interface Rows {
  readonly fixes: readonly Gathered[];
  /** Fixes that close nothing that is known, from no security repository. */
  readonly others: readonly Gathered[];
}

export function* rowSteps(closings: readonly Closing[], bare: readonly Bare[]): Generator<void, Rows> {
  const rows = new Map<string, Gathered>();
  const rowOf = (key: Pick<Gathered, 'provider' | 'ecosystem' | 'source' | 'version'>): Gathered => {
    const name = JSON.stringify([key.provider ?? key.ecosystem, key.source, key.version]);
    const found = rows.get(name) ?? {
      ...{ ...key, security: false, reboot: false, idle: true, due: null, sums: noSums(), cves: new Set<string>() },
      ...{ strongest: nothingYet(), machines: new Map<Machine, Needs>() },
    };
    rows.set(name, found);

    return found;
  };

  for (const { group, target, offer, closed } of closings) {
    yield;
    if (target === null) continue;
    const { software } = group;
    const provider = offer?.provider ?? providerOf(software.ecosystem);
    const row = rowOf({ provider, ecosystem: software.ecosystem, source: software.source, version: target });
    row.security ||= offer?.security ?? false;
    row.reboot ||= software.kernel === 'running' && closed.length > 0;
    for (const one of closed) addClosed(row, one);
    if (closed.some(({ idle }) => !idle)) noticeExposure(row.strongest, group.circumstances);
    addMachines(row, group.machines, { held: offer?.held ?? false, isOffered: offer !== null });
  }
  for (const { offer, machines } of bare) {
    yield;
    const row = rowOf({ ...offer, ecosystem: null });
    row.security ||= offer.security;
    addMachines(row, machines, { held: offer.held, isOffered: true });
  }
  const all = [...rows.values()];
  const matters = (row: Gathered) => row.cves.size > 0 || row.security;

  return { fixes: all.filter(matters), others: all.filter((row) => !matters(row)) };
}

function addClosed(row: Gathered, { cve, facts, verdict, due, idle, machines }: Closed): void {
  row.sums[verdict.decision] += machines;
  row.due = earlierDue(row.due, due);
  row.idle &&= idle;
  if (!idle) notice(row.strongest, facts, verdict);
  row.cves.add(cve);
}

/** A machine that comes by several packages needs it, if one of them does; it is held only if all are. */
function addMachines(row: Gathered, machines: readonly Machine[], needs: Needs): void {
  for (const machine of machines) {
    const before = row.machines.get(machine);
    if (before === undefined || (before.held && !needs.held)) row.machines.set(machine, needs);
  }
}

function providerOf(ecosystem: Ecosystem): ProviderName | null {
  const kind = kindOf(ecosystem);
  if (kind === 'deb') return 'apt';
  if (kind === 'pacman') return 'pacman';

  return kind === 'rpm' ? 'dnf' : null;
}

interface Missing {
  readonly first: Open;
  readonly ecosystem: Ecosystem;
  readonly source: string;
  readonly offered: string | null;
  fixed: string;
  due: Due | null;
  readonly sums: Sums;
  readonly cves: Set<string>;
  readonly machines: Map<string, string>;
}

/** Fixed by the maker and not to be had here, by source and by what stands in the way. */
export function* notOfferedSteps(
  closings: readonly Closing[],
  compare: Compare,
): Generator<void, readonly NotOfferedRow[]> {
  const rows = new Map<string, Missing>();
  for (const { group, offer, open } of closings) {
    yield;
    const { software } = group;
    for (const one of open) {
      const key = JSON.stringify([software.ecosystem, software.source, one.kind, one.pocket, one.idle]);
      const row = rows.get(key) ?? {
        ...{ first: one, ecosystem: software.ecosystem, source: software.source, offered: offer?.version ?? null },
        ...{ fixed: one.fixed, due: null, sums: noSums(), cves: new Set<string>(), machines: new Map() },
      };
      rows.set(key, row);
      if ((compare(software.ecosystem, one.fixed, row.fixed) ?? 0) > 0) row.fixed = one.fixed;
      row.due = earlierDue(row.due, one.due);
      row.sums[one.verdict.decision] += one.machines;
      row.cves.add(one.cve);
      for (const { key: machine, name } of group.machines) row.machines.set(machine, name);
    }
  }

  return [...rows.values()]
    .map(
      ({ first, ecosystem, source, fixed, due, sums, cves, machines, offered }): NotOfferedRow => ({
        ...{
          ecosystem,
          source,
          fixed,
          due,
          kind: first.kind,
          decision: first.idle ? 'defer' : worstOf(sums),
          findings: totalOf(sums),
        },
        ...{ why: whyNot(first, offered), cves: cves.size, machines: machines.size },
        some: [...machines.values()].sort(compareText).slice(0, SOME_NAMES),
      }),
    )
    .sort(
      (a, b) =>
        urgencyOf(a.decision) - urgencyOf(b.decision) || b.findings - a.findings || compareText(a.source, b.source),
    );
}

function whyNot(
  { kind, pocket, fixed, idle }: Pick<Open, 'kind' | 'pocket' | 'fixed' | 'idle'>,
  offered: string | null,
): string {
  if (idle) return `${ONLY_KERNEL_SOURCES}; ${whyNot({ kind, pocket, fixed, idle: false }, offered)}`;
  if (kind === 'pocket') return `only in ${pocket}: these machines are not entitled, or it is not enabled`;
  if (kind === 'older-offered') return `their repositories offer ${offered ?? 'an older version'} only`;

  return fixed === '?' ? 'its advisory names no version' : 'no repository of these machines offers it';
}

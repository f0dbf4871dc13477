// One change of packages on a host as the collector keeps it: told by a log of the host, proven by a signed result, or seen only
// as a difference between two inventories. Pure; times are milliseconds since 1970.
import type { ChangeSource, ToldChange } from '@selvage/shared/model/changes.ts';

/** `result`: signed by the runner. `inventory`: a difference that nothing tells of. */
export const ROW_SOURCES = ['apt', 'dpkg', 'dnf', 'rpm', 'zypper', 'pacman', 'result', 'inventory'] as const;
export type RowSource = ChangeSource | 'result' | 'inventory';

/**
 * `log`: from before the host was enrolled. `selvage`: a signed result says the same. `open`: it carries the mark of a run whose
 * result is not here yet. `same`: another row tells of it. `outside`: none of these.
 */
export const VERDICTS = ['log', 'selvage', 'open', 'same', 'outside'] as const;
export type Verdict = (typeof VERDICTS)[number];

export interface ChangeRow {
  readonly id: string;
  readonly source: RowSource;
  /** Of an inventory: when the difference was there. */
  readonly at: number;
  readonly endedAt: number | null;
  /** Of an inventory: when it was not there yet; else null. */
  readonly since: number | null;
  readonly certain: boolean;
  readonly actor: string | null;
  readonly command: string | null;
  readonly run: string | null;
  readonly problem: string | null;
  readonly changes: readonly ToldChange[];
  /** When the collector first heard of it, by its own clock. */
  readonly toldAt: number;
  readonly verdict: Verdict;
}

/** These do not know what was there before. */
export const FROM_UNKNOWN: readonly RowSource[] = ['rpm', 'zypper'];

const MINUTE_MS = 60_000;
/** Logs have whole seconds, begin before the change and end after it. */
const SLACK_MS = 2 * MINUTE_MS;
/** A local time that was there twice is wrong by an hour at the most. */
const UNCERTAIN_MS = 60 * MINUTE_MS;
/**
 * How long every transaction may have gone on at least. An end that is heard of later only ever makes it longer, so that what was
 * explained stays explained.
 */
const LEAST_MS = 10 * MINUTE_MS;

export interface Span {
  readonly from: number;
  readonly to: number;
}

/** When it may have happened, generously. */
export function spanOf({ source, at, endedAt, since, certain }: ChangeRow): Span {
  const slack = SLACK_MS + (certain ? 0 : UNCERTAIN_MS);
  if (source === 'inventory') return { from: (since ?? at) - slack, to: at + slack };

  return { from: at - slack, to: Math.max(at + LEAST_MS, endedAt ?? at) + slack };
}

export function overlap(one: Span, other: Span): boolean {
  return one.from <= other.to && other.from <= one.to;
}

/** apt says the native architecture of packages that have none, dpkg says `all`. */
export function isSamePackage(a: Pick<ToldChange, 'name' | 'arch'>, b: Pick<ToldChange, 'name' | 'arch'>): boolean {
  return a.name === b.name && (a.arch === b.arch || isNone(a.arch) || isNone(b.arch));
}

/** What the package managers call it when a package has none, or the log does not say. */
function isNone(arch: string): boolean {
  return arch === 'all' || arch === 'noarch' || arch === 'any';
}

// What one rule says of one version: the only place where a version is held against a range. Each distinct version is compared once
// per software, however many rules name it: a kernel has thousands of records and few dozens of fixed versions.
import { type Order, orderOf, quoted } from './compare.ts';
import { isAlike } from './groups.ts';
import type { Evidence } from './match.ts';
import { streamVerdict, streamWords } from './modules.ts';
import type { Rule, VersionRange } from './rule.ts';
import type { Software } from './software.ts';

export type Says = Evidence['says'];

/** How one version stands to the rules that concern it. */
export interface Standing {
  says(rule: Rule): Says;
  /** Range that decided (the one that it lies in; else the first), and why nothing could be compared. */
  explain(rule: Rule): { readonly range: VersionRange | null; readonly words: string };
  /** Of versions that can be compared; null of none. */
  newest(versions: readonly string[]): string | null;
  oldest(versions: readonly string[]): string | null;
}

/** The installed version against others: negative when it is older; null when the two cannot be compared. */
type Against = (version: string) => number | null;

export function standingOf(software: Software): Standing {
  const order = orderOf(software.ecosystem);
  const own: Held = { software, against: againstInstalled(software.version, order) };
  const source = sourceHeld(software, order);
  const heldFor = (rule: Rule) => (source !== null && rule.names !== 'binary' ? source : own);

  return {
    says: (rule) => {
      const { software: held, against } = heldFor(rule);

      return says(held, rule, against);
    },
    explain: onceForAlike((rule) => {
      const held = heldFor(rule);
      const note = held === source ? `source ${software.source} ` : '';

      return {
        range: rangeOf(rule, held.against),
        words: `${order.label}: ${note}${words(held.software, rule, held.against, order)}`,
      };
    }),
    newest: (versions) => extreme(versions, order, 1),
    oldest: (versions) => extreme(versions, order, -1),
  };
}

/** Rules as a store has them come in groups that say the same of other records: thousands of a kernel's in a few hundred. */
function onceForAlike<T>(of: (rule: Rule) => T): (rule: Rule) => T {
  let last: { readonly rule: Rule; readonly answer: T } | null = null;

  return (rule) => {
    if (last === null || !isAlike(rule, last.rule)) last = { rule, answer: of(rule) };

    return last.answer;
  };
}

/** What a rule is held against. */
interface Held {
  readonly software: Software;
  readonly against: Against;
}

/** Of a package whose source is numbered otherwise: nobody knows the epoch of a source, so that none is looked at. */
function sourceHeld(software: Software, order: Order): Held | null {
  if (software.sourceVersion === undefined) return null;
  const against = againstInstalled(software.sourceVersion, order);

  return {
    software: { ...software, version: software.sourceVersion },
    against: (version) => against(version.replace(EPOCH, '')),
  };
}

const EPOCH = /^\d+:/;

/** Compares each version once, however many rules name it. */
function againstInstalled(installed: string, order: Order): Against {
  const known = new Map<string, number | null>();

  return (version) => {
    const before = known.get(version);
    if (before !== undefined) return before;
    const result = order.compare(installed, version);
    known.set(version, result);

    return result;
  };
}

function says(software: Software, rule: Rule, against: Against): Says {
  if (rule.status === 'not-affected') return 'not-affected';
  const answer = inRanges(software, rule, against);
  if (answer === 'not-affected' || answer === 'unknown') return answer;
  const stream = streamVerdict(software, rule);
  // Numbers of another stream prove nothing here: neither that it is affected nor that it has the fix.
  if (stream === 'not-affected' || answer === 'fixed') return stream === 'not-affected' ? stream : answer;
  if (rule.status === 'undetermined') return 'unknown';

  return stream ?? 'affected';
}

function inRanges(software: Software, rule: Rule, against: Against): Says {
  if (rule.versions?.includes(software.version)) return 'affected';
  if (rule.ranges.length === 0) return withoutRanges(rule, against);
  let answer: Says = 'not-affected';

  for (const range of rule.ranges) {
    const one = inRange(range, against);
    if (one === 'affected') return one;
    if (one === 'unknown' || answer === 'not-affected') answer = one;
  }

  return rule.versions?.some((version) => against(version) === 0) ? 'affected' : answer;
}

/** Versions named one by one are all there is; nothing at all means all versions, unless the rule promised a fix and names none. */
function withoutRanges(rule: Rule, against: Against): Says {
  if (rule.versions !== undefined && rule.versions.length > 0) {
    return rule.versions.some((version) => against(version) === 0) ? 'affected' : 'not-affected';
  }

  return rule.status === 'fixed' ? 'unknown' : 'affected';
}

/** `0` is how trackers write "from the first version", and, as a fixed version, "never was in it". */
const FIRST = '0';

function inRange(range: VersionRange, against: Against): Says {
  if (range.fixed === FIRST) return 'not-affected';
  if (range.introduced !== null && range.introduced !== FIRST) {
    const since = against(range.introduced);
    if (since === null) return 'unknown';
    if (since < 0) return 'not-affected';
  }
  if (range.fixed !== null) {
    const until = against(range.fixed);
    if (until === null) return 'unknown';

    return until < 0 ? 'affected' : 'fixed';
  }
  if (range.lastAffected !== null) {
    const last = against(range.lastAffected);
    if (last === null) return 'unknown';

    return last <= 0 ? 'affected' : 'fixed';
  }

  return 'affected';
}

function rangeOf(rule: Rule, against: Against): VersionRange | null {
  const inside = rule.ranges.find((range) => inRange(range, against) === 'affected');

  return inside ?? rule.ranges.find((range) => inRange(range, against) !== 'not-affected') ?? rule.ranges[0] ?? null;
}

/** The comparison so that it can be repeated by hand. */
function words(software: Software, rule: Rule, against: Against, order: Order): string {
  const version = quoted(software.version);
  if (rule.status === 'not-affected') return `${version}: its source says that it is not affected`;
  const range = rangeOf(rule, against);
  if (range === null) return withoutRange(version, software, rule, against);
  if (range.fixed === FIRST) return `${version}: its source says that it never was affected`;
  const bounds = [range.introduced === FIRST ? null : range.introduced, range.fixed, range.lastAffected].filter(
    (one) => one !== null,
  );
  const strange = bounds.find((one) => against(one) === null);
  if (strange !== undefined) return notComparable(software.version, strange, order);
  const stream = streamWords(software, rule);
  if (bounds.length === 0) return `${version}, no version has a fix${stream}`;

  return `${version} ${bounds.map((one) => `${sign(against(one))} ${one}`).join(' and ')}${stream}`;
}

function withoutRange(version: string, software: Software, rule: Rule, against: Against): string {
  if (rule.versions?.length) return `${version} is ${listed(software, rule, against)}`;

  return rule.status === 'fixed'
    ? `${version}: its source names no version at all`
    : `${version}, no version has a fix`;
}

function notComparable(installed: string, other: string, order: Order): string {
  const reason = order.problem(installed) ?? order.problem(other) ?? 'their forms differ';

  return `${quoted(installed)} and ${quoted(other)} cannot be compared: ${reason}`;
}

function listed(software: Software, rule: Rule, against: Against): string {
  const named = rule.versions?.some((one) => one === software.version || against(one) === 0);

  return named ? 'one of the versions that it names' : 'none of the versions that it names';
}

function sign(order: number | null): string {
  return order === null ? '?' : (['<', '=', '>'][Math.sign(order) + 1] ?? '?');
}

/** Newest (1) or oldest (-1) of those that can be compared, of all where none can; of the same version the first by its text. */
function extreme(versions: readonly string[], order: Order, sign: 1 | -1): string | null {
  const comparable = versions.filter((version) => order.compare(version, version) !== null);
  let best: string | null = null;

  for (const version of comparable.length > 0 ? comparable : versions) {
    const stands = best === null ? sign : Math.sign(order.compare(version, best) ?? 0);
    if (best === null || stands === sign || (stands === 0 && version < best)) best = version;
  }

  return best;
}

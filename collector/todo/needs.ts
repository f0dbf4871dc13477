// What waits for a person before any fix does: what is not known, who is silent, what was done by others. Pure: facts in, lines out,
// what stops most first.
import type { DecisionWord } from '../triage/decision.ts';
import { compareText } from './counting.ts';
import { type Signatures, signaturesText } from './signatures.ts';

/** Names in one line; the command beside it lists them all. */
const MAX_NAMES = 3;
/** Reasons that stand on lines of their own. */
const MAX_REASONS = 3;
/** An import is one look at one moment. */
const IMPORT_OLD_DAYS = 7;

export type NeedKind =
  | 'no-feed'
  | 'not-ready'
  | 'alarm'
  | 'unknown'
  | 'unwatched'
  | 'no-way'
  | 'unsigned'
  | 'silent'
  | 'stale-feed'
  | 'pending'
  | 'unclear'
  | 'missing'
  | 'outside'
  | 'imported-old';

export interface Need {
  readonly kind: NeedKind;
  readonly count: number;
  readonly message: string;
  readonly some: readonly string[];
  readonly next: string;
}

export interface NeedFacts {
  /** False while the fleet is still being read and matched. */
  readonly ready: boolean;
  /** Machines of which something is not known, each with why; of one machine several may be given. */
  readonly unknown: readonly {
    readonly name: string;
    readonly what: 'packages' | 'updates';
    readonly reason: string;
  }[];
  /** Fixed by their maker, and not to be had on the machines that have them. */
  readonly notOffered: readonly {
    readonly source: string;
    readonly decision: DecisionWord;
    readonly findings: number;
  }[];
  /** Immediate findings for which nobody has made a fix. */
  readonly urgentWithoutFix: number;
  /** Changes of policy that nobody has signed yet, oldest first. */
  readonly unsigned: readonly {
    readonly number: number;
    readonly titles: readonly string[];
    /** Only their signature counts; empty: any admin's. */
    readonly approvers: readonly string[];
    /** Of those that several keys sign, once the first has. */
    readonly signatures: Signatures | null;
  }[];
  /** Machines whose release no imported feed speaks of. */
  readonly unwatched: readonly { readonly name: string; readonly release: string }[];
  readonly feeds: readonly {
    readonly name: string;
    readonly ageDays: number | null;
    readonly stale: boolean;
    /** Facts about CVEs, or about what some machine here has. */
    readonly needed: boolean;
    readonly error: string | null;
  }[];
  readonly silent: readonly { readonly name: string; readonly days: number | null }[];
  readonly coverage: { readonly pending: number; readonly unclear: number; readonly missing: number };
  /** Since yesterday. */
  readonly outside: readonly { readonly name: string }[];
  readonly imports: readonly { readonly name: string; readonly ageDays: number }[];
  readonly alarms: readonly { readonly message: string; readonly next: string }[];
}

export function needsOf(facts: NeedFacts): readonly Need[] {
  const { feeds, coverage } = facts;
  const old = facts.imports.filter(({ ageDays }) => ageDays > IMPORT_OLD_DAYS);

  return [
    ...(facts.ready
      ? []
      : [
          need(
            'not-ready',
            1,
            'what is vulnerable is still being worked out: numbers are not whole yet',
            [],
            'selvage todo',
          ),
        ]),
    ...(feeds.length > 0
      ? []
      : [
          need('no-feed', 1, 'no feed was imported: nothing can be said of vulnerabilities', [], 'selvage feed update'),
        ]),
    ...facts.alarms.slice(0, MAX_REASONS).map(({ message, next }) => need('alarm', 1, message, [], next)),
    ...unknownNeeds(facts.unknown),
    ...unwatchedNeeds(facts.unwatched, feeds.length > 0),
    ...noWayNeeds(facts),
    ...some('unsigned', facts.unsigned, unsignedText, {
      message: (count) => `${count} ${count === 1 ? 'proposal waits' : 'proposals wait'} for a signature`,
      next: nextOf(facts.unsigned),
    }),
    ...some('silent', facts.silent, ({ name, days }) => `${name} ${days === null ? 'never seen' : `${days} d`}`, {
      message: (count) => `${count} ${plural(count, 'agent')} silent for more than a week`,
      next: "selvage host list --select 'seen>7d'",
    }),
    ...some(
      'stale-feed',
      feeds
        .filter(({ needed, stale, error }) => needed && (stale || error !== null))
        .sort((a, b) => (b.ageDays ?? Number.MAX_SAFE_INTEGER) - (a.ageDays ?? Number.MAX_SAFE_INTEGER)),
      feedText,
      {
        message: (count) => `${count} ${plural(count, 'feed')} not fresh`,
        next: 'selvage feed update',
      },
    ),
    ...counted('pending', coverage.pending, 'waiting to be accepted', "selvage host list --select 'state=pending'"),
    ...counted('unclear', coverage.unclear, 'cannot be told from another', 'selvage report coverage'),
    ...counted('missing', coverage.missing, 'on a list, and never seen here', 'selvage report coverage'),
    ...some('outside', facts.outside, ({ name }) => name, {
      message: (count) => `${count} ${plural(count, 'host')} changed outside Selvage since yesterday`,
      next: 'selvage host list --changed-outside 1d',
    }),
    ...some('imported-old', old, ({ name, ageDays }) => `${name} ${ageDays} d`, {
      message: (count) =>
        `${count} imported ${plural(count, 'machine')} not looked at for more than ${IMPORT_OLD_DAYS} d`,
      next: 'selvage host import FILE --name NAME',
    }),
  ];
}

/** Grouped by reason, the most frequent first; the rest in one line, so that none is left out. */
function unknownNeeds(unknown: NeedFacts['unknown']): readonly Need[] {
  const groups = [...Map.groupBy(unknown, ({ what, reason }) => `${what} ${reason}`)].sort(
    (a, b) => b[1].length - a[1].length || compareText(a[0], b[0]),
  );
  const named = groups
    .slice(0, MAX_REASONS)
    .map(([, hosts]) => unknownNeed(new Set(hosts.map(({ name }) => name)).size, hosts[0]?.reason ?? '', hosts));
  const rest = groups.slice(MAX_REASONS).flatMap(([, hosts]) => hosts);

  return rest.length === 0
    ? named
    : [
        ...named,
        unknownNeed(new Set(rest.map(({ name }) => name)).size, `${groups.length - MAX_REASONS} other reasons`, rest),
      ];
}

function unknownNeed(count: number, reason: string, hosts: NeedFacts['unknown']): Need {
  const about = hosts.some(({ what }) => what === 'packages') ? 'what is installed' : 'what is missing';

  return need(
    'unknown',
    count,
    `${count} ${plural(count, 'machine')}: not known ${about} (${reason})`,
    namesOf(hosts.map(({ name }) => name)),
    'selvage host list',
  );
}

function unwatchedNeeds(unwatched: NeedFacts['unwatched'], haveFeeds: boolean): readonly Need[] {
  if (!haveFeeds) return [];

  return [...Map.groupBy(unwatched, ({ release }) => release)].map(([release, hosts]) =>
    need(
      'unwatched',
      hosts.length,
      `${hosts.length} ${plural(hosts.length, 'machine')} of ${release}: no imported feed speaks of it, so nothing is known`,
      namesOf(hosts.map(({ name }) => name)),
      'selvage feed list',
    ),
  );
}

/** Immediate, and no update that a machine is offered helps. */
function noWayNeeds({ notOffered, urgentWithoutFix }: NeedFacts): readonly Need[] {
  const rows = notOffered.filter(({ decision }) => decision === 'immediate');

  return [
    ...some('no-way', rows, ({ source }) => source, {
      message: (count) =>
        `${count} ${plural(count, 'package')} with immediate findings: fixed by the maker, not offered here`,
      next: 'selvage todo --all',
    }),
    ...(urgentWithoutFix === 0
      ? []
      : [
          need(
            'no-way',
            urgentWithoutFix,
            `${urgentWithoutFix} immediate ${plural(urgentWithoutFix, 'finding')} that nobody has fixed: switch off, fence in or accept`,
            [],
            'selvage finding list --decision immediate --state no-fix',
          ),
        ]),
  ];
}

function some<T>(
  kind: NeedKind,
  all: readonly T[],
  text: (one: T) => string,
  words: { readonly message: (count: number) => string; readonly next: string },
): readonly Need[] {
  if (all.length === 0) return [];
  const texts = all.slice(0, MAX_NAMES).map(text);
  const more = all.length > MAX_NAMES ? ', …' : '';

  return [need(kind, all.length, `${words.message(all.length)}: ${texts.join(', ')}${more}`, texts, words.next)];
}

function counted(kind: NeedKind, count: number, what: string, next: string): readonly Need[] {
  return count === 0 ? [] : [need(kind, count, `${count} ${plural(count, 'machine')} ${what}`, [], next)];
}

function need(kind: NeedKind, count: number, message: string, names: readonly string[], next: string): Need {
  return { kind, count, message, some: names, next };
}

function namesOf(names: readonly string[]): readonly string[] {
  return [...new Set(names)].sort(compareText).slice(0, MAX_NAMES);
}

function feedText({ name, ageDays, error }: NeedFacts['feeds'][number]): string {
  const age = ageDays === null ? 'of unknown date' : `${ageDays} d old`;

  return `${name} ${age}${error === null ? '' : ` (${error})`}`;
}

function unsignedText({ number, titles, approvers, signatures }: NeedFacts['unsigned'][number]): string {
  const [title = 'nothing'] = titles;
  const more = titles.length > 1 ? ` and ${titles.length - 1} more` : '';
  const whose = approvers.length === 0 ? '' : `, for ${approvers.join(', ')}`;

  return `${number} (${title}${more}${signatures === null ? whose : `: ${signaturesText(signatures)}`})`;
}

function nextOf(unsigned: NeedFacts['unsigned']): string {
  const [first] = unsigned;
  if (unsigned.length !== 1 || !first) return 'selvage policy proposals';
  const over = first.signatures !== null && first.signatures.problem !== null;

  return `selvage policy ${over ? 'decline' : 'sign'} ${first.number}`;
}

function plural(count: number, noun: string): string {
  return count === 1 ? noun : `${noun}s`;
}

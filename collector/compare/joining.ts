// Another scanner's report held against what is known here, host by host and CVE by CVE. Pure. INVARIANTS: every line of the scanner is in
// exactly one group or on a host that is listed as not found; `answered` always carries evidence; what cannot be answered is open.
import type { Fleet, Machine } from '../findings/fleet.ts';
import type { Open } from '../findings/join.ts';
import { kindOf } from '../matching/ecosystem.ts';
import type { Evidence } from '../matching/match.ts';
import { judge } from '../matching/matching.ts';
import type { Software } from '../matching/software.ts';
import type { PackageRules } from '../store/feed-ports.ts';
import type { SoftwareId } from '../store/software-ports.ts';
import { evidenceText } from '../vex/words.ts';
import type { Reported, ReportedHost } from './format.ts';

/** One of our machines with the names and addresses it may be called by elsewhere, in small letters. */
export interface Called {
  readonly machine: Machine;
  readonly names: readonly string[];
  readonly addresses: readonly string[];
}

export interface Line {
  /** Key and name of the machine. */
  readonly machine: string;
  readonly name: string;
  readonly cve: string;
  /** As the scanner names it; our source package where it names none, or where the line is ours. */
  readonly package: string | null;
  readonly severity: string | null;
  /** Our answer in one sentence. */
  readonly answer: string;
  readonly evidence: readonly Evidence[];
  readonly software: Software | null;
  /** Of `agreed` and `ours only`: where the finding stands. */
  readonly state: Open['state'] | null;
  /** Of `answered`: the kind of answer. */
  readonly kind: AnswerKind | null;
}

export const ANSWER_KINDS = ['fixed', 'not affected', 'not installed', 'kernel not running', 'accepted'] as const;
export type AnswerKind = (typeof ANSWER_KINDS)[number];

export interface Comparison {
  readonly agreed: readonly Line[];
  readonly answered: readonly Line[];
  readonly open: readonly Line[];
  readonly oursOnly: readonly Line[];
  /** Hosts of the report that nobody here is called like, with how many lines each has. */
  readonly unknownHosts: readonly { readonly host: string; readonly findings: number; readonly why: string }[];
  readonly machines: readonly {
    readonly machine: string;
    readonly name: string;
    readonly host: string;
    readonly scannedAt: string | null;
  }[];
}

export interface JoinSources {
  readonly fleet: Fleet;
  /** Every finding of a machine, the suppressed ones among them. */
  readonly open: (machine: Machine) => readonly Open[];
  /** Rules that may speak of this software. */
  readonly rules: (software: Software) => readonly PackageRules[];
  /** Whether some feed has rules for a package of that name in an ecosystem, with that CVE. */
  readonly concerns: (ecosystem: string, name: string, cve: string) => readonly PackageRules[];
}

export interface Matched {
  readonly reported: ReportedHost;
  readonly machine: Machine;
}

/** What the report calls a host: its first name, or its first address. */
export function hostLabel({ names, addresses }: ReportedHost): string {
  return names[0] ?? addresses[0] ?? '(the report names no host)';
}

/**
 * Which machine a reported host is: by a name that one machine alone has, else by an address that one machine alone has. A short name
 * counts where no full one does.
 */
export function matchHosts(
  hosts: readonly ReportedHost[],
  machines: readonly Called[],
): { readonly matched: readonly Matched[]; readonly unknown: Comparison['unknownHosts'] } {
  const byName = new Map<string, Set<Called>>();
  const byAddress = new Map<string, Set<Called>>();
  const put = (map: Map<string, Set<Called>>, key: string, called: Called) =>
    map.set(key, (map.get(key) ?? new Set()).add(called));
  for (const called of machines) {
    for (const name of called.names) put(byName, name, called);
    for (const address of called.addresses) if (!isEverywhere(address)) put(byAddress, address, called);
  }
  const matched: Matched[] = [];
  const unknown: { host: string; findings: number; why: string }[] = [];
  for (const reported of hosts) {
    const named = (name: string) =>
      [...(byName.get(name) ?? [])].filter(({ names }) => !isElsewhere(reported.names, names));
    const asked = [
      reported.names.flatMap(named),
      reported.names.map(firstLabel).flatMap(named),
      reported.addresses.flatMap((address) => [...(byAddress.get(address) ?? [])]),
    ];
    const found = asked.map((all) => new Set(all.map(({ machine }) => machine))).find((set) => set.size > 0);
    const [machine] = found ?? [];
    if (found?.size === 1 && machine !== undefined) matched.push({ reported, machine });
    else {
      const names = [...(found ?? [])].map(({ name }) => name);
      const why =
        names.length > 1
          ? `${names.length} machines are called so: ${names.slice(0, 3).join(', ')}`
          : 'no machine is called so';
      unknown.push({ host: hostLabel(reported), findings: reported.findings.length, why });
    }
  }

  return { matched, unknown };
}

const firstLabel = (name: string) => name.split('.', 1)[0] ?? name;

/** True when both have full names that begin alike and none that fits: `web01` of another domain is another machine. */
function isElsewhere(one: readonly string[], other: readonly string[]): boolean {
  const pairs = one
    .filter((name) => name.includes('.'))
    .flatMap((name) =>
      other
        .filter((each) => each.includes('.') && firstLabel(each) === firstLabel(name))
        .map((each) => [`${name}.`, `${each}.`] as const),
    );

  return pairs.length > 0 && !pairs.some(([a, b]) => a.startsWith(b) || b.startsWith(a));
}

/** Addresses that every machine has tell none apart. */
function isEverywhere(address: string): boolean {
  return (
    address.startsWith('127.') ||
    address === '::1' ||
    address.startsWith('fe80:') ||
    address === '0.0.0.0' ||
    address === '::'
  );
}

/** One host a step. */
export function* joinSteps(
  matched: readonly Matched[],
  unknownHosts: Comparison['unknownHosts'],
  sources: JoinSources,
): Generator<void, Comparison> {
  const groups = { agreed: [] as Line[], answered: [] as Line[], open: [] as Line[], oursOnly: [] as Line[] };
  const byMachine = Map.groupBy(matched, ({ machine }) => machine);
  for (const [machine, all] of byMachine) {
    const open = Map.groupBy(sources.open(machine), ({ cve }) => cve);
    const findings = new Map(
      all.flatMap(({ reported }) =>
        reported.findings.map((each) => [`${each.cve} ${each.package ?? ''}`, each] as const),
      ),
    );
    const reported = new Set<Open>();
    for (const each of findings.values()) {
      const { group, line, about } = place(machine, each, open.get(each.cve) ?? [], sources);
      groups[group].push(line);
      for (const one of about) reported.add(one);
    }
    for (const each of [...open.values()].flat()) {
      if (counts(each) && !reported.has(each)) groups.oursOnly.push(ourLine(machine, each));
    }
    yield;
  }

  return {
    ...groups,
    unknownHosts,
    machines: matched.map(({ machine, reported }) => ({
      ...{ machine: machine.key, name: machine.name, host: hostLabel(reported), scannedAt: reported.scannedAt },
    })),
  };
}

type Placed = { readonly group: 'agreed' | 'answered' | 'open'; readonly line: Line };

/** `about`: the findings of ours that the scanner speaks of. */
function place(
  machine: Machine,
  reported: Reported,
  open: readonly Open[],
  sources: JoinSources,
): Placed & { readonly about: readonly Open[] } {
  const line = (more: Partial<Line> & { readonly answer: string }): Line => ({
    ...{
      machine: machine.key,
      name: machine.name,
      cve: reported.cve,
      package: reported.package,
      severity: reported.severity,
    },
    ...{ evidence: [], software: null, state: null, kind: null },
    ...more,
  });
  if (machine.unknown !== null) {
    return {
      ...{ group: 'open', about: open },
      line: line({ answer: `the packages of ${machine.name} are not known: ${machine.unknown}` }),
    };
  }
  const isMeant = meaning(reported, sources.fleet);
  const own = open.filter((each) => isMeant(each.software, each.id));
  const answer = own.length > 0 ? null : judged(machine, reported, line, sources);
  // What another package is open to is no agreement about the one that is named, of which a feed has an answer.
  if (answer?.line.kind === 'fixed' || answer?.line.kind === 'not affected') return { ...answer, about: [] };
  // A scanner that names another package than ours may mean a part of it: the CVE decides then.
  const candidates = own.length > 0 ? own : open;
  const counting = candidates.find(counts);
  if (counting) {
    const { software, match, state } = counting;

    return {
      ...{ group: 'agreed', about: candidates },
      line: line({
        ...{ answer: sentenceOf(counting), evidence: match.evidence, software, state },
        package: reported.package ?? software.source,
      }),
    };
  }
  const [first] = candidates;
  if (first) {
    const kind: AnswerKind =
      first.state === 'accepted' ? 'accepted' : first.state === 'not-running' ? 'kernel not running' : 'not affected';
    const { software, match, state, note } = first;

    return {
      ...{ group: 'answered', about: candidates },
      line: line({ answer: `${kind}: ${note ?? state}`, evidence: match.evidence, software, kind }),
    };
  }

  return { ...(answer ?? judged(machine, reported, line, sources)), about: [] };
}

/** No finding of ours: who says why, and on what evidence. */
function judged(
  machine: Machine,
  reported: Reported,
  line: (more: Partial<Line> & { readonly answer: string }) => Line,
  { fleet, rules, concerns }: JoinSources,
): Placed {
  const isMeant = meaning(reported, fleet);
  const software = machine.software.map(({ id }) => fleet.software(id));
  // What another package has fixed is no answer for the one that is named.
  const asked = machine.software.flatMap(({ id }) => {
    const each = fleet.software(id);

    return isMeant(each, id) ? [each] : [];
  });
  const verdicts = asked.flatMap((each) => {
    const { says, evidence } = judge(each, reported.cve, rules(each));

    return evidence.length === 0 ? [] : [{ software: each, says, evidence }];
  });
  for (const wanted of ['fixed', 'not-affected'] as const) {
    const verdict = verdicts.find(({ says }) => says === wanted);
    if (verdict === undefined) continue;
    const kind = wanted === 'fixed' ? 'fixed' : 'not affected';
    const { software: own, evidence } = verdict;

    return { group: 'answered', line: line({ answer: answerOf(kind, own, evidence), kind, software: own, evidence }) };
  }
  if (reported.package !== null && asked.length === 0) {
    const ecosystem = software.find(({ ecosystem: own }) => kindOf(own) !== 'language')?.ecosystem;
    const known = ecosystem === undefined ? [] : concerns(ecosystem, reported.package, reported.cve);
    const [source] = known;
    if (source !== undefined) {
      const of = source.asOf === null ? '' : ` of ${source.asOf}`;
      const answer = `not installed: ${source.feed}${of} has ${reported.cve} in ${reported.package}, which ${machine.name} has not`;

      return { group: 'answered', line: line({ answer, kind: 'not installed' }) };
    }
    const what = `no feed has ${reported.cve} in ${reported.package}`;

    return { group: 'open', line: line({ answer: `${what}, and ${machine.name} has no package of that name` }) };
  }

  return {
    group: 'open',
    line: line({
      answer: `no feed says anything of ${reported.cve} in ${reported.package ?? 'what is installed here'}`,
    }),
  };
}

/** `fixed by backport in 1:9.2p1-2+deb12u1, installed 1:9.2p1-2+deb12u10, debian-tracker, 2026-11-24T02:10:00Z`. */
function answerOf(kind: 'fixed' | 'not affected', software: Software, evidence: readonly Evidence[]): string {
  const [first] = evidence;
  const source = first === undefined ? '' : [first.feed, first.feedAsOf].filter((each) => each !== null).join(', ');
  if (kind === 'not affected') {
    return `not affected: ${software.source} ${software.version}, ${first?.rule ?? ''}, ${source}`;
  }
  const system = kindOf(software.ecosystem);
  const by = system === null || system === 'language' ? 'fixed' : 'fixed by backport';

  return `${by} in ${first?.fixed ?? 'an earlier version'}, installed ${software.version}, ${source}`;
}

function ourLine({ key, name }: Machine, open: Open): Line {
  const { cve, software, match, state } = open;

  return {
    ...{ machine: key, name, cve, package: software.source, severity: null, kind: null },
    ...{ answer: sentenceOf(open), evidence: match.evidence, software, state },
  };
}

function sentenceOf({ software, match, state, note }: Open): string {
  if (state === 'still-running') return `fixed on disk, still running: ${note ?? ''}`;
  const fix = match.fixed === null ? `no fix (${match.status})` : `fixed in ${match.fixed}`;
  const [first] = match.evidence;

  return `${software.source} ${software.version}, ${fix}, ${first === undefined ? '' : evidenceText([first])}`;
}

/** What is to be done about, or waited for; the rest has an answer. */
function counts({ state }: Open): boolean {
  return state === 'fixable' || state === 'no-fix' || state === 'still-running';
}

/** Whether software is what the scanner names: as its source, as itself, or as a binary package of it. */
function meaning({ package: name }: Reported, fleet: Fleet): (software: Software, id: SoftwareId) => boolean {
  if (name === null) return () => true;
  const plain = name.toLowerCase();
  const having = new Set(fleet.withBinary(name));

  return ({ source, name: own }, id) => plain === source.toLowerCase() || plain === own.toLowerCase() || having.has(id);
}

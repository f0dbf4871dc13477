// Is it here? Every package of one machine that some source connects with one CVE, also where the answer is a good one. Reads the rules
// of all its packages; judges nothing itself.
import type { z } from 'zod';
import type { Fleet, Machine } from '../../findings/fleet.ts';
import type { Open } from '../../findings/join.ts';
import { type CoverageSettings, coverageOf } from '../../matching/coverage.ts';
import type { Coverage, Evidence } from '../../matching/match.ts';
import { judge, packagesOf } from '../../matching/matching.ts';
import type { Software } from '../../matching/software.ts';
import type { FeedReader, PackageName, PackageRules } from '../../store/feed-ports.ts';
import type { explanation } from '../contract/findings.ts';
import { inTurns } from '../in-turns.ts';

type Answer = z.input<typeof explanation>;
export type Here = Answer['here'][number];

/** Packages whose rules are read at once: a kernel has thousands of rules. */
const PORTION = 100;

/** What a page about one machine needs of the rules: those of its packages, by package. */
export interface MachineRules {
  of(software: Software): readonly PackageRules[];
}

export async function readRules(feeds: Pick<FeedReader, 'rules'>, all: readonly Software[]): Promise<MachineRules> {
  const wanted = new Map<string, PackageName>();
  for (const software of all) for (const name of packagesOf(software)) wanted.set(keyOf(name), name);
  const names = [...wanted.values()];
  const found = new Map<string, PackageRules[]>();
  for (let at = 0; at < names.length; at += PORTION) {
    for (const rules of await feeds.rules(names.slice(at, at + PORTION))) {
      const key = keyOf(rules);
      found.set(key, [...(found.get(key) ?? []), rules]);
    }
  }

  return { of: (software) => packagesOf(software).flatMap((name) => found.get(keyOf(name)) ?? []) };
}

/** Findings first, the worst word after them last; nothing of what no source connects with the CVE. */
export async function hereOf(facts: {
  readonly fleet: Fleet;
  readonly machine: Machine;
  readonly cve: string;
  readonly findings: readonly Open[];
  readonly rules: MachineRules;
  readonly ecosystems: ReadonlyMap<string, readonly string[]>;
  readonly coverage: CoverageSettings;
}): Promise<readonly Here[]> {
  const { fleet, machine, cve, findings, rules, ecosystems, coverage } = facts;
  const found = new Map<number, Here>();
  for (const open of findings) {
    const { software, match } = open;
    found.set(open.id, {
      package: { ...software },
      says: match.evidence[0]?.says ?? 'affected',
      ...{ state: open.state, status: match.status, firstSeen: open.firstSeen, note: open.note },
      ...{ fixed: match.fixed, pocket: match.pocket, disagreement: match.disagreement },
      evidence: match.evidence.map(shownEvidence),
      coverage: coverageText(coverageOf(software, ecosystems, coverage)),
    });
  }

  await inTurns(
    (function* () {
      for (const { id } of machine.software) {
        yield;
        if (found.has(id)) continue;
        const software = fleet.software(id);
        const { says, evidence, disagreement } = judge(software, cve, rules.of(software));
        const [first] = evidence;
        if (first === undefined) continue;
        found.set(id, {
          package: { ...software },
          says,
          ...{
            state: null,
            status: first.status,
            firstSeen: null,
            note: null,
            fixed: first.fixed,
            pocket: first.pocket,
          },
          ...{ disagreement, evidence: evidence.map(shownEvidence) },
          coverage: coverageText(coverageOf(software, ecosystems, coverage)),
        });
      }
    })(),
  );

  return [...found.values()];
}

/** How many packages nobody watches, of how many. */
export interface Unwatched {
  readonly count: number;
  readonly of: number;
  /** Of the first one. */
  readonly reason: string | null;
}

export function unwatchedOf(
  all: readonly Software[],
  ecosystems: ReadonlyMap<string, readonly string[]>,
  settings?: CoverageSettings,
): Unwatched {
  const unknown = all.flatMap((software) => {
    const coverage = coverageOf(software, ecosystems, settings);

    return coverage.by === 'unknown' ? [coverage.reason] : [];
  });

  return { count: unknown.length, of: all.length, reason: unknown[0] ?? null };
}

/** For a machine on which it is a finding: also one that nobody can rule out is open, but it is not said to be there. */
export function whyHere(here: readonly Here[]): { readonly here: 'yes' | 'unknown'; readonly reason: string | null } {
  const open = here.filter(({ state }) => state !== null);
  const [first] = open;
  const isSaid = open.some(
    ({ says, evidence }) => says !== 'unknown' || evidence.some((one) => one.says === 'affected'),
  );
  if (first === undefined || isSaid) return { here: 'yes', reason: null };

  return { here: 'unknown', reason: `nobody can say whether ${nameOf(first)} has it, so that it counts` };
}

/** In one sentence, for a machine on which it is no finding. What nobody watches is never said to be clean. */
export function whyNot(
  here: readonly Here[],
  machine: Machine,
  cve: string,
  { unwatched, unheard }: { readonly unwatched: Unwatched; readonly unheard: string | null },
): { readonly here: 'no' | 'unknown'; readonly reason: string } {
  if (machine.unknown !== null) return { here: 'unknown', reason: machine.unknown };
  const uncertain = here.find(({ says }) => says === 'unknown');
  if (uncertain) {
    const [first] = uncertain.evidence;

    return { here: 'unknown', reason: `${nameOf(uncertain)} cannot be compared: ${first?.rule ?? 'nobody knows yet'}` };
  }
  if (unwatched.count === unwatched.of) {
    return { here: 'unknown', reason: unwatched.reason ?? 'it has no packages that a feed could speak of' };
  }
  // That nothing is said is an answer only of who had heard of it.
  if (unheard !== null && here.length === 0) return { here: 'unknown', reason: unheard };
  const rest = unwatched.count === 0 ? '' : `; ${unwatched.count} of ${unwatched.of} packages are watched by nobody`;

  return { here: 'no', reason: `${goodAnswer(here, cve)}${rest}` };
}

function goodAnswer(here: readonly Here[], cve: string): string {
  const fixed = here.filter(({ says }) => says === 'fixed');
  const not = here.filter(({ says }) => says === 'not-affected');
  const texts = [
    ...fixed.map((one) => `${nameOf(one)} has the fix${one.fixed === null ? '' : `, which came in ${one.fixed}`}`),
    ...not.map((one) => `${nameOf(one)} is not affected, says ${one.evidence[0]?.feed}`),
  ];

  return texts.length > 0 ? texts.join('; ') : `no source connects ${cve} with any package that is installed here`;
}

export function coverageText(coverage: Coverage): string {
  switch (coverage.by) {
    case 'feed':
      return `covered by feed ${coverage.feeds.join(', ')}`;
    case 'rule':
      return `covered by rule: every update of ${coverage.repository} counts as security`;
    case 'unknown':
      return `unknown: ${coverage.reason}`;
  }
}

function nameOf({ package: { name, version } }: Here): string {
  return `${name} ${version}`;
}

function shownEvidence({ range: _range, published: _published, ...evidence }: Evidence): Here['evidence'][number] {
  return evidence;
}

function keyOf({ ecosystem, package: name }: PackageName): string {
  return `${ecosystem}\n${name}`;
}

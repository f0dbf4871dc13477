// What fixes it: the update that the machine's own package manager offers, what comes with it, and what the new version is itself open
// to. Nothing is approved or promised here.
import type { Section } from '@selvage/shared/model/inventory.ts';
import { compareVersions } from '@selvage/shared/versions/list.ts';
import type { z } from 'zod';
import type { Machine, Offer } from '../../findings/fleet.ts';
import type { Open } from '../../findings/join.ts';
import { matchSoftware } from '../../matching/matching.ts';
import type { Software } from '../../matching/software.ts';
import type { CveFacts } from '../../triage/cve-facts.ts';
import { DECISIONS, type DecisionWord } from '../../triage/decision.ts';
import type { Triage } from '../../triage/triage.ts';
import type { explanation } from '../contract/findings.ts';
import type { MachineRules } from './here.ts';

export type Remedy = z.input<typeof explanation>['remedies'][number];

interface Known {
  readonly machine: Machine;
  readonly updates: Section<'updates'> | null;
  readonly rules: MachineRules;
  readonly triage: Triage;
  /** Of CVEs that no machine of the fleet may have yet. */
  readonly factsOf: (cves: readonly string[]) => Promise<ReadonlyMap<string, CveFacts>>;
}

/** One for each source package that has the CVE. */
export async function remediesOf(findings: readonly Open[], known: Known): Promise<readonly Remedy[]> {
  const bySource = Map.groupBy(findings, ({ software }) => software.source);

  return Promise.all([...bySource].map(([source, all]) => remedyOf(source, all, known)));
}

async function remedyOf(source: string, findings: readonly Open[], known: Known): Promise<Remedy> {
  const { machine } = known;
  const [worst] = findings;
  const software = worst?.software;
  const offer = machine.offers?.find((one) => one.source === source) ?? null;
  const base = { source, from: software?.version ?? '', provider: offer?.provider ?? null };
  if (software === undefined || worst === undefined || offer === null || worst.state === 'still-running') {
    return {
      ...{ ...base, to: null, security: false, held: false, closes: false, packages: [], openTo: null },
      note: worst === undefined ? null : whyNoOffer(worst, machine),
    };
  }
  const after = await openAfter({ ...software, version: offer.version }, findings, known);
  const { closes, openTo } = after;

  return {
    ...{ ...base, to: offer.version, security: offer.security, held: offer.held, closes },
    packages: packagesOf(offer, known.updates),
    openTo,
    note: noteOf(offer, worst, closes),
  };
}

/** Whether the version closes all of them, and what it is open to, by decision on this machine. */
async function openAfter(
  software: Software,
  findings: readonly Open[],
  { machine, rules, triage, factsOf }: Known,
): Promise<{ readonly closes: boolean; readonly openTo: Remedy['openTo'] }> {
  const matches = matchSoftware(software, rules.of(software));
  const facts = await factsOf(matches.map(({ cve }) => cve));
  const around = triage.circumstances(machine).of(software);
  const byDecision = Object.fromEntries(DECISIONS.map((word) => [word, 0])) as Record<DecisionWord, number>;
  for (const { cve } of matches) byDecision[triage.verdict(facts.get(cve) ?? triage.facts(cve), around).decision] += 1;
  const still = new Set(matches.map(({ cve }) => cve));

  return { closes: findings.every(({ cve }) => !still.has(cve)), openTo: { total: matches.length, byDecision } };
}

function packagesOf(offer: Offer, updates: Section<'updates'> | null): Remedy['packages'] {
  if (updates === null || !updates.known) return [];

  return updates.pending
    .filter((one) => one.provider === offer.provider && one.source === offer.source)
    .map(({ name, arch, installed, candidate }) => ({ name, arch, from: installed, to: candidate }));
}

function noteOf({ version, held }: Offer, { software, match }: Open, closes: boolean): string | null {
  if (held) return 'the host holds it back';
  if (closes) return null;
  const order = match.fixed === null ? null : compareVersions(software.ecosystem, version, match.fixed);

  return order !== null && order < 0
    ? `the host is offered ${version} only, the fix is in ${match.fixed}: its lists may be old, or lack a repository`
    : `${version} does not close it`;
}

function whyNoOffer({ state, match, note, software }: Open, machine: Machine): string {
  if (state === 'still-running') return note ?? 'the fix is on disk, the old code runs';
  if (match.fixed === null && match.status === 'undetermined')
    return 'whether a fix exists is not known (undetermined)';
  if (match.fixed === null) return `no fix exists (${match.status})`;
  const pocket = match.pocket === null ? '' : `, served by ${match.pocket} only`;
  if (machine.offers === null) return `fixed in ${match.fixed}${pocket}; what this machine is offered is not known`;
  if (software.kernel === 'running')
    return `fixed in ${match.fixed}${pocket}; a new kernel comes as another package, by the update of its meta package`;

  return `fixed in ${match.fixed}${pocket}; the host is offered nothing of ${software.source}: its lists may be old, or lack a repository`;
}

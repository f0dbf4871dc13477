// One package of an OSV record as a rule. Pure. Ranges of git commits say nothing about packages and are left out.
import { kindOf, normaliseEcosystem, normaliseName } from '../../matching/ecosystem.ts';
import { streamsInTitle } from '../../matching/modules.ts';
import { DISTRO_STATUSES, type DistroStatus, type Rule, type VersionRange } from '../../matching/rule.ts';
import { timeOf } from '../decode/words.ts';
import { cvesOf } from './cves.ts';
import { rangesOf, withLastKnown } from './ranges.ts';
import type { OsvAffected, OsvRecord } from './record.ts';

/** Where the fix of a paid service is served: `esm-infra/xenial`, `esm-infra-legacy/trusty`, `fips-updates/jammy`; before: `trusty/esm`. */
const SERVICE = /[?&]distro=(?:[a-z]+\/(esm)|([a-z-]+)\/[a-z]+)(?:&|$)/;

/** Characters of a title that are looked into for streams of modules. */
const MAX_TITLE = 300;

/** Null where it is about nothing that can be matched: no package, no release that we know, or neither ranges nor versions. */
export function ruleOf(record: OsvRecord, affected: OsvAffected): Rule | null {
  const { ecosystem: written, name } = affected.package ?? {};
  const normal = written === undefined ? null : normaliseEcosystem(written);
  if (name === undefined || name === '' || normal === null) return null;
  const { ecosystem } = normal;
  const kind = kindOf(ecosystem);
  const ranges = (affected.ranges ?? [])
    .filter(({ type }) => type !== 'GIT')
    .flatMap(({ events }) => rangesOf(events, ecosystem))
    .map((range) => withLastKnown(range, affected));
  // Of a distribution the list holds what the ranges say, version by version, and is most of the record.
  const versions = kind === 'language' || ranges.length === 0 ? (affected.versions ?? []) : [];
  if (ranges.length === 0 && versions.length === 0) return null;
  const urgency = affected.ecosystem_specific?.urgency ?? ubuntuPriority(record, affected);
  const pocket = normal.pocket === null ? specialInterest(affected) : pocketOf(affected, normal.pocket);
  const published = timeOf(record.published);
  const module = kind === 'rpm' ? streamsInTitle((record.summary ?? '').slice(0, MAX_TITLE)) : null;
  const withdrawn = record.withdrawn ? (timeOf(record.withdrawn) ?? timeOf(record.modified)) : null;

  return {
    ecosystem,
    package: normaliseName(ecosystem, name),
    record: record.id,
    cves: cvesOf(record, affected),
    status: statedStatus(affected) ?? statusOf(ranges, urgency),
    ranges,
    ...(versions.length === 0 ? {} : { versions }),
    // Rocky writes of source packages, the others of rpms as binary ones.
    ...(kind === 'rpm' && !ecosystem.startsWith('Rocky:') ? { names: 'binary' as const } : {}),
    ...(module === null ? {} : { module }),
    ...(pocket === null ? {} : { pocket }),
    ...(urgency === null || urgency === '' ? {} : { urgency }),
    ...(published === null ? {} : { published }),
    ...(withdrawn === null ? {} : { withdrawn }),
  };
}

/** What OSV has no word of its own for, where a database says it in ours: deferred, ignored, not looked at yet. */
function statedStatus({ database_specific: specific }: OsvAffected): DistroStatus | null {
  return DISTRO_STATUSES.find((status) => status === specific?.status) ?? null;
}

function statusOf(ranges: readonly VersionRange[], urgency: string | null): DistroStatus {
  if (urgency === 'end-of-life') return 'end-of-life';

  return ranges.some(({ fixed }) => fixed !== null) ? 'fixed' : 'open';
}

/** Ubuntu's own word stands among the scores. */
function ubuntuPriority(record: OsvRecord, affected: OsvAffected): string | null {
  const all = [...(affected.severity ?? []), ...(record.severity ?? [])];

  return all.find(({ type }) => type === 'Ubuntu')?.score ?? null;
}

/** Rocky's special interest groups build kernels of their own, with versions of their own: `rocky-linux-8-sig-cloud`. */
function specialInterest({ package: named }: OsvAffected): string | null {
  return /[?&]distro=rocky-linux-\d+-(sig-[a-z0-9-]{1,40})(?:&|$)/.exec(named?.purl ?? '')?.[1] ?? null;
}

function pocketOf({ package: named, ecosystem_specific: specific }: OsvAffected, otherwise: string): string {
  if (otherwise !== 'esm') return otherwise;
  const [, old, service] = SERVICE.exec(named?.purl ?? '') ?? [];
  if (service?.startsWith('esm-infra')) return 'esm-infra';
  if (service !== undefined) return service;
  // `trusty/esm`: from before there were two; that was the one for the base system.
  if (old !== undefined || /Infra-only/i.test(specific?.availability ?? '')) return 'esm-infra';

  return otherwise;
}

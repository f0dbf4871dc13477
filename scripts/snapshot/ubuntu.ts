// Turns one entry of the Ubuntu CVE tracker (as JSON) into an OSV record of the shape that Ubuntu itself publishes. What OSV has no word
// for, such as deferred or ignored, stands in `database_specific.status` in the words that rules have here.
import type { OsvAffected, OsvRecord } from './osv.ts';

interface TrackerStatus {
  readonly name: string;
  readonly status: string;
  readonly note?: string;
}

export interface TrackerEntry {
  readonly candidate: string;
  readonly priority: string;
  readonly public_date: string;
  readonly cvss?: Readonly<Record<string, string>>;
  /** Release, or pocket/release → package → status. */
  readonly packages: Readonly<Record<string, Readonly<Record<string, TrackerStatus>>>>;
}

/** Codename → how OSV writes the release. */
const RELEASES: Readonly<Record<string, string>> = { jammy: '22.04:LTS', noble: '24.04:LTS' };
/** Pockets of Ubuntu Pro that continue a release. */
const POCKETS: readonly string[] = ['esm-infra', 'esm-apps'];

/** Status of the tracker → status of a rule; what is not here is no rule (DNE, not-affected). `needed` is plainly open. */
const STATUSES: Readonly<Record<string, string | null>> = {
  released: null,
  needed: null,
  pending: null,
  'needs-triage': 'undetermined',
  deferred: 'postponed',
  ignored: 'ignored',
};
/** Why it is ignored, when nobody looks at the package any more. */
const END_OF_LIFE = /^(?:end of (?:kernel support|life|standard support)|superseded by|replaced by|EOL)/i;

/** Null when no release that counts here has it. */
export function ubuntuOsv(entry: TrackerEntry, asOf: string): OsvRecord | null {
  const affected = Object.entries(RELEASES).flatMap(([codename, release]) => [
    ...statusesIn(entry, codename).flatMap((status) => affectedOf(status, `Ubuntu:${release}`, null)),
    ...POCKETS.flatMap((pocket) =>
      statusesIn(entry, `${pocket}/${codename}`)
        .filter((status) => addsToRelease(status, entry.packages[codename]?.[status.name]))
        .flatMap((status) => affectedOf(status, `Ubuntu:Pro:${release}`, `${pocket}/${codename}`)),
    ),
  ]);
  if (affected.length === 0) return null;

  return {
    id: `UBUNTU-${entry.candidate}`,
    modified: asOf,
    published: published(entry.public_date),
    upstream: [entry.candidate],
    severity: [...scores(entry), { type: 'Ubuntu', score: entry.priority }],
    affected,
  };
}

function statusesIn(entry: TrackerEntry, key: string): readonly TrackerStatus[] {
  return Object.values(entry.packages[key] ?? {});
}

/** A pocket repeats what its release says, except where it alone has a fix, or where the release says nothing. */
function addsToRelease(status: TrackerStatus, ofRelease: TrackerStatus | undefined): boolean {
  return status.status === 'released' ? ofRelease?.status !== 'released' : ofRelease === undefined;
}

function affectedOf(status: TrackerStatus, ecosystem: string, pocket: string | null): readonly OsvAffected[] {
  const word = STATUSES[status.status];
  // A release without the version of its fix cannot be held against anything.
  const fixed = status.status === 'released' ? status.note?.trim() : undefined;
  if (word === undefined || (status.status === 'released' && !fixed)) return [];
  const purl = pocket === null ? {} : { purl: `pkg:deb/ubuntu/${status.name}?arch=source&distro=${pocket}` };
  const said = word === 'ignored' && END_OF_LIFE.test(status.note ?? '') ? 'end-of-life' : word;

  return [
    {
      package: { ecosystem, name: status.name, ...purl },
      ranges: [{ type: 'ECOSYSTEM', events: [{ introduced: '0' }, ...(fixed ? [{ fixed }] : [])] }],
      ...(said === null ? {} : { database_specific: { status: said } }),
    },
  ];
}

/** ` CVSS:3.1/AV:N/… [7.5 HIGH]` → the vector. */
function scores(entry: TrackerEntry): { type: string; score: string }[] {
  const vectors = Object.values(entry.cvss ?? {}).flatMap((text) => /CVSS:(\d)[.\d]*\/\S+/.exec(text) ?? []);

  return vectors.filter((vector) => vector.startsWith('CVSS:')).map((score) => ({ type: `CVSS_V${score[5]}`, score }));
}

/** `2019-10-23 18:15:00 UTC` → RFC 3339. */
function published(text: string): string {
  return `${text.slice(0, 10)}T${text.slice(11, 19) || '00:00:00'}Z`;
}

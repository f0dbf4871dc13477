// A fleet from plain data, the real index behind it. For tests only.
import type { HostId, Timestamp } from '@selvage/shared/model/ids.ts';
import type { Match } from '../../matching/match.ts';
import { type Software, softwareKey } from '../../matching/software.ts';
import type { Binary, SoftwareId, VariantId } from '../../store/software-ports.ts';
import { type MachineFacts, type MachineRecord, NO_FACTS } from '../facts.ts';
import { FleetIndex } from '../index.ts';
import { packList } from '../packing.ts';

const SAMPLE_AT = '2026-03-01T12:00:00Z' as Timestamp;

export type SampleSoftware = Partial<Software> & Pick<Software, 'name' | 'version'>;

export interface SampleMachine extends Partial<MachineFacts>, Partial<Omit<MachineRecord, 'key' | 'name'>> {
  readonly name: string;
  /** `host:` is put before a UUID made of the place in the list; `import: true` makes it a machine known from a file. */
  readonly import?: boolean;
  readonly software?: readonly (SampleSoftware & {
    readonly since?: string;
    /** Binary packages with their versions; one of its name and version when left out. */
    readonly binaries?: readonly Binary[];
  })[];
  readonly episodes?: readonly (SampleSoftware & { readonly since: string; readonly until: string })[];
}

export interface SampleMatches extends SampleSoftware {
  /** A CVE alone is one that is fixable by `fixed`, or open without it. */
  readonly matches: readonly (Partial<Match> & Pick<Match, 'cve'>)[];
}

export interface Sample {
  readonly machines: readonly SampleMachine[];
  readonly matches?: readonly SampleMatches[];
  /** `ecosystem package` (`Debian:12 openssl`) → CVE → since. */
  readonly since?: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

/** Of Debian 12 where nothing else is said, its source named as itself. */
export function sampleSoftware(given: SampleSoftware): Software {
  return {
    ecosystem: given.ecosystem ?? 'Debian:12',
    name: given.name,
    version: given.version,
    source: given.source ?? given.name,
    module: given.module ?? null,
    kernel: given.kernel ?? null,
    origin: given.origin ?? null,
  };
}

export function sampleMatch(given: Partial<Match> & Pick<Match, 'cve'>): Match {
  const fixed = given.fixed ?? null;

  return {
    records: [given.cve],
    state: fixed === null ? 'open' : 'fixable',
    status: fixed === null ? 'open' : 'fixed',
    ...{ pocket: null, urgency: null, evidence: [], disagreement: null },
    ...given,
    fixed,
  };
}

export function sampleFleet({ machines, matches = [], since = {} }: Sample): FleetIndex {
  const fleet = new FleetIndex();
  const ids = new Map<string, SoftwareId>();
  const variants = new Map<string, VariantId>();
  const intern = (given: SampleSoftware): SoftwareId => {
    const software = sampleSoftware(given);
    const key = softwareKey(software);
    const id = ids.get(key) ?? ids.size + 1;
    ids.set(key, id);
    fleet.putSoftware([{ id, software }]);

    return id;
  };
  const variantOf = (given: SampleSoftware & { readonly binaries?: readonly Binary[] }): VariantId => {
    const software = intern(given);
    const binaries = given.binaries ?? [[given.name, given.version]];
    const key = JSON.stringify([software, binaries]);
    const id = variants.get(key) ?? variants.size + 1;
    variants.set(key, id);
    fleet.putVariants([{ id, software, binaries }]);

    return id;
  };

  for (const { matches: found, ...given } of matches) fleet.putMatches(intern(given), found.map(sampleMatch));
  for (const [key, cves] of Object.entries(since)) {
    const at = key.indexOf(' ');
    fleet.putSince(key.slice(0, at), key.slice(at + 1), cves as Readonly<Record<string, Timestamp>>);
  }
  for (const [index, machine] of machines.entries()) {
    const {
      name,
      import: imported = false,
      software = [],
      episodes = [],
      id,
      firstReportedAt,
      labels,
      ...facts
    } = machine;
    const host = id ?? (`00000000-0000-4000-8000-${String(index + 1).padStart(12, '0')}` as HostId);
    const list = packList({
      present: software.map((one) => ({ variant: variantOf(one), since: ms(one.since ?? SAMPLE_AT) })),
      past: episodes.map((one) => ({ variant: variantOf(one), since: ms(one.since), until: ms(one.until) })),
    });
    fleet.putMachine(
      {
        key: imported ? `import:${name}` : `host:${host}`,
        id: imported ? null : host,
        ...{ name, firstReportedAt: firstReportedAt ?? SAMPLE_AT, labels: labels ?? {} },
      },
      { ...NO_FACTS, takenAt: SAMPLE_AT, os: { id: 'debian', version: '12' }, ...facts },
      list,
    );
  }
  for (const id of fleet.allIds()) if (!fleet.isMatched(id)) fleet.putMatches(id, []);
  fleet.complete = true;

  return fleet;
}

function ms(instant: string): number {
  return Temporal.Instant.from(instant).epochMilliseconds;
}

// The mirror as sources of a real apt: `copy:` addresses of the runner's own copy of it, for the same repositories, components
// and keyrings as the host's own sources, into lists that only root writes. apt verifies every signature, hash and date itself; what it refuses,
// and what is older than was accepted before, is refused as a whole. `file:` is never used: apt would read in place.
import { join } from 'node:path';
import { asCoded, CodedError } from '@selvage/shared/errors/coded-error.ts';
import { sha256 } from '@selvage/shared/files/canonical.ts';
import { readBounded, writeDurable } from '@selvage/shared/files/durable.ts';
import { type ListedRepository, listRepositories } from '@selvage/shared/packages/apt-repositories.ts';
import { renderSources, type SourceEntry } from '@selvage/shared/packages/apt-sources.ts';
import * as z from 'zod';
import type { AptSystem } from './apt-system.ts';
import { mirrorKey, suiteFolder } from './mirror.ts';
import { forgetTaken, mirrorFolders, takeIndexes } from './mirror-intake.ts';
import { parseRelease } from './release.ts';
import { readSources } from './source-files.ts';
import { refuseFull } from './space.ts';

export interface MirrorFolders {
  readonly root: string;
  /** The fetcher's folder: one folder per repository. */
  readonly packages: string;
  /** The newest date accepted per repository. */
  readonly dates: string;
}

export interface LoadedRepository {
  readonly id: string;
  readonly date: string;
}

interface Known {
  readonly repository: ListedRepository;
  readonly entry: SourceEntry;
}

interface Offered extends Known {
  readonly folder: string;
  readonly date: Temporal.Instant;
  readonly sha256: string;
  /** `InRelease`, or `Release` where the archive signs it apart. */
  readonly index: string;
}

/** Fields of a source that say what is verified and how; `trusted` and the `allow-…` ones never come along. */
const KEPT_FIELDS = [
  'architectures',
  'architectures-add',
  'architectures-remove',
  'signed-by',
  'check-valid-until',
  'valid-until-min',
  'valid-until-max',
  'check-date',
  'date-max-future',
];
/** apt's own bound (Acquire::MaxReleaseFileSize). */
const MAX_RELEASE_BYTES = 10 * 1024 * 1024;
const MAX_DATES_BYTES = 1024 * 1024;
const SOURCES_MODE = 0o644;
const LOAD_DEADLINE_MS = 10 * 60_000;
const MAX_REASON = 2000;
/** Characters that need no quoting in sources(5) and in a URI. */
const PLAIN_PATH = /^\/[A-Za-z0-9/._~+-]*$/;

const datesFile = z.record(z.string(), z.iso.datetime());

/** Throws MIRROR_REFUSED, REPOSITORY_ROLLED_BACK. Empty when the folder holds no repository yet. */
export async function loadMirrorFolder(
  system: AptSystem,
  folders: MirrorFolders,
): Promise<readonly LoadedRepository[]> {
  const known = await knownRepositories(folders.root);
  const names = await mirrorNames(folders.packages, known);
  if (names.length === 0) return [];

  const dates = await readDates(folders.dates);
  await forgetTaken(system.mirror);
  const offered: Offered[] = [];
  for (const name of names) {
    const one = await readOffered(system.mirror, folders.packages, name, known);
    refuseOlder(one, dates);
    offered.push(one);
  }

  await writeDurable(system.sources, renderSources(offered.map(asSource)), { mode: SOURCES_MODE });
  await update(system);
  for (const one of offered) await assertSame(system, one);
  const accepted = { ...dates, ...Object.fromEntries(offered.map((one) => [one.repository.id, one.date.toString()])) };
  await writeDurable(folders.dates, `${JSON.stringify(accepted)}\n`);

  return offered.map(({ repository, date }) => ({ id: repository.id, date: date.toString() }));
}

/** The host's enabled repositories, one by one, by the name of their mirror folder. */
async function knownRepositories(root: string): Promise<ReadonlyMap<string, Known>> {
  const known = new Map<string, Known>();

  for (const entry of await readSources(root)) {
    for (const uri of entry.uris) {
      for (const suite of entry.suites) {
        const single = { ...entry, uris: [uri], suites: [suite] };
        for (const repository of listRepositories([single])) {
          const key = mirrorKey(repository);
          if (!known.has(key)) known.set(key, { repository, entry: single });
        }
      }
    }
  }

  return known;
}

async function mirrorNames(packages: string, known: ReadonlyMap<string, Known>): Promise<readonly string[]> {
  // Names with a dot first are being written by the fetcher.
  const finished = ((await mirrorFolders(packages)) ?? []).filter((name) => !name.startsWith('.'));
  const stranger = finished.find((name) => !known.has(name));
  if (stranger !== undefined) {
    throw new CodedError('MIRROR_REFUSED', `${join(packages, stranger)} is no repository of this host`, {
      details: { folder: stranger },
    });
  }

  return finished.sort();
}

async function readOffered(
  own: string,
  packages: string,
  name: string,
  known: ReadonlyMap<string, Known>,
): Promise<Offered> {
  const found = known.get(name);
  if (!found) throw new CodedError('INTERNAL', `${name} was known a moment ago`);
  const folder = join(own, name);
  if (!PLAIN_PATH.test(folder)) {
    throw new CodedError('SETTINGS_INVALID', `${own} holds characters that apt's sources cannot name`);
  }
  const suite = suiteFolder(found.repository);
  const { index, bytes } = await takeIndexes(packages, name, suite, own);

  return { ...found, folder, index, sha256: sha256(bytes), date: dateOf(bytes, join(packages, name, suite, index)) };
}

function dateOf(bytes: Uint8Array, path: string): Temporal.Instant {
  try {
    return parseRelease(new TextDecoder().decode(bytes), path).date;
  } catch (error) {
    throw new CodedError('MIRROR_REFUSED', `${path} is no index: ${asCoded(error).message}`, { cause: error });
  }
}

function refuseOlder({ repository, date, folder }: Offered, dates: Readonly<Record<string, string>>): void {
  const before = Object.hasOwn(dates, repository.id) ? dates[repository.id] : undefined;
  if (before === undefined || Temporal.Instant.compare(date, before) >= 0) return;
  throw new CodedError(
    'REPOSITORY_ROLLED_BACK',
    `${folder} has an index of ${date}; one of ${before} was accepted before`,
    {
      details: { repository: repository.id, date: date.toString(), accepted: before },
    },
  );
}

function asSource({ entry, folder }: Offered): SourceEntry {
  const kept = [...entry.options].filter(([name]) => KEPT_FIELDS.includes(name));

  // The mirror holds the files by their names; nobody made links by hash in it.
  return { ...entry, uris: [`copy:${folder}`], options: new Map([...kept, ['by-hash', 'no']]) };
}

async function update(system: AptSystem): Promise<void> {
  const { exitCode, stdout, stderr } = await system.run({
    file: 'apt-get',
    args: ['update', '-q'],
    deadlineMs: LOAD_DEADLINE_MS,
  });
  if (exitCode === 0) return;
  await refuseFull(stderr, system.lists);
  const reason = (stderr.trim() || stdout.trim()).slice(0, MAX_REASON);
  throw new CodedError('MIRROR_REFUSED', `apt does not accept the mirror folder: ${reason}`, { details: { exitCode } });
}

/** apt keeps what it had when it is offered something older; then, or when the folder moved under it, the bytes differ. */
async function assertSame(system: AptSystem, offered: Offered): Promise<void> {
  const [listed] = listRepositories([asSource(offered)]);
  const bytes =
    listed && (await readBounded(join(system.lists, `${listed.prefix}${offered.index}`), MAX_RELEASE_BYTES));
  if (bytes && sha256(bytes) === offered.sha256) return;
  throw new CodedError('MIRROR_REFUSED', `${offered.folder} changed while it was read, or apt did not take it`, {
    details: { repository: offered.repository.id },
  });
}

async function readDates(path: string): Promise<Readonly<Record<string, string>>> {
  const bytes = await readBounded(path, MAX_DATES_BYTES);
  if (bytes === null) return {};

  try {
    return datesFile.parse(JSON.parse(Buffer.from(bytes).toString('utf8')));
  } catch (error) {
    throw new CodedError('JOURNAL_INVALID', `${path} is not understood, so rollbacks could not be noticed`, {
      cause: error,
    });
  }
}

// Brings what is known about vulnerabilities for this machine's distribution: from the publishers where the network allows, else the
// small dated copy that comes with Selvage. It never fails a start and never holds it up for more than some seconds.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { asCoded } from '@selvage/shared/errors/coded-error.ts';
import { parseShellFacts } from '@selvage/shared/linux/shell-facts.ts';
import { feeds as feedsShape } from '../../collector/api/contract/feeds.ts';
import { ecosystemOf } from '../../collector/matching/ecosystem.ts';
import type { Commands } from './commands.ts';

const SNAPSHOT = join(import.meta.dirname, '../../collector/feeds/snapshot');
/** Milliseconds that publishers have; what takes longer goes on in the collector while it runs. */
const FETCH_MS = 4_000;
/** Whoever was asked so short ago is not asked again by another start. */
const ASKED_LATELY_MS = 3_600_000;
const DAY_MS = 86_400_000;

interface Part {
  readonly feed: string;
  readonly file: string;
  readonly asOf: string;
}
type FeedRow = ReturnType<typeof feedsShape.parse>['feeds'][number];

export interface FeedParts {
  readonly commands: Commands;
  readonly say: (line: string) => void;
  readonly now: () => Temporal.Instant;
  /** Nobody waits for publishers any more. */
  readonly hurry: AbortSignal;
}

/** Says what it did. What goes wrong is said and leaves what was known before. */
export async function bringFeeds(parts: FeedParts): Promise<void> {
  const { commands, say } = parts;

  try {
    const distribution = await distributionOf(commands.agentSettings);
    if (distribution === null) {
      say('feeds: none here speaks of this distribution: what is vulnerable stays unknown');

      return;
    }
    const known = await listFeeds(commands);
    const wanted = known.filter(({ serves }) => serves.includes('all') || serves.includes(distribution));
    await takeSnapshot(parts, wanted);
    await askPublishers(parts, wanted);
  } catch (error) {
    const { code, message } = asCoded(error);
    say(`feeds: not brought (${code}: ${message}); what is known stays as it was`);
  }
}

/** Of the system that the agent looks at; null where no feed could be meant. */
async function distributionOf(agentSettings: string): Promise<string | null> {
  const { root = '/' } = JSON.parse(await readFile(agentSettings, 'utf8')) as { readonly root?: string };
  for (const file of ['etc/os-release', 'usr/lib/os-release']) {
    const text = await readFile(join(root, file), 'utf8').catch(() => null);
    if (text === null) continue;
    const facts = parseShellFacts(text);

    return ecosystemOf(facts.get('ID') ?? '', facts.get('VERSION_ID') ?? '')?.split(':', 1)[0] ?? null;
  }

  return null;
}

async function listFeeds(commands: Commands): Promise<readonly FeedRow[]> {
  return feedsShape.parse(JSON.parse(await commands.selvage(['feed', 'list', '--json']))).feeds;
}

/** Only of feeds that have nothing yet, so that it is taken once and never in the place of newer data. */
async function takeSnapshot({ commands, say, now }: FeedParts, wanted: readonly FeedRow[]): Promise<void> {
  const empty = new Set(wanted.filter(({ importedAt }) => importedAt === null).map(({ name }) => name));
  if (empty.size === 0) return;
  // Ours, of the same version: a test reads it whole.
  const manifest = JSON.parse(await readFile(join(SNAPSHOT, 'manifest.json'), 'utf8')) as {
    readonly feeds: readonly Part[];
  };
  const parts = manifest.feeds.filter(({ feed }) => empty.has(feed));
  if (parts.length === 0) return;
  say(`feeds: taking the copy that comes with Selvage: ${parts.map((part) => ageText(part, now())).join(', ')}`);
  // The collector takes one after the other; starting their commands side by side saves the time that they need to begin.
  await Promise.all(parts.map(({ feed, file }) => takePart(commands, say, feed, join(SNAPSHOT, file))));
}

async function takePart(commands: Commands, say: (line: string) => void, feed: string, file: string): Promise<void> {
  try {
    await commands.selvage(['feed', 'import', file, '--feed', feed, '--json']);
  } catch (error) {
    const { code, message } = asCoded(error);
    say(`feeds: ${feed} was not taken (${code}: ${message})`);
  }
}

function ageText({ feed, asOf }: Part, now: Temporal.Instant): string {
  const days = Math.floor((now.epochMilliseconds - Temporal.Instant.from(asOf).epochMilliseconds) / DAY_MS);

  return `${feed} of ${asOf.slice(0, 10)}, ${days} days old`;
}

/** Publishers of this distribution, of KEV and of EPSS; others follow by themselves while the collector runs. */
async function askPublishers({ commands, say, now, hurry }: FeedParts, wanted: readonly FeedRow[]): Promise<void> {
  if (await isOff(commands.home)) return;
  const lately = now().epochMilliseconds - ASKED_LATELY_MS;
  const names = wanted
    .filter(({ name, serves }) => name.startsWith('osv-') || serves.includes('all'))
    .filter(({ sources, checkedAt }) => sources.length > 0 && !isAfter(checkedAt, lately))
    .map(({ name }) => name);
  if (names.length === 0) return;
  const stop = AbortSignal.any([AbortSignal.timeout(FETCH_MS), hurry]);
  try {
    await commands.selvage(['feed', 'update', ...names, '--json'], stop);
    say(`feeds: fetched ${names.join(', ')}`);
  } catch (error) {
    const why = stop.aborted
      ? 'no whole answer in time; the collector goes on trying while it runs'
      : asCoded(error).message;
    say(`feeds: nothing newer could be fetched now (${why})`);
  }
}

function isAfter(instant: string | null, ms: number): boolean {
  return instant !== null && Temporal.Instant.from(instant).epochMilliseconds > ms;
}

/** Whoever has switched feeds off in the collector's settings is not overruled by a start. */
async function isOff(home: string): Promise<boolean> {
  const settings = JSON.parse(await readFile(join(home, 'settings.json'), 'utf8')) as {
    readonly feeds?: { readonly list?: unknown };
  };

  return settings.feeds?.list === 'off';
}

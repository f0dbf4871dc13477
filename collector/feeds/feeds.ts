// The feeds of a collector, put together: what stands where, updates and imports one after the other, and the keeper that updates by
// itself. The store keeps everything that counts.
import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { getCACertificates } from 'node:tls';
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import type { Log } from '@selvage/shared/log/log.ts';
import { type ProxyEnvironment, parseProxy, proxyFor } from '@selvage/shared/net/proxy.ts';
import { connectVia } from '@selvage/shared/net/tunnel.ts';
import type { Random } from '@selvage/shared/random.ts';
import type { Clock } from '@selvage/shared/time/clock.ts';
import type { Events } from '../events.ts';
import type { CoverageSettings } from '../matching/coverage.ts';
import type { Store } from '../store/ports.ts';
import type { Feed } from './feed.ts';
import type { DownloadLimits } from './fetch/download.ts';
import { cleanFeeds } from './import/cleaning.ts';
import { type FeedImported, importFeed } from './import/importing.ts';
import type { FeedFile } from './import/open.ts';
import { type JobResult, Jobs, type JobView } from './keeping/jobs.ts';
import { keepFeeds } from './keeping/keeper.ts';
import { everyMs, type FeedSettings } from './keeping/settings.ts';
import { type FeedView, isWanted, sourcesOf, viewOf } from './keeping/standing.ts';
import { type UpdateParts, updateFeed } from './keeping/updating.ts';
import { Uploads, type UploadView } from './keeping/uploads.ts';
import { FEEDS } from './list.ts';

const PRIVATE_FOLDER = 0o700;

export interface FeedsDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
  readonly events: Pick<Events, 'publish'>;
  readonly log: Log;
  readonly settings: FeedSettings;
  /** Ours alone; what is in it is removed at the start. */
  readonly folder: string;
  readonly environment: ProxyEnvironment;
  /** PEM of `settings.ca`. */
  readonly authorities?: readonly string[];
  readonly version: string;
  /** Of everything that is installed somewhere, as in rules. */
  readonly ecosystems: () => Promise<readonly string[]>;
  readonly limits?: DownloadLimits;
  /** Those of ./list.ts when left out. */
  readonly feeds?: readonly Feed[];
}

export interface Feeds {
  /** What the settings say of repositories that no feed speaks of. */
  readonly coverage: CoverageSettings;
  list(): Promise<readonly FeedView[]>;
  /** One job for each, in the order of the list; all that are wanted when `names` is left out. Throws NOT_FOUND. */
  update(
    names: readonly string[] | undefined,
    options: { readonly by: string; readonly acceptShrunk?: boolean },
  ): Promise<readonly JobView[]>;
  /** A file that has been uploaded. */
  import(
    upload: string,
    options: { readonly by: string; readonly feed: string | null; readonly acceptShrunk?: boolean },
  ): JobView;
  /** Takes a file of this machine as the whole of a feed; resolves when it has been taken. Throws as importFeed does. */
  bring(feed: string, file: FeedFile): Promise<void>;
  job(id: string): JobView;
  readonly uploads: {
    begin(request: { readonly name: string; readonly bytes: number | null; readonly by: string }): Promise<UploadView>;
    add(id: string, by: string, offset: number, piece: Uint8Array): Promise<UploadView>;
  };
  /** Stops updating and ends what runs; what is half done is taken away at the next start. */
  close(): Promise<void>;
}

export async function createFeeds(deps: FeedsDeps): Promise<Feeds> {
  const { store, clock, random, events, log, settings, folder, feeds = FEEDS } = deps;
  await emptyFolder(folder);
  const writing = new Set<number>();
  const jobs = new Jobs(random);
  const uploads = new Uploads({ folder, clock, random });
  const parts: UpdateParts = {
    ...{ store, clock, random, events, writing, folder, way: wayOf(deps) },
    ...(deps.limits === undefined ? {} : { limits: deps.limits }),
  };
  const stopped = new AbortController();
  const factsNow = async () => ({ settings, ecosystems: await deps.ecosystems(), now: clock.now() });
  const wanted = async () => {
    const facts = await factsNow();

    return feeds.filter((feed) => isWanted(feed, facts) && sourcesOf(feed, settings).length > 0);
  };
  const start = (feed: Feed, options: { readonly by?: string; readonly acceptShrunk?: boolean }) =>
    jobs.start(feed.name, async (tell, signal) => {
      const done = await updateFeed(parts, feed, sourcesOf(feed, settings), {
        ...options,
        signal,
        onFetching: () => tell({ step: 'fetching' }),
        onProgress: ({ rows, bytesRead }) => tell({ step: 'reading', rows, bytesRead }),
      });
      if (done) return resultOf(done);
      const state = await store.read.feeds.byName(feed.name);

      return {
        changed: false,
        records: state?.records ?? 0,
        skipped: state?.skipped ?? 0,
        duplicates: 0,
        problems: [],
      };
    });
  // Before anything else: what a collector that was killed left half done.
  const cleaned = cleanFeeds(store, writing, stopped.signal).catch((error: unknown) => {
    log.error({ error }, 'what an import of a feed left behind could not be removed');
  });
  const keeping = keepFeeds(
    {
      ...{ feeds, wanted, everyMs: everyMs(settings), clock, random, log },
      update: async (feed) => {
        const { id } = start(feed, {});
        await jobs.ended(id);
      },
    },
    stopped.signal,
  );

  return {
    coverage: settings,
    list: async () => {
      const [states, facts] = await Promise.all([store.read.feeds.list(), factsNow()]);
      const byName = new Map(states.map((state) => [state.name, state]));

      return feeds.map((feed) => viewOf(feed, byName.get(feed.name) ?? null, facts));
    },
    update: async (names, options) => {
      const chosen = names === undefined ? await wanted() : names.map((name) => named(feeds, name));

      return chosen.map((feed) => start(feed, options));
    },
    import: (upload, { feed, ...options }) => {
      const known = feed === null ? null : named(feeds, feed).name;
      const file = uploads.take(upload, options.by);

      const work: Parameters<Jobs['start']>[1] = async (tell, signal) => {
        try {
          const onProgress = ({ feed: name, rows, bytesRead }: { feed: string; rows: number; bytesRead: number }) =>
            tell({ feed: name, rows, bytesRead });
          const done = await importFeed(parts, known, [file], { ...options, signal, onProgress });
          tell({ feed: done.feed });

          return resultOf(done);
        } finally {
          await rm(file.path, { force: true });
        }
      };
      try {
        return jobs.start(known, work);
      } catch (error) {
        // Whoever is refused brings it again.
        void rm(file.path, { force: true });
        throw error;
      }
    },
    bring: async (name, file) => {
      const feed = named(feeds, name);
      const { id } = jobs.start(feed.name, async (_, signal) =>
        // What brings it knows how much there is: fewer hosts are no fault of a publisher.
        resultOf(await importFeed(parts, feed.name, [file], { signal, acceptShrunk: true })),
      );
      await jobs.ended(id);
    },
    job: (id) => jobs.get(id),
    uploads,
    close: async () => {
      stopped.abort();
      await Promise.all([jobs.close(), keeping, cleaned]);
    },
  };
}

function resultOf({ changed, state, duplicates, problems }: FeedImported): JobResult {
  return { changed, records: state.records, skipped: state.skipped, duplicates, problems };
}

function named(feeds: readonly Feed[], name: string): Feed {
  const feed = feeds.find((each) => each.name === name);
  if (feed) return feed;
  throw new CodedError('NOT_FOUND', `there is no feed called ${name}`, { next: 'see: selvage feed list --all' });
}

function wayOf({ settings, environment, authorities = [], version }: FeedsDeps): UpdateParts['way'] {
  const { proxy } = settings;
  const setting = proxy === undefined ? null : proxy === 'none' ? ('none' as const) : parseProxy(proxy, 'feeds.proxy');

  return {
    connect: connectVia((target) => proxyFor(target, setting, environment)),
    authorities: [...getCACertificates('default'), ...authorities],
    agentName: `selvage/${version}`,
  };
}

/** Files of a collector that was killed. */
async function emptyFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: PRIVATE_FOLDER });
  for (const name of await readdir(folder)) {
    if (name.endsWith('.part')) await rm(join(folder, name), { force: true });
  }
}

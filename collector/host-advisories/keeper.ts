// Keeps the feed `host-updateinfo`: what accepted rpm hosts tell of the advisories in their own repositories, put together and taken as a
// whole new generation when it has changed. After commits, in turns, at most once in a while however many hosts report.
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { asCoded } from '@selvage/shared/errors/coded-error.ts';
import { writeDurable } from '@selvage/shared/files/durable.ts';
import type { Log } from '@selvage/shared/log/log.ts';
import type { HostId } from '@selvage/shared/model/ids.ts';
import type { Random } from '@selvage/shared/random.ts';
import type { Clock } from '@selvage/shared/time/clock.ts';
import type { Events } from '../events.ts';
import type { FeedFile } from '../feeds/import/open.ts';
import { vendorReleaseEcosystem } from '../matching/coverage.ts';
import { ecosystemOf } from '../matching/ecosystem.ts';
import type { Store } from '../store/ports.ts';
import { NoticeMerge } from './merge.ts';

/** Milliseconds from the first report on: a fleet that asks its repositories at night reports for an hour. */
const PAUSE_MS = 60_000;
const PRIVATE_FILE = 0o600;
const SECTIONS: readonly string[] = ['updateinfo', 'os'];
const HOSTS: readonly string[] = ['host.accepted', 'host.revoked', 'host.retired'];
const FEED = 'host-updateinfo';
const EPEL = /^FEDORA-EPEL-/;
/** The vendor in its packages. */
const FEDORA = 'Fedora Project';

export interface HostAdvisoryParts {
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
  readonly events: Events;
  readonly log: Log;
  /** Ours alone: the file that is taken in lies there meanwhile. */
  readonly folder: string;
  /** Takes a file as the whole of a feed; resolves when it has been taken. */
  readonly bring: (feed: string, file: FeedFile) => Promise<void>;
}

export interface HostAdvisories {
  idle(): Promise<void>;
  close(): Promise<void>;
}

/** Begins at once with what the store has. `pauseMs`: another pause, in tests. */
export function keepHostAdvisories(parts: HostAdvisoryParts, { pauseMs = PAUSE_MS } = {}): HostAdvisories {
  const { clock, events, log } = parts;
  const stopped = new AbortController();
  let wanted = true;
  let working: Promise<void> | null = null;

  const work = async () => {
    while (wanted && !stopped.signal.aborted) {
      wanted = false;
      try {
        await takeHostAdvisories(parts, stopped.signal);
      } catch (error) {
        // Said once; the next report asks for it again, and so does the next start.
        if (!stopped.signal.aborted) {
          log.error({ error }, `advisories that hosts told were not taken in: ${asCoded(error).message}`);
        }
      }
      if (pauseMs > 0) await clock.sleep(pauseMs, stopped.signal).catch(() => undefined);
    }
  };
  const go = () => {
    wanted = true;
    if (stopped.signal.aborted) return;
    working ??= work().finally(() => {
      working = null;
      if (wanted) go();
    });
  };
  const unsubscribe = events.subscribe((event) => {
    if (event.type === 'inventory.received' && event.changed.some((name) => SECTIONS.includes(name))) go();
    if (HOSTS.includes(event.type)) go();
  });
  go();

  return {
    idle: async () => {
      while (working !== null) await working;
    },
    close: async () => {
      stopped.abort();
      unsubscribe();
      while (working !== null) await working;
    },
  };
}

/** False where no host has any and none had: then there is no such feed. Where the last one that had any is gone it says nothing more. */
async function takeHostAdvisories(parts: HostAdvisoryParts, signal: AbortSignal): Promise<boolean> {
  const { store, random, folder, bring, log } = parts;
  const accepted = new Map<HostId, string | null>();
  for (const { id, state, acceptedAt } of await store.read.hosts.list()) {
    // What a pending host tells waits until somebody has looked at it.
    if (state === 'active' && acceptedAt !== null) accepted.set(id, null);
  }
  for await (const { host, data } of store.read.inventory.eachSection('os')) {
    if (data !== null && accepted.has(host)) accepted.set(host, ecosystemOf(data.id, data.version));
    if (signal.aborted) return false;
  }
  const merge = new NoticeMerge();
  let asOf: string | null = null;
  for await (const { host, data } of store.read.inventory.eachSection('updateinfo')) {
    if (signal.aborted) return false;
    const ecosystem = accepted.get(host) ?? null;
    if (data === null || ecosystem === null || data.notices.length === 0) continue;
    for (const [release, notices] of Map.groupBy(data.notices, ({ id }) => releaseOf(id, ecosystem))) {
      merge.add(release, notices);
    }
    if (data.asOf !== null && (asOf === null || data.asOf > asOf)) asOf = data.asOf;
    await setImmediate();
  }
  if (merge.full) log.warn({}, 'hosts tell of more advisories than are kept; some are left out');
  const lines = [...merge.notices()];
  if (lines.length === 0 && (await store.read.feeds.byName(FEED)) === null) return false;

  const path = join(folder, `${FEED}-${random.uuid()}.part`);
  // A host's clock may be wrong; what it says is not newer than now.
  const now = parts.clock.now().toString();
  const head = { selvageHostUpdateinfo: 1, asOf: asOf !== null && asOf > now ? now : asOf };
  try {
    const text = [head, ...lines].map((each) => `${JSON.stringify(each)}\n`).join('');
    await writeDurable(path, text, { mode: PRIVATE_FILE });
    await bring(FEED, { path, name: `${FEED}.jsonl` });
  } finally {
    await rm(path, { force: true });
  }

  return true;
}

/** EPEL's advisories are about Fedora's builds for another distribution: nobody may take that for watched because of them. */
function releaseOf(id: string, ecosystem: string): string {
  return EPEL.test(id) ? vendorReleaseEcosystem(FEDORA, ecosystem) : ecosystem;
}

// `selvage-agent connect`: the resident connector, built and kept running. It carries; inventory, fetcher and runner are
// short-lived children, so that this process stays small and holds nothing of theirs.

import { dirname } from 'node:path';
import { asCoded, CodedError, hasCode } from '@selvage/shared/errors/coded-error.ts';
import { makeFolder } from '@selvage/shared/files/durable.ts';
import { loadIdentity } from '../connector/identity.ts';
import { openIdentitySource } from '../connector/identity-source.ts';
import { resendSections, sendParcel, sentSections } from '../connector/inventory-sender.ts';
import { type LinkEvent, runLink } from '../connector/link.ts';
import { openOutbox } from '../connector/outbox.ts';
import type { Parcel } from '../connector/parcel.ts';
import { openPolicyMirror } from '../connector/policy-mirror.ts';
import { openResultStream } from '../connector/result-stream.ts';
import { thisMachine } from '../connector/resume.ts';
import { runnerFolders } from '../runner/folders.ts';
import { readTrustReport } from '../runner/trust-facts.ts';
import { runService, type Work } from '../service/service.ts';
import type { Settings } from '../settings.ts';
import { AGENT_VERSION } from '../version.ts';
import { createChildren } from './children.ts';
import type { Context } from './context.ts';
import { demandInventory, newResults } from './demand.ts';
import { parcelsOf, withoutSent } from './feed.ts';
import { agentFolders } from './folders.ts';
import { createLinkReport, type LinkReport } from './link-report.ts';
import { machineIdOf } from './machine-id.ts';
import { createPass } from './pass.ts';
import { wayOut } from './way-out.ts';

export interface ConnectFlags {
  readonly once?: boolean;
  readonly withRunner?: boolean;
  /** Everything as one user, though root started it. */
  readonly sameUser?: boolean;
  /** Started by a supervisor, which takes the inventories and starts the runner: they come on standard input. */
  readonly supervised?: boolean;
  /** A service manager takes the inventories and starts fetcher and runner. */
  readonly service?: boolean;
}

const READABLE_FOLDER = 0o755;
/** Milliseconds for one inventory to be taken and committed with --once, the list refresh not counted. */
const ONCE_DEADLINE_MS = 120_000;

/** Ends on SIGINT and SIGTERM, or with --once when the collector has committed the inventory. */
export async function connect(context: Context, flags: ConnectFlags): Promise<void> {
  const settings = await context.settings();
  const parts = await open(context, settings);
  const stop = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => stop.abort(name));

  const feed = flags.supervised ? parcelsOf(context.stdin, (error) => report(context, parts, error)) : null;
  if (flags.once) {
    await once(context, parts, stop, feed);

    return;
  }
  if (feed !== null) {
    await Promise.all([runLink({ ...parts.link, signal: stop.signal }), sendFed(context, parts, feed, stop)]);
    await parts.report.settled();

    return;
  }

  const work = flags.service
    ? serviceWork(context, parts, stop.signal)
    : workOf(context, parts, flags.withRunner === true);
  const options = {
    inventoryEveryMs: settings.inventoryEvery,
    refreshEveryMs: settings.lists.refreshEvery,
    jitter: settings.lists.jitter,
  };
  const { clock, random, log } = context;
  await Promise.all([
    runLink({ ...parts.link, signal: stop.signal }),
    runService({ work, options, clock, random, log }, stop.signal),
  ]);
  await parts.report.settled();
}

/** Ends with the supervisor, and this process with it. */
async function sendFed(
  context: Context,
  parts: Parts,
  feed: AsyncIterable<Parcel>,
  stop: AbortController,
): Promise<void> {
  stop.signal.addEventListener('abort', () => context.stdin.destroy?.(), { once: true });

  try {
    for await (const parcel of feed) await sendNew(context, parts, parcel).catch((error: unknown) => ifKnown(error));
  } catch (error) {
    // An input that was closed from here ends with an error.
    if (!stop.signal.aborted) throw error;
  }
  stop.abort('the supervisor has gone');
}

async function sendNew(context: Context, { outbox, report: told }: Parts, parcel: Parcel): Promise<void> {
  await saying(context, told, async () => sendParcel(withoutSent(parcel, await sentSections(outbox)), outbox));
}

/** Told already; the next inventory says it all. */
function ifKnown(error: unknown): void {
  if (!hasCode(error)) throw error;
}

function report(context: Context, parts: Parts, error: CodedError): void {
  tell(context, parts.report, { type: 'problem', error });
}

type Parts = Awaited<ReturnType<typeof open>>;

async function open(context: Context, settings: Settings) {
  const { random, clock, log } = context;
  const folders = agentFolders(settings);
  const identity = await loadIdentity(folders.identity);
  const outbox = await openOutbox(folders.outbox, { random, log });
  const results = await openResultStream({
    results: runnerFolders(settings).results,
    outbox: folders.outbox,
    random,
    clock,
    log,
  });
  const mirror = await openPolicyMirror({ dir: folders.policy, wake: folders.wake, log });
  await makeFolder(dirname(folders.link), READABLE_FOLDER);
  const report = await createLinkReport(folders.link, context);
  const watchers = new Set<(event: LinkEvent) => void>();

  return {
    settings,
    outbox,
    results,
    report,
    children: createChildren(context),
    /** Called with every event of the link. */
    watchers,
    link: {
      identity: openIdentitySource(folders.identity),
      url: identity.collector,
      connect: wayOut(settings, context.proxies),
      // Results first: what was done matters more than what there is.
      streams: [results, outbox],
      mirror,
      held: () => heldPolicy(runnerFolders(settings).next),
      agentVersion: AGENT_VERSION,
      machineId: await machineIdOf(settings.root),
      mode: settings.mode,
      machine: thisMachine,
      clock,
      random,
      log,
      onEvent: (event: LinkEvent) => {
        tell(context, report, event);
        for (const watcher of watchers) watcher(event);
      },
      // A full disk is no reason to leave the collector: it asks again after the next inventory.
      onSectionsWanted: async (names: readonly string[]) => {
        await saying(context, report, () => resendSections(names, outbox, context.clock.now().epochMilliseconds)).catch(
          ifFull,
        );
      },
    },
  };
}

/** For the collector: one that was restored from a backup learns from it what it has lost. */
async function heldPolicy(path: string) {
  const report = await readTrustReport(path);
  if (report === null) return null;
  const { trust, problem } = report;

  return {
    roles: Object.entries(trust?.versions ?? {}).map(([role, version]) => ({ role, version: BigInt(version) })),
    problem: problem?.code ?? '',
  };
}

function workOf(context: Context, parts: Parts, withRunner: boolean): Work<Parcel> {
  const { children, outbox, settings, watchers, report } = parts;

  return {
    takeInventory: async (refresh) => children.inventory(refresh ? 'due' : 'never', await sentSections(outbox)),
    send: (parcel) => saying(context, report, () => sendParcel(parcel, outbox)),
    pass: withRunner ? createPass({ context, children, settings }) : null,
    wakeUps: (signal) => wakeUps(watchers, signal),
  };
}

/** Where units do the work: this process touches a file, and reads one. */
function serviceWork(context: Context, { outbox, results, settings, report }: Parts, stop: AbortSignal): Work<Parcel> {
  const changes = (signal: AbortSignal) => newResults(results, runnerFolders(settings).results, signal);

  return {
    takeInventory: async () => withoutSent(await demandInventory(context, settings, stop), await sentSections(outbox)),
    send: (parcel) => saying(context, report, () => sendParcel(parcel, outbox)),
    pass: null,
    wakeUps: changes,
    changes,
  };
}

/** Policy that came is the one thing that wakes the runner early. */
async function* wakeUps(watchers: Parts['watchers'], signal: AbortSignal): AsyncGenerator<void> {
  let wake: () => void = () => undefined;
  const watcher = (event: LinkEvent) => {
    if (event.type === 'policy') wake();
  };
  watchers.add(watcher);
  signal.addEventListener('abort', () => wake(), { once: true });

  try {
    while (!signal.aborted) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
      if (!signal.aborted) yield;
    }
  } finally {
    watchers.delete(watcher);
  }
}

async function once(
  context: Context,
  parts: Parts,
  stop: AbortController,
  feed: AsyncGenerator<Parcel> | null,
): Promise<void> {
  const { outbox, children, watchers } = parts;
  if (feed === null) await sendParcel(await children.inventory('due', await sentSections(outbox)), outbox);
  else {
    const { value } = await feed.next();
    if (value === undefined) throw new CodedError('PARSE', 'the supervisor sent no inventory');
    await sendNew(context, parts, value);
    context.stdin.destroy?.();
  }

  const ended = runLink({ ...parts.link, signal: stop.signal });
  const committed = new Promise<void>((resolve) => {
    const look = () => {
      if (outbox.size() === 0) resolve();
    };
    watchers.add(look);
    look();
  });
  const late = context.clock.sleep(ONCE_DEADLINE_MS, stop.signal).then(
    () => 'late' as const,
    () => 'stopped' as const,
  );
  const outcome = await Promise.race([committed.then(() => 'committed' as const), late]);
  stop.abort();
  await ended;
  await parts.report.settled();
  if (outcome === 'committed') return;

  const { lastProblem } = parts.report;
  throw (
    lastProblem ??
    new CodedError('UNREACHABLE', `the collector did not commit the inventory within ${ONCE_DEADLINE_MS} ms`)
  );
}

/** What fails is a problem of this agent to be seen, not only a line in its log. */
async function saying<T>(context: Context, report: LinkReport, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    tell(context, report, { type: 'problem', error: asCoded(error) });
    throw error;
  }
}

function ifFull(error: unknown): void {
  if (!hasCode(error, 'DISK_FULL')) throw error;
}

function tell(context: Context, report: LinkReport, event: LinkEvent): void {
  report.note(event);
  switch (event.type) {
    case 'connected':
      context.say(`connected to collector ${event.collectorVersion}`);
      break;
    case 'disconnected':
      context.say(`disconnected: ${event.error.code}: ${event.error.message}`);
      break;
    case 'waiting':
      context.say(`next attempt in ${Math.round(event.ms / 1000)} s`);
      break;
    case 'policy':
      context.say(`policy ${event.timestampVersion} mirrored`);
      break;
    case 'problem':
      context.say(`problem ${event.error.code}: ${event.error.message}`);
      break;
    case 'renewed':
      context.say('certificate renewed');
      break;
    case 'authorities':
      context.say(`${event.count} authorities trusted from now on`);
      break;
    case 'connecting':
    case 'acknowledged':
    case 'stopped':
      break;
  }
}

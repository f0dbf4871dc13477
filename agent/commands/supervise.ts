// `selvage-agent connect` started by root: this process stays root and opens no socket of any kind. It starts the connector as the
// user of the settings, the fetcher as that user, and inventory and runner as itself. What comes back from the connector is lines to
// print and the time of one file: nothing of it is read as anything else. Inventories go to it, never from it.
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import type { Kept } from '@selvage/shared/exec/keep.ts';
import { nextDelay } from '@selvage/shared/time/backoff.ts';
import type { Parcel } from '../connector/parcel.ts';
import { runService, type Work } from '../service/service.ts';
import type { Settings } from '../settings.ts';
import { createChildren } from './children.ts';
import type { ConnectFlags } from './connect.ts';
import type { Context } from './context.ts';
import { agentFolders } from './folders.ts';
import { prepareFolders } from './ownership.ts';
import { createPass } from './pass.ts';
import { readRunnerHost } from './runner-host.ts';
import { touches } from './touches.ts';
import type { User } from './user.ts';

/** A connector that has run for so long had begun well: its end is not a wrong start, it is started again. */
const WELL_BEGUN_MS = 60_000;
const AGAIN = { baseMs: 1000, capMs: 300_000 } as const;
const CHECK_DEADLINE_MS = 30_000;

/** Ends on SIGINT and SIGTERM, and when the connector does not even begin; returns the exit code of that. Throws NOT_ENROLLED. */
export async function supervise(context: Context, user: User, flags: ConnectFlags): Promise<number> {
  const settings = await context.settings();
  await readRunnerHost(settings.runnerDir);
  await prepareFolders(settings, user);
  await refuseUnreadable(context, settings, user);
  const stop = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(name, () => stop.abort(name));
  const connector = new Connector(context, user, flags);

  if (flags.once) return once(context, user, connector, stop);
  const service = serve({ context, settings, user, connector, flags }, stop.signal);
  const exitCode = await connector.keepRunning(stop.signal);
  stop.abort();
  await service;

  return exitCode;
}

interface Parts {
  readonly context: Context;
  readonly settings: Settings;
  readonly user: User;
  readonly connector: Connector;
  readonly flags: ConnectFlags;
}

async function serve({ context, settings, user, connector, flags }: Parts, signal: AbortSignal): Promise<void> {
  const children = createChildren(context, user);
  const { wake } = agentFolders(settings);
  const work: Work<Parcel> = {
    // What it sent before is the connector's to know: it leaves out what has not changed.
    takeInventory: (refresh) => children.inventory(refresh ? 'due' : 'never', {}),
    send: async (parcel) => connector.tell(parcel),
    pass: flags.withRunner ? createPass({ context, children, settings }) : null,
    wakeUps: (ended) => touches(wake, ended),
  };
  const options = {
    inventoryEveryMs: settings.inventoryEvery,
    refreshEveryMs: settings.lists.refreshEvery,
    jitter: settings.lists.jitter,
  };
  const { clock, random, log } = context;
  await runService({ work, options, clock, random, log }, signal);
}

async function once(context: Context, user: User, connector: Connector, stop: AbortController): Promise<number> {
  const parcel = await createChildren(context, user).inventory('due', {});
  const child = connector.start();
  connector.tell(parcel);
  stop.signal.addEventListener('abort', () => void child.stop(), { once: true });

  return child.ended;
}

class Connector {
  readonly #context: Context;
  readonly #user: User;
  readonly #flags: ConnectFlags;
  #child: Kept | null = null;
  /** The last inventory, for a connector that is started again. */
  #last: string | null = null;

  constructor(context: Context, user: User, flags: ConnectFlags) {
    this.#context = context;
    this.#user = user;
    this.#flags = flags;
  }

  start(): Kept {
    const { entry, settingsFile, keep, say } = this.#context;
    const settings = settingsFile === null ? [] : ['--settings', settingsFile];
    const once = this.#flags.once ? ['--once'] : [];
    this.#child = keep({
      file: process.execPath,
      args: [entry, ...settings, 'connect', '--supervised', ...once],
      ...this.#user,
      onLine: say,
    });

    return this.#child;
  }

  /** Throws STATE when it does not take what it is given: the next inventory says it all. */
  tell(parcel: Parcel): void {
    this.#last = JSON.stringify(parcel);
    if (this.#child !== null && !this.#child.tell(this.#last)) {
      throw new CodedError('STATE', 'the connector has not taken the inventory before this one yet');
    }
  }

  /** Its exit code, when it did not even begin; 0 when it was stopped. */
  async keepRunning(signal: AbortSignal): Promise<number> {
    const { clock, random, log } = this.#context;
    let wait = 0;

    while (!signal.aborted) {
      const began = clock.monotonic();
      const child = this.start();
      if (this.#last !== null) child.tell(this.#last);
      const onStop = () => void child.stop();
      signal.addEventListener('abort', onStop, { once: true });
      const exitCode = await child.ended;
      signal.removeEventListener('abort', onStop);
      this.#child = null;
      if (signal.aborted) return 0;
      const isWellBegun = clock.monotonic() - began >= WELL_BEGUN_MS;
      if (!isWellBegun && wait === 0) return exitCode === 0 ? 1 : exitCode;
      wait = isWellBegun ? AGAIN.baseMs : nextDelay(wait, { ...AGAIN, random: () => random.float() });
      log.error({ exitCode, wait }, 'the connector ended; it is started again');
      await clock.sleep(wait, signal).catch(() => undefined);
    }

    return 0;
  }
}

/** Better said before than as a stack trace of the other user. */
async function refuseUnreadable({ run, entry, settingsFile }: Context, { user }: Settings, ids: User): Promise<void> {
  const settings = settingsFile === null ? [] : ['--settings', settingsFile];
  const { exitCode, stderr } = await run({
    file: process.execPath,
    args: [entry, ...settings, 'settings'],
    deadlineMs: CHECK_DEADLINE_MS,
    cwd: '/',
    ...ids,
  });
  if (exitCode === 0) return;
  throw new CodedError('SETTINGS_INVALID', `user "${user}" cannot start ${entry} on these settings: ${stderr.trim()}`, {
    next: 'put program and settings where that user can read them; to look at it only, add --same-user',
  });
}

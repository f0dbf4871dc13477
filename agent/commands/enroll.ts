// `selvage-agent enroll`: from an address, a pin and a token to an identity. What the runner must know of it is written
// into its own folder here, so that it never depends on what the connector keeps.
import { access } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { asCoded, CodedError, hasCode } from '@selvage/shared/errors/coded-error.ts';
import { hasErrno, readBounded } from '@selvage/shared/files/durable.ts';
import type { Mode } from '@selvage/shared/model/ids.ts';
import { parseLabels } from '@selvage/shared/model/labels.ts';
import { parseDuration } from '@selvage/shared/time/duration.ts';
import { UNDECIDED } from '../connector/enroll.ts';
import { IDENTITY_FILES, loadIdentity } from '../connector/identity.ts';
import { BUSY_MS, enrollPatiently } from '../connector/patience.ts';
import type { Settings } from '../settings.ts';
import type { Context } from './context.ts';
import { machineIdOf } from './machine-id.ts';
import { type Wanted, type Written, writeOwnSettings } from './own-settings.ts';
import { prepareFolders, takeBack } from './ownership.ts';
import { readRunnerHost, writeRunnerHost } from './runner-host.ts';
import { hasUnits, TURN_ON, turnOn } from './units.ts';
import { unprivilegedUser } from './user.ts';
import { wayOut } from './way-out.ts';

const FROM_INPUT = '-';
const MAX_TOKEN_FILE_BYTES = 4096;
const SECOND_MS = 1000;

export interface EnrollFlags {
  readonly collector: string;
  readonly pin: string;
  /** The token, or `-`: it comes on standard input. */
  readonly token?: string;
  readonly tokenFile?: string;
  /** An identity for the same collector is as good as a new one. */
  readonly ifNeeded?: boolean;
  /** How long to come again, also while the collector cannot be reached. */
  readonly wait?: string;
  readonly name?: string;
  /** Of the host's own settings from now on; see ./own-settings.ts. */
  readonly mode?: Mode;
  readonly label?: readonly string[];
  /** Started by root: what is made stays root's. */
  readonly sameUser?: boolean;
  /** Puts the units on that the package brought. */
  readonly now?: boolean;
}

export async function enrollHost(context: Context, flags: EnrollFlags): Promise<void> {
  // Decoded before anything is made.
  const wanted = { ...(flags.mode === undefined ? {} : { mode: flags.mode }), labels: parseLabels(flags.label ?? []) };
  let settings = await context.settings();
  const { stateDir, runnerDir } = settings;
  const forMs = flags.wait === undefined ? BUSY_MS : waitOf(flags.wait);
  if (flags.ifNeeded && (await isEnrolled(context, settings, flags.collector))) {
    noteOther(context, settings, wanted);
    if (flags.now) await goOn(context, settings, true);

    return;
  }
  if (flags.now && !hasUnits(context, settings)) {
    throw new CodedError('USAGE', '--now: there are no units of the agent on this machine', {
      next: 'leave it out, and then run: selvage-agent connect',
    });
  }
  // Before anything is made: a token that is not there is a mistake of typing.
  const token = await tokenOf(context, flags);
  const user = flags.sameUser ? null : await unprivilegedUser(settings.user);
  if (user !== null) {
    // Before the token is spent on folders that nothing could rely on.
    await prepareFolders(settings, user);
    await takeBack(settings, user);
  }

  let written: Written | null = null;

  try {
    // It says in which mode the host enrolls, so it is in force before; a refusal takes it back.
    // A host that has an identity is refused below, with its settings as they are.
    if (!(await hasIdentity(stateDir))) written = await writeOwnSettings(context.settingsPaths, wanted);
    settings = await context.settings();
    const { mode } = settings;
    const enrolled = await enrollPatiently(
      {
        url: flags.collector,
        pin: flags.pin,
        token,
        name: flags.name ?? hostname(),
        mode,
        machineId: await machineIdOf(settings.root),
        stateDir,
        runnerDir,
        connect: wayOut(settings, context.proxies),
      },
      {
        ...{ clock: context.clock, random: context.random, forMs, unreachable: flags.wait !== undefined },
        onWait: (ms, { code }) => context.stderr.write(`waiting: ${code}, again in ${Math.ceil(ms / SECOND_MS)} s\n`),
      },
    );
    await writeRunnerHost(runnerDir, enrolled);
    if (user !== null) await prepareFolders(settings, user);
    context.say(`enrolled as ${enrolled.name} (${enrolled.hostId}) with ${enrolled.collector}, mode ${mode}`);
    if (enrolled.pending) {
      context.say(`it is pending: an admin lets it in with: selvage host accept ${enrolled.name}`);
    }
    await goOn(context, settings, flags.now === true);
  } catch (error) {
    // Without keys no token can have left this host: a wrong address must not decide what the next attempt enrolls as.
    if (!UNDECIDED.has(asCoded(error).code) || !(await hasKeys(stateDir))) await written?.takeBack();
    try {
      if (hasCode(error, 'ALREADY_ENROLLED')) await completeRunner(stateDir, runnerDir);
    } finally {
      // A connector that runs already would find its identity closed with its next connection.
      if (user !== null) await prepareFolders(settings, user);
    }
    throw error;
  }
}

async function goOn(context: Context, settings: Settings, now: boolean): Promise<void> {
  if (now) {
    await turnOn(context);
    context.say('running from now on, also after a restart; look at: selvage-agent status');
  } else context.say(`next: ${hasUnits(context, settings) ? TURN_ON : 'selvage-agent connect'}`);
}

/** Arguments of a process can be read by every user of the machine; standard input and files of root cannot. */
async function tokenOf(context: Context, { token, tokenFile }: EnrollFlags): Promise<string> {
  if ((token === undefined) === (tokenFile === undefined)) {
    throw new CodedError('USAGE', 'one of --token and --token-file is needed');
  }
  const [text, where] =
    tokenFile !== undefined
      ? [await readToken(tokenFile), tokenFile]
      : token === FROM_INPUT
        ? [await context.input(), 'standard input']
        : [token ?? '', '--token'];
  if (text.trim() === '') throw new CodedError('USAGE', `no token comes from ${where}`);

  return text.trim();
}

async function readToken(path: string): Promise<string> {
  const bytes = await readBounded(path, MAX_TOKEN_FILE_BYTES);
  if (bytes === null) throw new CodedError('NOT_FOUND', `there is no file ${path}`);

  return Buffer.from(bytes).toString('utf8');
}

function waitOf(text: string): number {
  try {
    return parseDuration(text);
  } catch (cause) {
    throw new CodedError('USAGE', `--wait ${text} is no duration such as 10m`, { cause });
  }
}

/** An identity that is there is left alone, and so are the settings it was made with. */
function noteOther({ stderr }: Context, settings: Settings, { mode, labels }: Wanted): void {
  if (mode !== undefined && mode !== settings.mode) {
    stderr.write(`note: its mode is ${settings.mode}, and stays so; --mode ${mode} counts at enrollment only\n`);
  }
  const other = Object.entries(labels).some(([name, values]) => settings.labels[name]?.join() !== values.join());
  if (other) stderr.write('note: its labels are others, and stay so; --label counts at enrollment only\n');
}

/** With another collector it is not: that would leave the host where nobody looks for it. */
async function isEnrolled(context: Context, { stateDir, runnerDir }: Settings, collector: string): Promise<boolean> {
  try {
    const identity = await loadIdentity(join(stateDir, 'identity'));
    if (identity.collector !== collector) return false;
    await completeRunner(stateDir, runnerDir);
    context.say(`already enrolled as ${identity.name} (${identity.hostId}) with ${identity.collector}`);

    return true;
  } catch (error) {
    if (!hasCode(error, 'NOT_ENROLLED')) throw error;

    return false;
  }
}

async function hasIdentity(stateDir: string): Promise<boolean> {
  try {
    await loadIdentity(join(stateDir, 'identity'));

    return true;
  } catch (error) {
    return !hasCode(error, 'NOT_ENROLLED');
  }
}

/** Made as soon as the pin has fitted, and before the token is sent. */
async function hasKeys(stateDir: string): Promise<boolean> {
  try {
    await access(join(stateDir, 'identity', IDENTITY_FILES.key));

    return true;
  } catch (error) {
    return !hasErrno(error, 'ENOENT');
  }
}

/** An enrollment that was cut off after its last step but one: the identity is whole, the runner does not know it yet. */
async function completeRunner(stateDir: string, runnerDir: string): Promise<void> {
  const identity = await loadIdentity(join(stateDir, 'identity'));

  try {
    await readRunnerHost(runnerDir);
  } catch (error) {
    if (!(error instanceof CodedError && error.code === 'NOT_ENROLLED')) throw error;
    await writeRunnerHost(runnerDir, identity);
  }
}

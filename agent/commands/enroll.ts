// `selvage-agent enroll`: from an address, a pin and a token to an identity. What the runner must know of it is written
// into its own folder here, so that it never depends on what the connector keeps.
import { hostname } from 'node:os';
import { join } from 'node:path';
import { CodedError, hasCode } from '@selvage/shared/errors/coded-error.ts';
import { enroll } from '../connector/enroll.ts';
import { loadIdentity } from '../connector/identity.ts';
import type { Context } from './context.ts';
import { machineIdOf } from './machine-id.ts';
import { prepareFolders, takeBack } from './ownership.ts';
import { readRunnerHost, writeRunnerHost } from './runner-host.ts';
import { unprivilegedUser } from './user.ts';
import { wayOut } from './way-out.ts';

const FROM_INPUT = '-';

export interface EnrollFlags {
  readonly collector: string;
  readonly pin: string;
  /** The token, or `-`: it comes on standard input. */
  readonly token: string;
  readonly name?: string;
  /** Started by root: what is made stays root's. */
  readonly sameUser?: boolean;
}

export async function enrollHost(context: Context, flags: EnrollFlags): Promise<void> {
  const settings = await context.settings();
  const { stateDir, runnerDir, mode } = settings;
  const user = flags.sameUser ? null : await unprivilegedUser(settings.user);
  if (user !== null) {
    // Before the token is spent on folders that nothing could rely on.
    await prepareFolders(settings, user);
    await takeBack(settings, user);
  }

  try {
    const enrolled = await enroll({
      url: flags.collector,
      pin: flags.pin,
      token: await tokenOf(context, flags),
      name: flags.name ?? hostname(),
      mode,
      machineId: await machineIdOf(settings.root),
      stateDir,
      runnerDir,
      connect: wayOut(settings, context.proxies),
    });
    await writeRunnerHost(runnerDir, enrolled);
    if (user !== null) await prepareFolders(settings, user);
    context.say(`enrolled as ${enrolled.name} (${enrolled.hostId}) with ${enrolled.collector}, mode ${mode}`);
    context.say('next: selvage-agent connect');
  } catch (error) {
    try {
      if (hasCode(error, 'ALREADY_ENROLLED')) await completeRunner(stateDir, runnerDir);
    } finally {
      // A connector that runs already would find its identity closed with its next connection.
      if (user !== null) await prepareFolders(settings, user);
    }
    throw error;
  }
}

/** Arguments of a process can be read by every user of the machine; standard input cannot. */
async function tokenOf(context: Context, { token }: EnrollFlags): Promise<string> {
  if (token !== FROM_INPUT) return token;
  const text = (await context.input()).trim();
  if (text === '') throw new CodedError('USAGE', 'there is no token on standard input');

  return text;
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

// The agent's units as a person meets them: whether this machine has them, whether they are on, and how they are put on.
import { existsSync } from 'node:fs';
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import type { Settings } from '../settings.ts';
import type { Context } from './context.ts';

const TARGET = 'selvage-agent.target';
export const TURN_ON = `systemctl enable --now ${TARGET}`;
const CONNECTOR = 'selvage-agent.service';
const DEADLINE_MS = 30_000;
const STATE_DEADLINE_MS = 5000;
/** Where the package puts the program; units of ours start nothing else. */
const PACKAGED = '/usr/lib/selvage-agent/';
/** sd_booted(3). */
const BOOTED = '/run/systemd/system';

/** The package's own agent, on a machine whose service manager is systemd. */
export function hasUnits({ entry }: Pick<Context, 'entry'>, { root }: Pick<Settings, 'root'>): boolean {
  return root === '/' && entry.startsWith(PACKAGED) && existsSync(BOOTED);
}

/** After an enrollment, also a new one: what runs already does so on the old identity. Throws PROCESS_FAILED. */
export async function turnOn({ run }: Pick<Context, 'run'>): Promise<void> {
  const systemctl = (...args: readonly string[]) => run({ file: 'systemctl', args, deadlineMs: DEADLINE_MS });
  const ran = (await systemctl('is-active', '--quiet', CONNECTOR)).exitCode === 0;
  await run({ file: 'systemctl', args: ['enable', '--now', TARGET], deadlineMs: DEADLINE_MS, check: true });
  if (ran) await systemctl('restart', CONNECTOR);
}

/** What is off of an enrolled agent, with what puts it on; null when nothing is, or when it cannot be told. */
export async function unitsOff(
  context: Pick<Context, 'entry' | 'run'>,
  settings: Settings,
): Promise<CodedError | null> {
  if (!hasUnits(context, settings)) return null;
  const { exitCode, stdout } = await context.run({
    file: 'systemctl',
    args: ['is-active', TARGET, CONNECTOR],
    deadlineMs: STATE_DEADLINE_MS,
  });
  const [target, connector] = stdout.trim().split('\n');
  // An ordinary user may have nobody to ask: then it says nothing.
  if (exitCode === 0 || target === undefined || connector === undefined) return null;
  if (target !== 'active')
    return new CodedError('SERVICE_OFF', `${TARGET} is ${target}: nothing of the agent runs by itself`);

  return new CodedError('SERVICE_OFF', `${CONNECTOR} is ${connector}: this host is not connected`, {
    next: `systemctl restart ${CONNECTOR}; journalctl -u ${CONNECTOR}`,
  });
}

// Enrolls this machine with a one-time token bound to its name, unless it is enrolled already.
import { existsSync } from 'node:fs';
import { chmod } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname } from 'node:path';
import { makeFolder, writeDurable } from '@selvage/shared/files/durable.ts';
import type { Commands } from './commands.ts';

interface CreatedToken {
  readonly token: string;
  readonly collector: string;
  readonly pin: string;
}

const TOKEN_LIFE = '10m';
/** The unprivileged halves of the agent pass through here; what is private lies in folders of its own. */
const OPEN_FOLDER = 0o755;
const PASS_ONLY = 0o711;
const READABLE = 0o644;

export async function enrollThisMachine(commands: Commands, say: (line: string) => void): Promise<void> {
  await writeSettingsOnce(commands.agentSettings);
  if (commands.enrolled()) {
    say('this machine is enrolled already: same identity');

    return;
  }

  const name = hostname();
  const created: CreatedToken = JSON.parse(
    await commands.selvage(['token', 'create', '--host', name, '--expires', TOKEN_LIFE, '--json']),
  );
  say(`enrolling ${name} with a one-time token, in mode observe`);
  const contact = ['--collector', created.collector, '--pin', created.pin, '--token', '-', '--name', name];
  await commands.agent(['enroll', '--same-user', ...contact], created.token);
}

/** The agent's own settings: mode observe, everything below the state folder. A file that is there stays as it is. */
async function writeSettingsOnce(path: string): Promise<void> {
  if (existsSync(path)) return;

  const stateDir = dirname(path);
  // The collector made its home 0700, with private folders in it; the agent's unprivileged half must pass, not look.
  await chmod(dirname(stateDir), PASS_ONLY);
  await makeFolder(stateDir, OPEN_FOLDER);
  await writeDurable(path, `${JSON.stringify({ mode: 'observe', stateDir }, null, 2)}\n`, { mode: READABLE });
}

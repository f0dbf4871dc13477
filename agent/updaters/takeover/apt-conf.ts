// The fragment of apt's configuration that a takeover writes: unattended-upgrades is off for cron, at shutdown, and for who starts
// its timer by hand. Only a file with exactly our text is ever removed.
import { join } from 'node:path';
import { readBounded } from '@selvage/shared/files/durable.ts';
import type { Files } from '../../runner/state-file.ts';

export const FRAGMENT = 'etc/apt/apt.conf.d/99selvage-takeover';
const TEXT = `// Written by selvage-agent takeover; selvage-agent release removes it.
APT::Periodic::Unattended-Upgrade "0";
Unattended-Upgrade::InstallOnShutdown "false";
`;
const MAX_BYTES = 64 * 1024;
const READABLE = 0o644;

/** `ours`, `absent`, or `foreign`: somebody changed it or wrote it. */
export async function fragmentState(root: string): Promise<'ours' | 'absent' | 'foreign'> {
  const bytes = await readBounded(join(root, FRAGMENT), MAX_BYTES);
  if (bytes === null) return 'absent';

  return Buffer.from(bytes).toString('utf8') === TEXT ? 'ours' : 'foreign';
}

export async function writeFragment(files: Files, root: string): Promise<void> {
  await files.write(join(root, FRAGMENT), TEXT, { mode: READABLE });
}

export async function removeFragment(files: Files, root: string): Promise<void> {
  await files.remove(join(root, FRAGMENT));
}

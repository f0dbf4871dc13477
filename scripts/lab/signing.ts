// An OpenPGP key of its own (ed25519) in a GNUPGHOME inside the lab's folder. No gpg-agent is left running after a call.
import { createHash } from 'node:crypto';
import { chmod, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { Run } from '@selvage/shared/exec/run.ts';

export interface ArchiveKey {
  /** Binary keyring with the public key, for Signed-By. */
  readonly keyring: string;
  /** The clear-signed form of `text`, as an InRelease holds it. */
  clearSign(text: string): Promise<string>;
}

const DEADLINE_MS = 120_000;
/** It is on its way; a hundred signatures are made in a run of all tests. */
const POLL_MS = 10;
const READABLE = 0o644;

/** Makes the key in `folder/<name>` and exports its public half to `folder/<name>.gpg`. Without a passphrase: it is a lab. */
export async function makeKey(run: Run, folder: string, name: string): Promise<ArchiveKey> {
  const home = join(folder, name);
  const keyring = join(folder, `${name}.gpg`);
  await mkdir(home, { recursive: true, mode: 0o700 });
  const sockets = await redirectSockets(home);
  const gpg = async (args: readonly string[], input?: string) => {
    try {
      return await run({
        file: 'gpg',
        args: ['--homedir', home, '--batch', '--no-tty', '--quiet', '--pinentry-mode', 'loopback', ...args],
        deadlineMs: DEADLINE_MS,
        check: true,
        ...(input === undefined ? {} : { input }),
      });
    } finally {
      await run({ file: 'gpgconf', args: ['--homedir', home, '--kill', 'all'], deadlineMs: DEADLINE_MS });
      await ended(home);
      await Promise.all(sockets.map((socket) => rm(socket, { force: true })));
    }
  };

  await gpg([
    '--passphrase',
    '',
    '--quick-generate-key',
    `Selvage ${name} <lab@example.org>`,
    'ed25519',
    'sign',
    'never',
  ]);
  await gpg(['--yes', '--output', keyring, '--export']);
  await chmod(keyring, READABLE);

  return {
    keyring,
    clearSign: async (text) => (await gpg(['--armor', '--clearsign', '--output', '-'], text)).stdout,
  };
}

/** It says that it will end before it has, and removes on its way whatever then stands in the place of its sockets: the next one's. */
async function ended(home: string): Promise<void> {
  const until = performance.now() + DEADLINE_MS;
  while (await hasAgent(home)) {
    if (performance.now() > until) throw new Error(`the gpg-agent of ${home} does not end`);
    await wait(POLL_MS);
  }
}

async function hasAgent(home: string): Promise<boolean> {
  const processes = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  // One that ends meanwhile has no command line any more.
  const lines = await Promise.all(processes.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')));

  return lines.some((line) => line.startsWith('gpg-agent\0') && line.split('\0').includes(home));
}

/**
 * gpg-agent puts its sockets into its home; a path of more than 107 bytes cannot be a socket. A file "%Assuan%" in its place
 * points elsewhere (Assuan manual, "Assuan socket redirection").
 */
async function redirectSockets(home: string): Promise<readonly string[]> {
  const unique = createHash('sha256').update(home).digest('hex').slice(0, 16);
  const names = ['S.gpg-agent', 'S.gpg-agent.extra', 'S.gpg-agent.browser', 'S.gpg-agent.ssh'];

  return Promise.all(
    names.map(async (name, index) => {
      const socket = join(tmpdir(), `selvage-lab-${unique}-${index}`);
      await writeFile(join(home, name), `%Assuan%\nsocket=${socket}\n`);

      return socket;
    }),
  );
}

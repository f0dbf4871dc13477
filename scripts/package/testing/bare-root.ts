// The root of a Debian with nothing but what apt needs, from the mirror this machine uses itself, and programs that run in it as in a
// machine of its own (chroot, own processes, the network of this machine). Needs root; nothing outside of the folder changes.
import { chmod, cp, mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Run, RunOutput } from '@selvage/shared/exec/run.ts';
import type { DaemonOptions } from '../../e2e/testing/daemon.ts';

/** Of one try; on a machine that does much else it takes two minutes. */
const BOOTSTRAP_DEADLINE_MS = 280_000;
/** A mirror is far away, and fails once in a while. */
const TRIES = 3;
const COMMAND_DEADLINE_MS = 180_000;
const USUAL_MIRROR = 'http://deb.debian.org/debian';
const FOLDER = 0o755;
/** Debian's stable at the time the agent was built for it; it has no libatomic1 and no Node of its own. */
const SUITE = 'bookworm';

export interface BareRoot {
  readonly folder: string;
  /** Runs a script of sh in it; the answer has its exit code. */
  sh(script: string): Promise<RunOutput>;
  /** How to start a program in it that stays. */
  daemon(command: readonly string[]): DaemonOptions;
  /** A file of this machine, put into its /tmp; returns the path there. */
  put(file: string): Promise<string>;
  /** Another one like it. */
  copy(folder: string): Promise<BareRoot>;
}

export async function bootstrap(folder: string, run: Run): Promise<BareRoot> {
  // What a try has brought the next one need not bring again.
  const cache = `${folder}.cache`;
  await mkdir(cache);
  const debootstrap = ['debootstrap', '--variant=minbase', `--cache-dir=${cache}`, SUITE, folder, await mirror()];
  // What it mounts goes with it, so that what it left can be removed.
  const command = { file: 'unshare', args: ['--mount', '--', ...debootstrap], deadlineMs: BOOTSTRAP_DEADLINE_MS };

  for (let tried = 1; ; tried++) {
    await mkdir(folder);
    try {
      await run({ ...command, check: true });
      await rm(cache, { recursive: true });

      return rootIn(folder, run);
    } catch (error) {
      if (tried === TRIES) throw error;
      await rm(folder, { recursive: true });
    }
  }
}

function rootIn(folder: string, run: Run): BareRoot {
  const inside = (command: readonly string[]) => ({
    file: 'unshare',
    args: [...NAMESPACES, `--mount-proc=${join(folder, 'proc')}`, 'chroot', folder, ...command],
    env: { HOME: '/root', DEBIAN_FRONTEND: 'noninteractive' },
  });

  return {
    folder,
    sh: (script) => run({ ...inside(['/bin/sh', '-c', script]), deadlineMs: COMMAND_DEADLINE_MS }),
    daemon: inside,
    put: async (file) => {
      const path = join('/tmp', file.slice(file.lastIndexOf('/') + 1));
      await cp(file, join(folder, path));

      return path;
    },
    copy: async (target) => {
      await run({ file: 'cp', args: ['-a', folder, target], deadlineMs: COMMAND_DEADLINE_MS, check: true });

      return rootIn(target, run);
    },
  };
}

const NAMESPACES = ['--mount', '--pid', '--fork', '--kill-child'];

/** Other users work in it too: every folder above it must let them through. */
export async function openFolder(path: string): Promise<string> {
  await chmod(path, FOLDER);

  return path;
}

/** The first of this machine's own sources for the distribution itself. */
async function mirror(): Promise<string> {
  for (const file of ['/etc/apt/sources.list.d/debian.sources', '/etc/apt/sources.list']) {
    const text = await readFile(file, 'utf8').catch(() => '');
    const found = /^(?:URIs:\s*|deb\s+(?:\[[^\]]*\]\s+)?)(https?:\/\/\S+\/debian\/?)(?:\s|$)/m.exec(text)?.[1];
    if (found !== undefined) return found;
  }

  return USUAL_MIRROR;
}

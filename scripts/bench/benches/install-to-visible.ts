// From the moment at which apt has installed the agent's package on a bare Debian to its inventory in a real collector: enrollment,
// connection, package lists and the first inventory, as an admin would do it by hand. Needs root, debootstrap and the mirror.
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import { createRun } from '@selvage/shared/exec/run.ts';
import { ask, documentOf, stay } from '../../lab/commands.ts';
import { waitFor } from '../../lab/waiting.ts';
import { type BareRoot, bootstrap, openFolder } from '../../package/testing/bare-root.ts';
import { realPackages } from '../../package/testing/real-packages.ts';
import type { Bench } from '../bench.ts';
import { makeHome, startOurs } from '../gateway/servers.ts';

const SELVAGE = join(import.meta.dirname, '../../../collector/bin/selvage.mjs');
const RUNS = 12;
const QUICK_RUNS = 2;
const VISIBLE_DEADLINE_MS = 180_000;
const MEGABYTE = 1e6;
const S = 1000;
const run = createRun(process.env);

interface Times {
  readonly installMs: number;
  readonly enrollMs: number;
  /** From installed to visible. */
  readonly visibleMs: number;
}

interface Made {
  readonly token: string;
  readonly pin: string;
  readonly collector: string;
}

export const installToVisible: Bench = {
  name: 'install-to-visible',
  describe: 'package installed on a bare Debian → inventory visible at the collector',
  run: async ({ folder, say, quick }) => {
    if (process.getuid?.() !== 0) throw new CodedError('TOOL_MISSING', 'only root can install packages into a root');
    const runs = quick ? QUICK_RUNS : RUNS;
    const work = join(folder, 'roots');
    await mkdir(work);
    for (const path of [folder, work]) await openFolder(path);
    say('building the package and a bare root');
    const bare = await bootstrap(join(work, 'bare'), run);
    const file = await (await realPackages(join(folder, 'packages'), run)).build('agent', 'deb', '0.1.0');
    const { home, authority } = await makeHome(folder);
    const collector = await startOurs(folder, home, authority);
    const selvage = async <T>(...args: readonly string[]) =>
      documentOf<T>(
        await ask(
          run,
          { file: process.execPath, args: [SELVAGE, ...args, '--json'], env: { SELVAGE_HOME: home } },
          args.join(' '),
        ),
      );
    const visible = async (name: string) => {
      const { hosts } = await selvage<{ hosts: { name: string; inventoryAt: string | null }[] }>('host', 'list');

      return hosts.find((host) => host.name === name)?.inventoryAt ?? null;
    };
    const times: Times[] = [];

    try {
      const made = await selvage<Made>('token', 'create', '--uses', `${runs}`);
      for (let number = 1; number <= runs; number++) {
        const root = await bare.copy(join(work, `${number}`));
        times.push(await once(root, file, `host-${number}`, { made, visible }));
        const [last] = times.slice(-1);
        say(`run ${number}: visible ${told(last?.visibleMs)} after it was installed`);
        await run({
          file: 'rm',
          args: ['-rf', '--one-file-system', '--', root.folder],
          deadlineMs: VISIBLE_DEADLINE_MS,
        });
      }
    } finally {
      await collector.stop();
    }

    const sorted = times.map(({ visibleMs }) => visibleMs).sort((a, b) => a - b);
    const middle = (of: (each: Times) => number) => times.map(of).sort((a, b) => a - b)[Math.floor(runs / 2)];

    return [
      {
        name: 'install-to-visible.p95',
        unit: 's',
        ours: (sorted[Math.ceil(runs * 0.95) - 1] ?? Number.NaN) / S,
        peer: null,
        target: { atMost: 30 },
        notes: [
          `of ${runs} runs, each in a root of its own: ${sorted.map((ms) => (ms / S).toFixed(1)).join(' ')} s`,
          `medians: apt-get install ${told(middle(({ installMs }) => installMs))} before it, enrollment ${told(middle(({ enrollMs }) => enrollMs))} of it`,
          'package lists are brought from the mirror for the first time; watching the collector costs up to one start of its command',
          ...(quick ? ['--quick: few runs'] : []),
        ],
      },
    ];
  },
};

async function once(
  root: BareRoot,
  file: string,
  name: string,
  { made, visible }: { readonly made: Made; readonly visible: (name: string) => Promise<string | null> },
): Promise<Times> {
  const path = await root.put(file);
  const began = performance.now();
  await checked(root, `apt-get install -y ${path}`);
  const installed = performance.now();
  const { collector, pin, token } = made;
  await checked(root, `selvage-agent enroll --collector ${collector} --pin ${pin} --token ${token} --name ${name}`);
  const enrolled = performance.now();
  const agent = stay(
    run,
    { ...root.daemon(['selvage-agent', 'connect', '--with-runner']), outputLimit: MEGABYTE },
    name,
  );

  try {
    await waitFor(
      `${name} with its inventory`,
      () => visible(name),
      VISIBLE_DEADLINE_MS,
      () => agent.lines.slice(-10),
    );

    return { installMs: installed - began, enrollMs: enrolled - installed, visibleMs: performance.now() - installed };
  } finally {
    await agent.stop();
  }
}

async function checked(root: BareRoot, script: string): Promise<void> {
  const { exitCode, stdout, stderr } = await root.sh(script);
  if (exitCode !== 0) throw new CodedError('PROCESS_FAILED', `"${script.split(' ', 2).join(' ')}": ${stderr}${stdout}`);
}

function told(ms: number | undefined): string {
  return ms === undefined ? 'never' : `${(ms / S).toFixed(1)} s`;
}

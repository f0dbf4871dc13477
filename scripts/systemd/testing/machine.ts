// A machine with a real systemd: PID 1 of its own namespaces (mounts, processes, network, control groups) over an overlay of `/`. It boots in a
// second, can be restarted on the same disk, and never changes the machine around it. Needs root.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, readFile, readlink, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { createRun, type RunOptions, type RunOutput } from '@selvage/shared/exec/run.ts';
import { temporaryFolder } from '@selvage/shared/testing/temporary-folder.ts';
import { afterAll } from 'vitest';
import { waitFor } from '../../lab/waiting.ts';

export interface Machine {
  /** Process id of its PID 1, as this machine sees it. */
  readonly pid: number;
  /** Its root, as this process can read and write it while it runs. */
  readonly root: string;
  /** Files that it wrote or changed, while it is down. */
  readonly disk: string;
  /** Leads a command into its network, which is there whether it is up or down: for what is to be reached from inside. */
  readonly network: readonly string[];
  /** Runs a program inside, as root, outside of every unit. */
  inside(file: string, args: readonly string[], options?: Partial<RunOptions>): Promise<RunOutput>;
  /** The same; throws with what it printed when it did not end well. Returns what it printed. */
  command(file: string, ...args: readonly string[]): Promise<string>;
  systemctl(...args: readonly string[]): Promise<RunOutput>;
  /** Properties of a unit, as `systemctl show` tells them. */
  show(unit: string): Promise<Readonly<Record<string, string>>>;
  /** Until `seen` says yes to the properties of the unit. */
  until(unit: string, what: string, seen: (properties: Readonly<Record<string, string>>) => boolean): Promise<void>;
  /** The first answer that ended well: what is started may not listen yet. */
  answers(ask: () => Promise<RunOutput>): Promise<RunOutput>;
  /** Messages of a unit, the manager's own about it too; oldest first. */
  journal(unit: string): Promise<readonly string[]>;
  put(path: string, content: string | Uint8Array, mode?: number): Promise<void>;
  read(path: string): Promise<string>;
  /** Orderly, as a person does it; then `boot` again. */
  shutDown(): Promise<void>;
  /** As a power cut does it. */
  cut(): Promise<void>;
  boot(): Promise<void>;
}

const COMMAND_DEADLINE_MS = 120_000;
const DEADLINE_MS = 180_000;
const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
const FILE = 0o644;
const here = import.meta.dirname;
const CHECKOUT = join(here, '../../..');
const run = createRun(process.env);
const machines = new Set<{ end(): Promise<void> }>();

afterAll(async () => {
  for (const machine of machines) await machine.end();
});

export async function bootMachine(): Promise<Machine> {
  const folder = temporaryFolder('systemd');
  const machine = new Booted(folder, await layCable());
  machines.add(machine);
  await machine.boot();

  return machine;
}

/** Holds a network of its own until its input ends, with this process at the latest. */
async function layCable(): Promise<ChildProcess> {
  const cable = spawn('unshare', ['-n', 'cat'], { stdio: ['pipe', 'ignore', 'inherit'] });
  const own = await readlink('/proc/self/ns/net');
  const other = async () => {
    try {
      return (await readlink(`/proc/${cable.pid}/ns/net`)) === own ? null : true;
    } catch {
      // It has not begun, or it has ended with an error that was printed.
      return null;
    }
  };
  await waitFor('a network', other, DEADLINE_MS);

  return cable;
}

class Booted implements Machine {
  readonly #folder: string;
  readonly #cable: ChildProcess;
  #outer: ChildProcess | null = null;
  #said = '';
  pid = 0;

  constructor(folder: string, cable: ChildProcess) {
    this.#folder = folder;
    this.#cable = cable;
  }

  get root(): string {
    return `/proc/${this.pid}/root`;
  }

  get disk(): string {
    return join(this.#folder, 'upper');
  }

  get network(): readonly string[] {
    return ['nsenter', `--net=/proc/${this.#cable.pid}/ns/net`, '--'];
  }

  async boot(): Promise<void> {
    const [file = '', ...enter] = this.network;
    const command = ['unshare', '-m', 'sh', join(here, 'boot.sh'), this.#folder, join(here, 'init.sh'), CHECKOUT];
    const outer = spawn(file, [...enter, ...command], { stdio: 'pipe', detached: true });
    this.#outer = outer;
    for (const stream of [outer.stdout, outer.stderr]) {
      stream.on('data', (bytes: Buffer) => {
        this.#said += bytes.toString();
      });
    }
    this.pid = await waitFor(
      'systemd to be PID 1',
      () => this.#systemd(outer),
      DEADLINE_MS,
      () => this.#said,
    );
    // Its socket comes before it answers.
    await waitFor(
      'systemd to be up',
      async () => (/running|degraded/.test((await this.systemctl('is-system-running', '--wait')).stdout) ? true : null),
      DEADLINE_MS,
      () => this.#said,
    );
  }

  async #systemd(outer: ChildProcess): Promise<number | null> {
    if (outer.exitCode !== null) throw new Error(`no namespaces: ${this.#said}`);

    try {
      const children = await readFile(`/proc/${outer.pid}/task/${outer.pid}/children`, 'utf8');
      for (const pid of children.split(' ').filter((word) => word !== '')) {
        if ((await readFile(`/proc/${pid}/comm`, 'utf8')).trim() === 'systemd') return Number(pid);
      }
    } catch {
      // It is still on its way from one program to the next.
    }

    return null;
  }

  inside(file: string, args: readonly string[], options: Partial<RunOptions> = {}): Promise<RunOutput> {
    const enter = ['-t', `${this.pid}`, '-m', '-n', '-p', '-u', '-i', '-C', '--', 'env', '-i', `PATH=${PATH}`];

    return run({
      deadlineMs: COMMAND_DEADLINE_MS,
      ...options,
      file: 'nsenter',
      args: [...enter, 'HOME=/root', 'LC_ALL=C.UTF-8', 'TZ=UTC', file, ...args],
    });
  }

  async command(file: string, ...args: readonly string[]): Promise<string> {
    const { exitCode, stdout, stderr } = await this.inside(file, args);
    if (exitCode !== 0) throw new Error(`${file} ${args.join(' ')} ended with ${exitCode}: ${stderr}${stdout}`);

    return stdout;
  }

  systemctl(...args: readonly string[]): Promise<RunOutput> {
    return this.inside('systemctl', ['--no-pager', ...args]);
  }

  async show(unit: string): Promise<Readonly<Record<string, string>>> {
    const text = await this.command('systemctl', 'show', '--no-pager', '--', unit);

    return Object.fromEntries(
      text.split('\n').map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
    );
  }

  async until(
    unit: string,
    what: string,
    seen: (properties: Readonly<Record<string, string>>) => boolean,
  ): Promise<void> {
    let last: readonly string[] = [];
    const look = async () => {
      const properties = await this.show(unit);
      if (seen(properties)) return true;
      last = [`${unit} is ${properties.ActiveState} (${properties.SubState}), ${properties.Result}`];

      return null;
    };

    try {
      await waitFor(`${unit}: ${what}`, look, DEADLINE_MS, () => last);
    } catch (error) {
      throw new Error(`${last.join()}:\n${(await this.journal(unit)).slice(-30).join('\n')}`, { cause: error });
    }
  }

  answers(ask: () => Promise<RunOutput>): Promise<RunOutput> {
    let last: RunOutput | null = null;

    return waitFor(
      'an answer',
      async () => {
        last = await ask();

        return last.exitCode === 0 ? last : null;
      },
      DEADLINE_MS,
      () => last,
    );
  }

  async journal(unit: string): Promise<readonly string[]> {
    const text = await this.command('journalctl', '--no-pager', '--quiet', '--output=cat', `--unit=${unit}`);

    return text.split('\n').filter((line) => line !== '');
  }

  async put(path: string, content: string | Uint8Array, mode = FILE): Promise<void> {
    const place = join(this.root, path);
    await mkdir(dirname(place), { recursive: true });
    await writeFile(place, content);
    await chmod(place, mode);
  }

  read(path: string): Promise<string> {
    return readFile(join(this.root, path), 'utf8');
  }

  async shutDown(): Promise<void> {
    const outer = this.#outer;
    if (outer === null) return;
    const ended = once(outer, 'exit');
    await this.systemctl('poweroff', '--no-wall');
    await ended;
    this.#outer = null;
  }

  async cut(): Promise<void> {
    const outer = this.#outer;
    if (outer === null) return;
    const ended = outer.exitCode === null && outer.signalCode === null ? once(outer, 'exit') : null;
    if (this.pid !== 0) process.kill(this.pid, 'SIGKILL');
    outer.kill('SIGKILL');
    await ended;
    this.#outer = null;
  }

  async end(): Promise<void> {
    await this.cut();
    this.#cable.stdin?.end();
    // The control groups that systemd made below ours.
    const path = join(this.#folder, 'cgroup');
    const sweep = `mount -t cgroup2 cgroup2 ${path} && find ${path}/${basename(this.#folder)} -depth -type d -exec rmdir {} +`;
    await waitFor(
      'its control groups to be empty',
      async () =>
        (await run({ file: 'unshare', args: ['-m', 'sh', '-c', sweep], deadlineMs: DEADLINE_MS })).exitCode === 0
          ? true
          : null,
      DEADLINE_MS,
    );
  }
}

// A host for tests: a root folder with sources and a dpkg status, observed by the real apt in folders of its own.
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createRun, type Run } from '@selvage/shared/exec/run.ts';
import type { Clock } from '@selvage/shared/time/clock.ts';
import { systemClock } from '@selvage/shared/time/clock.ts';
import type { Observer } from '../../provider.ts';
import type { UnprivilegedUser } from '../apt-config.ts';
import { createAptObserver } from '../observer.ts';

export interface TestHost {
  readonly root: string;
  readonly stateDir: string;
  /** Every program that was started, as `file first-argument`. */
  readonly started: string[];
  /** Awaited before a program is started; for what happens at the worst moment. */
  beforeRun: (file: string) => Promise<void>;
  observer(options?: { readonly clock?: Clock; readonly maxAge?: number }): Observer;
  /** Writes etc/apt/sources.list.d/<name>. */
  source(name: string, text: string): void;
  /** Replaces the dpkg status by these packages: `name version arch [selection]`. */
  install(...packages: readonly string[]): void;
  write(path: string, text: string): void;
}

const DAY_MS = 86_400_000;
const NOBODY: UnprivilegedUser = { uid: 65534, gid: 65534 };

/** Whom apt runs as in tests: nobody when they run as root, else the user itself. */
export const testUser = process.getuid?.() === 0 ? NOBODY : null;

/** `folder` is made enterable by everybody, since the unprivileged user works in it. `environment` is that of the agent. */
export function makeHost(folder: string, environment: Readonly<Record<string, string>> = {}): TestHost {
  const root = join(folder, 'root');
  const stateDir = join(folder, 'state');
  const started: string[] = [];
  const real = createRun(environment);
  const run: Run = async (options) => {
    started.push(`${options.file} ${options.args?.[0] ?? ''}`);
    await host.beforeRun(options.file);

    return real(options);
  };
  const write = (path: string, text: string) => {
    mkdirSync(join(root, path, '..'), { recursive: true });
    writeFileSync(join(root, path), text);
  };

  chmodSync(folder, 0o755);
  mkdirSync(stateDir, { recursive: true });
  mkdirSync(join(root, 'etc/apt/sources.list.d'), { recursive: true });
  write('var/lib/dpkg/status', '');

  const host: TestHost = {
    root,
    stateDir,
    started,
    beforeRun: () => Promise.resolve(),
    write,
    observer: ({ clock = systemClock, maxAge = DAY_MS } = {}) =>
      createAptObserver({ root, stateDir, run, clock, unprivileged: testUser, maxAge }),
    source: (name, text) => write(`etc/apt/sources.list.d/${name}`, text),
    install: (...packages) =>
      write(
        'var/lib/dpkg/status',
        packages
          .map((line) => {
            const [name, version, arch, selection = 'install'] = line.split(' ');

            return `Package: ${name}\nStatus: ${selection} ok installed\nArchitecture: ${arch}\nMaintainer: x <x@example.org>\nVersion: ${version}\nDescription: x\n\n`;
          })
          .join(''),
      ),
  };

  return host;
}

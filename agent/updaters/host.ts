// The host as updaters are looked for on it: files below a root, and systemd where it runs. It only reads.
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Run } from '@selvage/shared/exec/run.ts';
import type { Clock } from '@selvage/shared/time/clock.ts';
import { allowedNow, namesNow, textNow } from '../inventory/files.ts';
import { createUnits, type Units } from './units.ts';
import type { UpdaterHost } from './updater.ts';

export interface HostOptions {
  readonly root: string;
  readonly zone: string;
  readonly run: Run;
  readonly clock: Clock;
  /** Default: systemd of the root. */
  readonly units?: Units;
}

/** Configuration of an updater has a few KiB. */
const MAX_BYTES = 1024 * 1024;
const ANY_EXECUTE = 0o111;

export function updaterHost({ root, zone, run, clock, units }: HostOptions): UpdaterHost {
  const at = (path: string) => join(root, path);

  return {
    root,
    zone,
    now: clock.now(),
    run,
    units: units ?? createUnits({ root, run }),
    has: (path) => existsSync(at(path)),
    text: (path) => textNow(at(path), MAX_BYTES),
    isScript: (path) => {
      const facts = allowedNow(() => statSync(at(path)));

      return facts?.isFile() === true && facts.size <= MAX_BYTES;
    },
    isExecutable: (path) => ((allowedNow(() => statSync(at(path)))?.mode ?? 0) & ANY_EXECUTE) !== 0,
    names: (path) => namesNow(at(path)),
  };
}

// A host for tests of takeovers: real files below a folder, units in memory, and a crash wherever a test wants one.
import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { fakeClock } from '@selvage/shared/testing/fake-clock.ts';
import { temporaryFolder } from '@selvage/shared/testing/temporary-folder.ts';
import type { Clock } from '@selvage/shared/time/clock.ts';
import { writeTree } from '../../inventory/testing/context.ts';
import { durableFiles, type Files } from '../../runner/state-file.ts';
import { updaterHost } from '../host.ts';
import { takeoverFile } from '../takeover/state.ts';
import type { TakeoverDoor } from '../takeover/take.ts';
import type { UpdaterHost } from '../updater.ts';
import { type FakeUnit, type FakeUnits, fakeUnits } from './fake-units.ts';

const top = temporaryFolder('updaters');
const START = '2026-11-23T12:00:00Z';

export interface HostLab {
  readonly root: string;
  readonly units: FakeUnits;
  readonly door: TakeoverDoor;
  /** Snaps: what `snap get -d system` says of refresh.hold. */
  snapHold: string | null;
  /** Before each change to units, snaps or the saved state; throws to cut it off. */
  before: (change: string) => void;
  host(): UpdaterHost;
}

export function hostLab(
  files: Readonly<Record<string, string>>,
  units: Readonly<Record<string, FakeUnit>>,
  clock: Clock = fakeClock(START),
): HostLab {
  const root = mkdtempSync(join(top, 'host-'));
  writeTree(root, { 'etc/apt/apt.conf.d/.keep': '', ...files });
  const fake = fakeUnits(units);
  fake.before = (change) => self.before(change);
  const run = async ({ file, args = [] }: { readonly file: string; readonly args?: readonly string[] }) => {
    const line = [file, ...args].join(' ');
    if (line !== 'snap get -d system') self.before(line);
    if (line === 'snap refresh --hold') self.snapHold = 'forever';
    else if (line === 'snap refresh --unhold') self.snapHold = null;
    else if (line.startsWith('snap set system refresh.hold=')) self.snapHold = line.slice(line.indexOf('=') + 1);
    const stdout = JSON.stringify({
      ...(self.snapHold ? { refresh: { hold: self.snapHold } } : {}),
      seed: { loaded: true },
    });

    return { stdout, stderr: '', exitCode: 0 };
  };
  // Before and after: a crash may come on either side of a write.
  const writes: Files = {
    write: async (path, data, options) => {
      self.before(`write ${path}`);
      await durableFiles.write(path, data, options);
      self.before(`wrote ${path}`);
    },
    remove: async (path) => {
      self.before(`remove ${path}`);
      await durableFiles.remove(path);
      self.before(`removed ${path}`);
    },
  };
  const host = () => updaterHost({ root, zone: 'UTC', run, clock, units: fake });
  const self: HostLab = {
    root,
    units: fake,
    snapHold: null,
    before: () => undefined,
    host,
    door: { host, file: takeoverFile(root), now: () => clock.now(), files: writes },
  };

  return self;
}

export const UNATTENDED: Readonly<Record<string, string>> = {
  'usr/bin/unattended-upgrade': '',
  'etc/apt/apt.conf.d/20auto-upgrades':
    'APT::Periodic::Update-Package-Lists "1";\nAPT::Periodic::Unattended-Upgrade "1";\n',
};

// Every log of this host that tells of packages, read and put together. One that cannot be read is said; the others stand.
import { type Changes, MAX_TOLD, MAX_TOLD_CHANGES } from '@selvage/shared/model/changes.ts';
import type { InventoryContext } from '../context.ts';
import { readText } from '../files.ts';
import { aptTold, parseAptHistory } from './apt-history.ts';
import { DNF_FILES, readDnfHistory } from './dnf-history.ts';
import { parseDpkgLog } from './dpkg-log.ts';
import { readLog } from './logs.ts';
import { bounded, dpkgOnly, rpmOnly } from './merge.ts';
import { parsePacmanLog } from './pacman-log.ts';
import { toldByRpm } from './rpm-times.ts';
import { parseZyppHistory } from './zypp-history.ts';

/** Bytes of text of one log, unpacked: years of a server that installs updates every day. */
const LOG_BUDGET = 4 * 1024 * 1024;
/** dpkg's has some 60 lines for one of apt's: the last months, for what was done with dpkg alone. */
const DPKG_BUDGET = 1024 * 1024;
const MAX_PASSWD = 4 * 1024 * 1024;

export async function collectHistory(context: InventoryContext): Promise<Changes> {
  const { zone } = context.settings;
  const log = (folder: string, name: string, budget = LOG_BUDGET) => readLog(context.at(folder), name, budget);
  const [apt, dpkg, zypp, pacman, dnf, rpm] = await Promise.all([
    log('var/log/apt', 'history.log'),
    log('var/log', 'dpkg.log', DPKG_BUDGET),
    log('var/log/zypp', 'history'),
    log('var/log', 'pacman.log'),
    dnfOf(context),
    rpmOf(context),
  ]);
  const entries = parseAptHistory(apt.text, zone);
  const alone = dpkgOnly(parseDpkgLog(dpkg.text, zone, dpkg.complete), entries);
  const ofRpm = [...dnf.flatMap(({ told }) => told), ...parseZyppHistory(zypp.text, zone)];
  const told = [...aptTold(entries), ...alone, ...ofRpm, ...rpmOnly(rpm, ofRpm), ...parsePacmanLog(pacman.text)];
  const all = [apt, dpkg, zypp, pacman, ...dnf];

  return bounded(
    { told, complete: all.every(({ complete }) => complete), problems: all.flatMap(({ problems }) => problems) },
    { most: MAX_TOLD, changes: MAX_TOLD_CHANGES },
  );
}

async function dnfOf(context: InventoryContext) {
  const text = (await readText(context.at('etc/passwd'), MAX_PASSWD).catch(() => null)) ?? '';
  const users = new Map(
    [...text.matchAll(/^([^:\n]+):[^:\n]*:(\d{1,10}):/gm)].map(([, name, uid]) => [Number(uid), name ?? '']),
  );

  return Promise.all(
    DNF_FILES.map(({ path, flavour }) =>
      readDnfHistory(context.at(path), flavour, { most: MAX_TOLD, changes: MAX_TOLD_CHANGES, users }),
    ),
  );
}

/** A database that cannot be read is the business of the section of packages, which says so. */
async function rpmOf(context: InventoryContext) {
  if (!context.observers.some(({ name }) => name === 'dnf' || name === 'zypper')) return [];

  return toldByRpm(await context.installed().catch(() => []));
}

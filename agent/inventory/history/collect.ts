// Every log of this host that tells of packages, read and put together.
import { type Changes, MAX_TOLD, MAX_TOLD_CHANGES } from '@selvage/shared/model/changes.ts';
import type { InventoryContext } from '../context.ts';
import { aptTold, parseAptHistory } from './apt-history.ts';
import { readLog } from './logs.ts';
import { bounded } from './merge.ts';

/** Bytes of text, unpacked: years of a server that installs updates every day. */
const APT_BUDGET = 4 * 1024 * 1024;

export async function collectHistory(context: InventoryContext): Promise<Changes> {
  const { zone } = context.settings;
  const apt = await readLog(context.at('var/log/apt'), 'history.log', APT_BUDGET);

  return bounded(
    { told: aptTold(parseAptHistory(apt.text, zone)), complete: apt.complete, problems: apt.problems },
    { most: MAX_TOLD, changes: MAX_TOLD_CHANGES },
  );
}

// Whether the host must be rebooted, each reason by itself. A note older than the last boot is done with, whatever left it.
import { stat } from 'node:fs/promises';
import { kernelReason } from '@selvage/shared/linux/kernel-release.ts';
import type { Section } from '@selvage/shared/model/inventory.ts';
import type { InventoryContext } from '../context.ts';
import { allowed, readText } from '../files.ts';
import { collectKernel } from './kernel.ts';
import { bootTime } from './os.ts';

const NOTES = ['run/reboot-required', 'var/run/reboot-required'];

export async function collectReboot(context: InventoryContext): Promise<Section<'reboot'>> {
  const kernel = kernelReason(await collectKernel(context));
  const reasons = [await noteReason(context), kernel].filter((reason) => reason !== null);

  return { required: reasons.length > 0, reasons };
}

/** update-notifier(5) and the hooks of Debian's packages write the file, and the package names beside it. */
async function noteReason(context: InventoryContext): Promise<string | null> {
  const booted = await bootTime(context.proc);

  for (const note of NOTES) {
    const facts = await allowed(stat(context.at(note)));
    if (!facts || facts.mtimeMs < booted.epochMilliseconds) continue;
    const packages = ((await readText(context.at(`${note}.pkgs`))) ?? '').split('\n').filter((name) => name !== '');
    const by = packages.length === 0 ? '' : ` by ${[...new Set(packages)].sort().join(', ')}`;

    return `asked for in /${note}${by}`;
  }

  return null;
}

// Other programs that may update this host by themselves. Three updaters fight each other; here they are seen.
import type { Section } from '@selvage/shared/model/inventory.ts';
import { updaterHost } from '../../updaters/host.ts';
import { lookForUpdaters } from '../../updaters/list.ts';
import type { InventoryContext } from '../context.ts';

export async function collectUpdaters({ settings, run, clock }: InventoryContext): Promise<Section<'updaters'>> {
  const updaters = await lookForUpdaters(updaterHost({ root: settings.root, zone: settings.zone, run, clock }));

  return updaters.map(({ name, kind, installs, enabled, nextRun, detail, units }) => ({
    name,
    kind,
    installs,
    enabled,
    nextRun: nextRun?.toString() ?? null,
    detail,
    units: units.map(({ name: unit, state }) => ({ name: unit, state })),
  }));
}

// Advisories that this host's package managers have in their caches. Hosts without repositories of rpm have none, which is complete.
import type { Section } from '@selvage/shared/model/inventory.ts';
import type { InventoryContext } from '../context.ts';

export async function collectUpdateinfo(context: InventoryContext): Promise<Section<'updateinfo'>> {
  for (const observer of context.observers) {
    const found = await observer.advisories?.(await context.installed());
    if (found) return found;
  }

  return { asOf: null, complete: true, problems: [], notices: [] };
}

// Enabled repositories and how true their lists are.
import type { Section } from '@selvage/shared/model/inventory.ts';
import type { InventoryContext } from '../context.ts';

export async function collectRepositories(context: InventoryContext): Promise<Section<'repositories'>> {
  return [...(await context.repositories())];
}

// Pending updates, or why they are not known. Zero is only ever said when every repository may be believed.
import type { Section } from '@selvage/shared/model/inventory.ts';
import type { InventoryContext } from '../context.ts';
import { whatIsKnown } from '../known.ts';

export async function collectUpdates(context: InventoryContext): Promise<Section<'updates'>> {
  const knowledge = whatIsKnown(await context.repositories());
  if (!knowledge.known) return knowledge;
  const pending = (await Promise.all(context.observers.map((observer) => observer.pending()))).flat();

  return { ...knowledge, pending };
}

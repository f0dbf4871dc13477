// What this host's own logs tell of changes of packages, by whoever made them: bounded, newest first, each once.
import type { Section } from '@selvage/shared/model/inventory.ts';
import type { InventoryContext } from '../context.ts';
import { collectHistory } from '../history/collect.ts';

export function collectChanges(context: InventoryContext): Promise<Section<'changes'>> {
  return collectHistory(context);
}

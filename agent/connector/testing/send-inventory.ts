// The whole way of an inventory into the outbox, as the resident agent and its child go it together.
import type { Inventory } from '@selvage/shared/model/inventory.ts';
import { packInventory } from '../../inventory/parcel.ts';
import { sendParcel, sentSections } from '../inventory-sender.ts';
import type { Outbox } from '../outbox.ts';

export async function sendInventory(inventory: Inventory, outbox: Outbox): Promise<void> {
  await sendParcel(await packInventory(inventory, await sentSections(outbox)), outbox);
}

// Installed packages of every package manager on the host, whole or not at all.
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import type { Section } from '@selvage/shared/model/inventory.ts';
import type { InventoryContext } from '../context.ts';

export async function collectPackages(context: InventoryContext): Promise<Section<'packages'>> {
  // No manager is no knowledge: an empty list would say that the host has no software.
  if (context.observers.length === 0) {
    throw new CodedError('NOT_BUILT', 'this host has no package manager that Selvage knows (apt, dnf, zypper)');
  }

  return [...(await context.installed())];
}

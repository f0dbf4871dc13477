// Installed packages of every package manager on the host, whole or not at all.
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import type { Section } from '@selvage/shared/model/inventory.ts';
import type { InventoryContext } from '../context.ts';

export async function collectPackages(context: InventoryContext): Promise<Section<'packages'>> {
  // No manager is no knowledge: an empty list would say that the host has no software.
  if (context.observers.length === 0) {
    throw new CodedError('NOT_BUILT', 'this host has no package manager that Selvage knows (apt, dnf, zypper)');
  }

  const installed = await context.installed();
  const [observer, ...others] = context.observers;
  // Of several package managers none knows the packages of all.
  if (others.length > 0 || !observer?.withOrigins) return [...installed];
  try {
    return [...(await observer.withOrigins(installed))];
  } catch {
    // Whose builds they are is not known then; what is installed still is.
    return [...installed];
  }
}

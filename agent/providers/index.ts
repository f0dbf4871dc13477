// The visible list of package managers: one line per provider. Only a main calls these.
import type { ProviderName } from '@selvage/shared/model/package.ts';
import { type AptObserverOptions, createAptObserver } from './apt/observer.ts';
import type { Observer } from './provider.ts';
import { createRpmObserver } from './rpm/observer.ts';

export type ObserverOptions = AptObserverOptions;

export const OBSERVERS: Partial<Record<ProviderName, (options: ObserverOptions) => Observer>> = {
  apt: createAptObserver,
  dnf: (options) => createRpmObserver('dnf', options),
  zypper: (options) => createRpmObserver('zypper', options),
};

/** The observers of the package managers that this host has. */
export async function detectObservers(options: ObserverOptions): Promise<readonly Observer[]> {
  const all = Object.values(OBSERVERS).map((create) => create(options));
  const found = await Promise.all(all.map((observer) => observer.detect()));

  return all.filter((_, index) => found[index]);
}

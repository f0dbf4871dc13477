// The visible list of sections: one file and one line each. The compiler refuses a list that misses one.
import type { Section, SectionName } from '@selvage/shared/model/inventory.ts';
import type { InventoryContext } from '../context.ts';
import { collectAgent } from './agent.ts';
import { collectChanges } from './changes.ts';
import { collectContainers } from './containers.ts';
import { collectHardware } from './hardware.ts';
import { collectKernel } from './kernel.ts';
import { collectLanguagePackages } from './language-packages.ts';
import { collectListeners } from './listeners.ts';
import { collectNetwork } from './network.ts';
import { collectOs } from './os.ts';
import { collectPackages } from './packages.ts';
import { collectReboot } from './reboot.ts';
import { collectRepositories } from './repositories.ts';
import { collectServices } from './services.ts';
import { collectStaleProcesses } from './stale-processes.ts';
import { collectUpdateinfo } from './updateinfo.ts';
import { collectUpdaters } from './updaters.ts';
import { collectUpdates } from './updates.ts';
import { collectUsers } from './users.ts';

export type Collectors = {
  readonly [N in SectionName]: (context: InventoryContext) => Promise<Section<N>>;
};

export const COLLECTORS: Collectors = {
  os: collectOs,
  kernel: collectKernel,
  hardware: collectHardware,
  network: collectNetwork,
  listeners: collectListeners,
  services: collectServices,
  users: collectUsers,
  packages: collectPackages,
  repositories: collectRepositories,
  updates: collectUpdates,
  updaters: collectUpdaters,
  languagePackages: collectLanguagePackages,
  containers: collectContainers,
  reboot: collectReboot,
  staleProcesses: collectStaleProcesses,
  agent: collectAgent,
  changes: collectChanges,
  updateinfo: collectUpdateinfo,
};

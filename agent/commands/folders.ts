// Where the unprivileged halves keep what; the runner's own folders are in ../runner/folders.ts.
import { join } from 'node:path';
import type { Settings } from '../settings.ts';

export interface AgentFolders {
  readonly identity: string;
  readonly outbox: string;
  readonly policy: string;
  /** Mirror folders of the fetcher. */
  readonly packages: string;
  /** The fetcher's own package lists, where those of the inventory belong to another user. */
  readonly fetch: string;
  /** The agent's own package lists. */
  readonly lists: string;
  /** The last inventory, left by a service manager's own unit for the connector. */
  readonly deposit: string;
  /** Touched by the connector: it asks for an inventory. */
  readonly inventoryWanted: string;
  /** Rewritten by the fetcher when it is done. */
  readonly fetched: string;
  /** Rewritten by the connector when policy changed. */
  readonly wake: string;
  /** What `status` shows of the connection. */
  readonly link: string;
}

export function agentFolders({ stateDir }: Pick<Settings, 'stateDir'>): AgentFolders {
  return {
    identity: join(stateDir, 'identity'),
    outbox: join(stateDir, 'outbox'),
    policy: join(stateDir, 'policy'),
    packages: join(stateDir, 'packages'),
    fetch: join(stateDir, 'fetch'),
    lists: join(stateDir, 'lists'),
    deposit: join(stateDir, 'lists/deposit.json'),
    inventoryWanted: join(stateDir, 'link/inventory-wanted'),
    fetched: join(stateDir, 'fetch/done'),
    // In folders of the connector's user: the state folder itself is not theirs.
    wake: join(stateDir, 'policy/wake'),
    link: join(stateDir, 'link/link.json'),
  };
}

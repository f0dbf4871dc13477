// What every command gets: the screen, the clock, the admin's folder and a client. Commands build nothing themselves.
import type { Random } from '@selvage/shared/random.ts';
import type { Clock } from '@selvage/shared/time/clock.ts';
import type { Home } from '../home.ts';
import type { AdminFolder, AdminIdentity } from './admin-folder.ts';
import { type Client, createClient } from './client.ts';
import type { Screen } from './screen.ts';

export interface Cli {
  readonly home: Home;
  readonly admin: AdminFolder;
  readonly screen: Screen;
  readonly clock: Clock;
  readonly random: Random;
  readonly hostname: string;
  /** IANA zone of this machine, for showing times. */
  readonly zone: string;
  /** `selvage serve`; handed over by main, which alone builds a collector. Resolves when it has drained. */
  readonly serve: (options: { readonly readyLine: boolean }) => Promise<void>;
  /** `selvage init`; handed over by main for the same reason. */
  readonly init: (options: InitOptions) => Promise<InitResult>;
}

export interface InitOptions {
  readonly admin: string;
  readonly names: readonly string[];
  readonly listen: string;
  /** Null: the usual port. */
  readonly gatewayPort: number | null;
  readonly apiPort: number | null;
  /** Takes a free port where the usual one is in use. */
  readonly freePorts: boolean;
}

export interface InitResult {
  readonly home: string;
  readonly admin: string;
  readonly gateway: string;
  readonly api: string;
  readonly gatewayPin: string;
  readonly apiPin: string;
  readonly keyId: string;
}

export interface Session {
  readonly identity: AdminIdentity;
  readonly client: Client;
}

/** The collector this machine's admin is logged in to. Throws UNAUTHENTICATED. */
export async function openSession(cli: Cli): Promise<Session> {
  const identity = await cli.admin.load();
  const { config, authority, certificate, privateKey } = identity;

  return { identity, client: createClient({ url: config.url, authority, cert: certificate, key: privateKey }) };
}

// What every command gets: the screen, the clock, the admin's folder and a client. Commands build nothing themselves.
import type { Random } from '@selvage/shared/random.ts';
import type { Clock } from '@selvage/shared/time/clock.ts';
import type { Home } from '../home.ts';
import type { AdminFolder, AdminIdentity, ClientPair } from './admin-folder.ts';
import { currentPair } from './admin-renewal.ts';
import { type Client, createClient } from './client.ts';
import type { Screen } from './screen.ts';

export interface Cli {
  readonly home: Home;
  readonly admin: AdminFolder;
  readonly screen: Screen;
  /** Standard input, read only by commands that say so. */
  readonly stdin: AsyncIterable<Uint8Array>;
  readonly clock: Clock;
  readonly random: Random;
  readonly hostname: string;
  /** IANA zone of this machine, for showing times. */
  readonly zone: string;
  /** `selvage serve`; handed over by main, which alone builds a collector. Resolves when it has drained. */
  readonly serve: (options: { readonly readyLine: boolean }) => Promise<void>;
  /** `selvage init`; handed over by main for the same reason. */
  readonly init: (options: InitOptions) => Promise<InitResult>;
  readonly backup: (folder: string) => Promise<BackupResult>;
  readonly restore: (folder: string) => Promise<RestoreResult>;
}

interface LedgerEnd {
  readonly sequence: number;
  readonly hash: string;
}

export interface BackupResult {
  readonly folder: string;
  readonly createdAt: string;
  readonly files: number;
  readonly bytes: number;
  readonly ledger: LedgerEnd | null;
}

export interface RestoreResult {
  readonly home: string;
  /** When the backup was made. */
  readonly createdAt: string;
  readonly ledger: LedgerEnd | null;
  /** Where what was there before is kept; null: there was nothing. */
  readonly aside: string | null;
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
  const { config, authority } = identity;
  const clientFor = ({ certificate, privateKey }: ClientPair) =>
    createClient({ url: config.url, authority, cert: certificate, key: privateKey });
  const pair = await currentPair(identity, {
    ...{ folder: cli.admin, clock: cli.clock, clientFor },
    note: (sentence) => cli.screen.note(sentence),
  });

  return { identity: { ...identity, ...pair }, client: clientFor(pair) };
}

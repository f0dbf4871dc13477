// The door to a package manager, one implementation a folder, listed in ./index.ts. The observing half runs
// unprivileged and changes nothing on the host; the installing half runs in the runner and reaches no network.
import type {
  InstalledPackage,
  PackageVersion,
  PendingUpdate,
  ProviderName,
  Repository,
  Transaction,
} from '@selvage/shared/model/package.ts';
import type { Updateinfo } from '@selvage/shared/model/updateinfo.ts';

export interface RefreshOptions {
  /** Stops a hung refresh; what was fetched until then is kept, the rest is reported. Milliseconds. */
  readonly deadline: number;
  /** Most bytes that one refresh may bring. */
  readonly byteBudget: number;
}

/** What a host has and what waits for it. Every method fails whole (CodedError) or answers whole. */
export interface Observer {
  readonly name: ProviderName;
  /** True when this host is managed by this package manager. */
  detect(): Promise<boolean>;
  installed(): Promise<readonly InstalledPackage[]>;
  /** The same packages, with whose build each is where that is known; left out where a package manager tells at once. */
  withOrigins?(installed: readonly InstalledPackage[]): Promise<readonly InstalledPackage[]>;
  /** Brings the agent's own package lists up to date, in its own folder. Problems of single repositories are in the answer. */
  refresh(options: RefreshOptions): Promise<readonly Repository[]>;
  /** Enabled repositories with the state of the agent's own lists; never touches the network. */
  repositories(): Promise<readonly Repository[]>;
  /** Pending updates from the agent's own lists. Call only when no repository has a problem. */
  pending(): Promise<readonly PendingUpdate[]>;
  /** The package of each path that has one, also of files that are gone; left out where file lists tell it. */
  owners?(paths: readonly string[]): Promise<ReadonlyMap<string, string>>;
  /** Advisories of its repositories, as its own cache has them; left out where a package manager has none. */
  advisories?(installed: readonly InstalledPackage[]): Promise<Updateinfo>;
}

/** What the fetcher (unprivileged) is asked to bring: the exact packages of the approved set, named by the runner. */
export interface FetchRequest {
  readonly packages: readonly PackageVersion[];
}

export interface Fetcher {
  readonly name: ProviderName;
  /** Writes the mirror folder (signed index, indexes, exact files, archive layout). Returns what could not be had. */
  fetch(request: FetchRequest): Promise<{ readonly missing: readonly PackageVersion[] }>;
}

export interface InstallProgress {
  /** A line of the package manager's output. */
  line(text: string): void;
}

export interface InstallOptions {
  /** Names that the approval lets go; without any nothing is ever removed. */
  readonly removes?: readonly string[];
  /** The run it is for: it is left as a mark where the package manager keeps a history of its own. */
  readonly run?: string;
}

/** The privileged half: reads only the mirror folder, which the package manager itself verifies again. */
export interface Installer {
  readonly name: ProviderName;
  /** Reads the mirror folder into root-owned lists. MIRROR_REFUSED when a signature, hash or date does not hold. */
  loadMirror(): Promise<{ readonly repositories: readonly { readonly id: string; readonly date: string }[] }>;
  installed(): Promise<readonly InstalledPackage[]>;
  /** The full transaction of bringing exactly these packages to exactly these versions. Changes nothing. */
  simulate(packages: readonly PackageVersion[]): Promise<Transaction>;
  /** What an earlier, interrupted run left (null: nothing); `repair` finishes it. */
  interrupted(): Promise<string | null>;
  repair(progress: InstallProgress): Promise<void>;
  /** Bytes needed and free per touched file system; used before anything is changed. */
  space(
    transaction: Transaction,
  ): Promise<readonly { readonly path: string; readonly needed: number; readonly free: number }[]>;
  /**
   * Brings the exact files of the transaction into the installer's own cache and verifies them there. Installs nothing.
   * MIRROR_REFUSED when one is not what the signed index says, NOT_FETCHED when one is missing.
   */
  prepare(packages: readonly PackageVersion[], options?: InstallOptions): Promise<void>;
  /** Installs exactly these packages. Never killed once started; a deadline is reported, not enforced. */
  install(packages: readonly PackageVersion[], progress: InstallProgress, options?: InstallOptions): Promise<void>;
}

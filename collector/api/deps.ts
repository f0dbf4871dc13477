// What the API needs of the other rooms, in the words it uses: small ports that those rooms fit.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Log } from '@selvage/shared/log/log.ts';
import type { HostId, Sha256, Timestamp } from '@selvage/shared/model/ids.ts';
import type { PolicyDocument } from '@selvage/shared/policy/documents.ts';
import type { Clock } from '@selvage/shared/time/clock.ts';
import type { Alarm, Behind } from '../alarms/alarms.ts';
import type { Changed, HostChange } from '../enrollment/changes.ts';
import type { RotationView } from '../enrollment/rotation.ts';
import type { TokenRequest } from '../enrollment/tokens.ts';
import type { Events } from '../events.ts';
import type { Feeds } from '../feeds/feeds.ts';
import type { FleetIndex } from '../findings/index.ts';
import type { Load } from '../metrics/meter.ts';
import type { Restoration } from '../restorations.ts';
import type { Store } from '../store/ports.ts';
import type { Signatures } from '../todo/signatures.ts';
import type { Triage } from '../triage/triage.ts';
import type { Concerns, Suppress } from '../vex/suppress.ts';

export interface ApiDeps {
  readonly store: Store;
  readonly enrollment: EnrollmentPort;
  readonly policy: PolicyPort;
  readonly connections: ConnectionsPort;
  readonly authorities: AuthoritiesPort;
  /** Times that the store has forgotten; none when left out. */
  readonly restorations?: readonly Restoration[];
  /** What ends, and what hosts have accepted that is not here. */
  readonly alarms: () => Promise<AlarmsNow>;
  /** What findings are joined from; not complete soon after a start. */
  readonly fleet: () => FleetIndex;
  /** Whose word takes a finding off the list, as of now. */
  readonly suppress: () => Suppress;
  /** What those words may be about at all; left out: anything. */
  readonly concerns?: () => Concerns;
  /** Nothing waits to be read or matched; left out: it is so. */
  readonly settled?: () => boolean;
  /** By the facts and policies of now. */
  readonly triage: () => Promise<Triage>;
  /** What is known about vulnerabilities, and where it is from. */
  readonly feeds: Feeds;
  readonly events: Events;
  readonly clock: Clock;
  readonly log: Log;
  readonly version: string;
  /** Answers GET /v1/trust and POST /v1/login; false when the request is neither. */
  readonly firstContact: (request: IncomingMessage, response: ServerResponse) => boolean;
  /** Asked late because ports are known late. */
  readonly addresses: () => Addresses;
  readonly tls: { readonly key: string; readonly cert: string; readonly adminsAuthority: string };
  readonly listen: { readonly host: string; readonly port: number };
}

/** Where hosts and admins reach this collector. Two ports with an authority each, so two pins. */
export interface Addresses {
  readonly gateway: string;
  readonly gatewayPin: string;
  readonly api: string;
  readonly apiPin: string;
}

/** Each change writes its audit entry with `by` as the actor in its own transaction. */
export interface EnrollmentPort {
  createToken(
    request: TokenRequest,
  ): Promise<{ readonly token: string; readonly id: string; readonly expiresAt: string }>;
  revokeToken(id: string, by: string): Promise<unknown>;
  /** Also closes the live connection of the host. */
  revokeHost(host: string, by: string, reason?: string): Promise<unknown>;
  revokeAdmin(name: string, by: string): Promise<unknown>;
  /** What became of each, in the order given. */
  changeHosts(ids: readonly HostId[], change: HostChange, by: string): Promise<readonly Changed[]>;
  /** Until when the door is open. */
  readmitHost(host: string, by: string, machine?: string): Promise<Timestamp>;
  /** The next certificate of the admin, PEM. */
  renewAdmin(request: { readonly name: string; readonly csr: string; readonly key: Sha256 }): Promise<string>;
  /** The admin has used their next certificate: the one before counts no more. */
  adminUsed(name: string): Promise<void>;
  /** The admin has a certificate that is newer than the store. */
  adoptAdmin(name: string, next: { readonly certificate: Sha256; readonly expires: Timestamp }): Promise<void>;
}

/** The steps write their ledger entries with `by` as the actor. */
export interface AuthoritiesPort {
  view(): Promise<RotationView>;
  begin(by: string): Promise<RotationView>;
  switchOver(by: string, options: { readonly leaveBehind: boolean }): Promise<RotationView>;
  finish(by: string, options: { readonly leaveBehind: boolean }): Promise<RotationView>;
}

export interface PolicyPort {
  /** The repository as it stands, all of one version. */
  current(): Promise<CurrentPolicy>;
  push(push: {
    readonly metadata: readonly { readonly name: string; readonly bytes: Uint8Array }[];
    readonly targets: readonly { readonly path: string; readonly bytes: Uint8Array }[];
    readonly by: string;
    readonly recovers?: { readonly onTopOf: number; readonly above: number } | null;
    readonly proposal?: number | null;
  }): Promise<{ readonly timestampVersion: number }>;
  /** What needs the signatures of several admins; published once it has them. */
  offer(offer: {
    readonly metadata: readonly { readonly name: string; readonly bytes: Uint8Array }[];
    readonly targets: readonly { readonly path: string; readonly bytes: Uint8Array }[];
    readonly note: string;
    readonly by: string;
    readonly proposal: number | null;
  }): Promise<{
    readonly number: number | null;
    readonly timestampVersion: number | null;
    readonly signatures: Signatures;
  }>;
  /** New keys for snapshot and timestamp; in use once a pushed root names them. */
  proposeOnlineKeys(by: string): Promise<{
    readonly snapshot: { readonly publicKey: string };
    readonly timestamp: { readonly publicKey: string };
  }>;
}

export interface CurrentPolicy {
  readonly timestampVersion: number;
  readonly expires: string;
  /** By role. */
  readonly versions: Readonly<Record<string, number>>;
  readonly documents: readonly { readonly path: string; readonly sha256: Sha256; readonly document: PolicyDocument }[];
  /** Metadata and documents in use; together they verify. */
  readonly files: readonly { readonly name: string; readonly sha256: Sha256; readonly bytes: Uint8Array }[];
}

export interface AlarmsNow {
  readonly alarms: readonly Alarm[];
  readonly held: readonly Behind[];
}

export interface ConnectionsPort {
  connected(): readonly string[];
  /** Null when the host is not connected. */
  connectedSince(host: HostId): Temporal.Instant | null;
  unknownHosts(): readonly {
    readonly id: string;
    readonly address: string;
    readonly lastSeen: string;
  }[];
  load(): Load;
}

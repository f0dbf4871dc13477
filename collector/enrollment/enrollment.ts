// Enrollment: how machines and people come to be known to the collector, and how they stop being so.
// It holds both authorities; it opens no socket (see ./routes.ts) and closes no connection (it publishes host.revoked).

import type { HostId, Sha256, Timestamp } from '@selvage/shared/model/ids.ts';
import { checkAuthority } from '@selvage/shared/pki/authority.ts';
import type { TrustDocument } from '@selvage/shared/pki/first-contact.ts';
import { type Pin, pinOf } from '@selvage/shared/pki/pin.ts';
import { adminUsed, adoptAdmin, type EnrolledAdmin, enrollAdmin, renewAdmin, revokeAdmin } from './admins.ts';
import { type Changed, changeHosts, type HostChange, retireUnaccepted } from './changes.ts';
import type { Context, EnrollmentOptions } from './context.ts';
import { type EnrolledHost, enrollHost } from './hosts.ts';
import { PENDING_MS } from './limits.ts';
import { readmitHost } from './readmission.ts';
import { type RenewalRequest, renewHost } from './renewal.ts';
import { Renewals } from './renewals.ts';
import type { AdminRequest, HostRequest } from './requests.ts';
import { type CreatedToken, createToken, revokeToken, type TokenRequest } from './tokens.ts';

export interface Enrollment {
  createToken(request: TokenRequest): Promise<CreatedToken>;
  revokeToken(id: string, by: string): Promise<void>;
  /** `address`: of the socket, never what somebody says. */
  enrollHost(request: HostRequest, address?: string): Promise<EnrolledHost>;
  /** The next certificate of a host, PEM. */
  renewHost(request: RenewalRequest): Promise<string>;
  /** Opens the door for a host that may not come in by itself; until when. */
  readmitHost(id: string, by: string, machine?: string): Promise<Timestamp>;
  revokeHost(id: string, by: string, reason?: string): Promise<void>;
  /** Lets in, describes, retires or revokes hosts; what became of each, in the order given. */
  changeHosts(ids: readonly HostId[], change: HostChange, by: string): Promise<readonly Changed[]>;
  /** Retires hosts that have been pending for too long; how many that were. */
  retireUnaccepted(): Promise<number>;
  enrollAdmin(request: AdminRequest): Promise<EnrolledAdmin>;
  revokeAdmin(name: string, by: string): Promise<void>;
  /** The next certificate of an admin, PEM; `key` is the hash of the key they have. */
  renewAdmin(request: { readonly name: string; readonly csr: string; readonly key: Sha256 }): Promise<string>;
  adminUsed(name: string): Promise<void>;
  adoptAdmin(name: string, next: { readonly certificate: Sha256; readonly expires: Timestamp }): Promise<void>;
  /** What a newcomer is shown at first contact, as `kind` of port answers it. */
  trust(kind: 'hosts' | 'admins'): Promise<TrustDocument>;
  /** What a newcomer compares it with; told to people, never over the connection it protects. */
  pin(kind: 'hosts' | 'admins'): Promise<Pin>;
}

/** Throws CERTIFICATE_INVALID when an authority's key and certificate do not belong together. */
export function createEnrollment(options: EnrollmentOptions): Enrollment {
  checkAuthority(options.hosts);
  checkAuthority(options.admins);
  const context: Context = { ...options, renewals: new Renewals(options.clock), refusals: new Set() };

  return {
    createToken: (request) => createToken(context, request),
    revokeToken: (id, by) => revokeToken(context, id, by),
    enrollHost: (request, address) => enrollHost(context, request, address),
    renewHost: (request) => renewHost(context, request),
    readmitHost: (id, by, machine) => readmitHost(context, id, by, machine),
    revokeHost: async (id, by, reason) => {
      await changeHosts(context, [id as HostId], { kind: 'revoke', reason }, by);
    },
    changeHosts: (ids, change, by) => changeHosts(context, ids, change, by),
    retireUnaccepted: () => retireUnaccepted(context, PENDING_MS),
    enrollAdmin: (request) => enrollAdmin(context, request),
    renewAdmin: (request) => renewAdmin(context, request),
    adminUsed: (name) => adminUsed(context, name),
    adoptAdmin: (name, next) => adoptAdmin(context, name, next),
    revokeAdmin: (name, by) => revokeAdmin(context, name, by),
    trust: async (kind) => ({
      authority: options[kind].certificate,
      root: Buffer.from(await options.root()).toString('base64'),
    }),
    pin: async (kind) => pinOf(options[kind].certificate, await options.root()),
  };
}

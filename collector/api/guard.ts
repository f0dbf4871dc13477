// Who asks: the client certificate of the connection, known and active in the store, with a role that allows the route.
// It fails closed: a route without a guard answers nobody. Nothing in a request's body or headers counts.
import type { X509Certificate } from 'node:crypto';
import type { TLSSocket } from 'node:tls';
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import type { Sha256, Timestamp } from '@selvage/shared/model/ids.ts';
import { adminNameOf, fingerprint } from '@selvage/shared/pki/certificate.ts';
import type { Clock } from '@selvage/shared/time/clock.ts';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { isInForgottenTime, type Restoration } from '../restorations.ts';
import type { AdminRecord, Readers } from '../store/ports.ts';
import type { ApiDeps } from './deps.ts';
import type { Guard } from './route.ts';

export interface GuardDeps {
  readonly admins: Readers['admins'];
  readonly clock: Clock;
  /** An admin has used the certificate that was to be their next. */
  readonly onNext: (name: string) => Promise<void>;
  /** Times that the store has forgotten. */
  readonly restorations: readonly Restoration[];
  /** An admin came with a certificate that is newer than the store. */
  readonly onForgotten: (
    name: string,
    certificate: { readonly certificate: Sha256; readonly expires: Timestamp },
  ) => Promise<void>;
}

export function guardDeps({ store, clock, enrollment, restorations = [] }: ApiDeps): GuardDeps {
  return {
    ...{ admins: store.read.admins, clock, restorations },
    onNext: (name) => enrollment.adminUsed(name),
    onForgotten: (name, next) => enrollment.adoptAdmin(name, next),
  };
}

export function addGuard(app: FastifyInstance, deps: GuardDeps): void {
  app.decorateRequest('admin', null);
  app.addHook('onRequest', async (request) => {
    const { guard } = request.routeOptions.config;
    if (guard === 'public') return;

    request.admin = await identify(request, deps);
    // What does not exist is told only to admins; a route without a guard is nobody's.
    if (request.is404) return;
    if (!allows(guard, request.admin.role)) {
      throw new CodedError('FORBIDDEN', `the role ${request.admin.role} of ${request.admin.name} may not do this`, {
        details: { needs: guard ?? null, role: request.admin.role },
      });
    }
  });
}

/** The active admin behind the connection. Throws UNAUTHENTICATED, CERTIFICATE_*, ADMIN_REVOKED. */
export async function identify(request: FastifyRequest, deps: GuardDeps): Promise<AdminRecord> {
  const { admins, clock, onNext } = deps;
  const socket = request.raw.socket as TLSSocket;
  const certificate = socket.getPeerX509Certificate();
  if (!certificate) throw new CodedError('UNAUTHENTICATED', 'the connection carries no client certificate');
  if (!socket.authorized) throw untrusted(socket);

  const shown = fingerprint(certificate.raw);
  const admin = (await admins.byCertificate(shown)) ?? (await forgotten(certificate, deps));
  if (!admin || adminNameOf(certificate) !== admin.name) {
    throw new CodedError('UNAUTHENTICATED', 'no admin is known by this certificate');
  }
  if (admin.state === 'revoked') throw new CodedError('ADMIN_REVOKED', `the admin ${admin.name} is revoked`);
  const isNext = admin.next?.certificate === shown;
  const expires = isNext && admin.next ? admin.next.expires : admin.certificateExpires;
  // Asked here too: a resumed TLS session does not check the certificate's dates again.
  if (Temporal.Instant.compare(Temporal.Instant.from(expires), clock.now()) <= 0) {
    throw new CodedError('CERTIFICATE_EXPIRED', `the certificate of ${admin.name} ended ${expires}`, {
      next: 'ask another admin for a new token: selvage admin add NAME',
    });
  }
  if (isNext) await onNext(admin.name);

  return admin;
}

/**
 * The active admin of that name, when the certificate was issued after everything that is known of them: the store was
 * restored from a backup. The newest certificate of an admin is always their current or next one.
 */
async function forgotten(certificate: X509Certificate, { admins, restorations, onForgotten }: GuardDeps) {
  const admin = await admins.byName(adminNameOf(certificate) ?? '');
  if (admin?.state !== 'active') return null;

  const known = [admin.certificateExpires, ...(admin.next ? [admin.next.expires] : [])];
  const until = certificate.validToDate.getTime();
  if (known.some((end) => Temporal.Instant.from(end).epochMilliseconds >= until)) return null;
  if (!isInForgottenTime(certificate.validFromDate.getTime(), restorations)) return null;

  const expires = Temporal.Instant.fromEpochMilliseconds(until).toString() as Timestamp;
  await onForgotten(admin.name, { certificate: fingerprint(certificate.raw), expires });

  return admins.byName(admin.name);
}

function untrusted(socket: TLSSocket): CodedError {
  const reason = String(socket.authorizationError);
  const code = reason === 'CERT_HAS_EXPIRED' ? 'CERTIFICATE_EXPIRED' : 'CERTIFICATE_INVALID';

  return new CodedError(code, `the client certificate is not one of this collector's admins (${reason})`, {
    next: 'log in with an admin certificate: selvage login',
  });
}

function allows(guard: Guard | undefined, role: AdminRecord['role']): boolean {
  switch (guard) {
    case 'admin':
      return role === 'admin';
    case 'reader':
      return true;
    default:
      return false;
  }
}

// Admins: a token and a request become an admin with a client certificate for the API; and the end of one.
// A certificate lets someone ask; what a host installs is decided by signatures that no certificate gives.

import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import type { Sha256, Timestamp } from '@selvage/shared/model/ids.ts';
import { issue } from '@selvage/shared/pki/authority.ts';
import { adminUri, fingerprint } from '@selvage/shared/pki/certificate.ts';
import { readRequest } from '@selvage/shared/pki/csr.ts';
import { keyHash } from '@selvage/shared/pki/keys.ts';
import type { AdminRecord, Writers } from '../store/ports.ts';
import { expiryOf, validFor } from './authorities.ts';
import { type Context, timestamp } from './context.ts';
import { ADMIN_CERTIFICATE_MS } from './limits.ts';
import { adminName } from './names.ts';
import { type Admitted, redeem } from './redeem.ts';
import { genuine } from './redemption.ts';
import type { AdminRequest } from './requests.ts';
import { roleOf } from './token.ts';

export interface EnrolledAdmin {
  /** PEM. */
  readonly certificate: string;
  /** PEM of the authority under which the API proves itself. */
  readonly authority: string;
}

interface Asking {
  readonly token: string;
  readonly kind: 'admin';
  readonly name: string;
  readonly publicKey: string;
  readonly key: Sha256;
  readonly keyId: string | null;
  readonly now: Temporal.Instant;
}

/**
 * Redeems a token for an admin. Throws TOKEN_*, ALREADY_EXISTS (an active admin of that name), ADMIN_REVOKED, CSR_INVALID
 * or USAGE (name). The key that redeemed the token may ask again for a while and gets a fresh certificate.
 */
export async function enrollAdmin(context: Context, request: AdminRequest): Promise<EnrolledAdmin> {
  const { store, clock } = context;
  await genuine(request.token, 'admin', (id) => store.read.tokens.byId(id));
  const { publicKey } = readRequest(request.csr);
  const asking: Asking = {
    token: request.token,
    kind: 'admin',
    name: adminName(request.name),
    publicKey,
    key: keyHash(publicKey),
    keyId: request.keyId ?? null,
    now: clock.now(),
  };

  return redeem(context, asking, {
    refusal: (writers, decision) => refusal(writers, decision, asking),
    admit: async (writers, decision, token) => ({
      for: asking.name,
      answer: await admit(context, writers, asking, { tokenId: token.id, again: decision.verdict === 'again' }),
    }),
  });
}

/**
 * The next certificate of an admin who has one, for a new key, PEM. The one before counts until this one has been used.
 * Throws RATE_LIMITED, CSR_INVALID (also for the key they have), ADMIN_REVOKED.
 */
export async function renewAdmin(
  context: Context,
  { name, csr, key }: { readonly name: string; readonly csr: string; readonly key: Sha256 },
): Promise<string> {
  const { store, clock, admins, random, renewals } = context;
  const wait = renewals.take(`admin:${name}`);
  if (wait > 0) {
    throw new CodedError('RATE_LIMITED', `${name} has asked for too many certificates`, {
      details: { retryAfterMs: wait },
    });
  }
  const { publicKey } = readRequest(csr);
  if (keyHash(publicKey) === key) throw new CodedError('CSR_INVALID', 'the request is over the key in use');
  const now = clock.now();

  return store.transaction(async (writers) => {
    const pem = certify({ admins, random }, name, publicKey, now);
    const next = { certificate: fingerprint(pem), expires: expiryOf(pem) };
    await writers.admins.offer(name, next);
    const at = timestamp(now);
    const subject = `admin:${name}`;
    await writers.audit.append({ at, actor: subject, action: 'admin.renewed', subject, details: next });

    return pem;
  });
}

/** The next certificate of an admin has been used: the one before counts no more. */
export async function adminUsed({ store, clock }: Context, name: string): Promise<void> {
  await store.transaction(async (writers) => {
    const admin = await writers.admins.byName(name);
    // Of two requests at once the first has done it.
    if (!admin?.next) return;
    await writers.admins.promote(name);
    const subject = `admin:${name}`;
    await writers.audit.append({
      ...{ at: timestamp(clock.now()), actor: subject, action: 'admin.superseded', subject },
      details: { certificate: admin.certificate, by: admin.next.certificate },
    });
  });
}

/** The certificate of an admin that is newer than the store: a backup was restored, and they go on where they were. */
export async function adoptAdmin(
  { store, clock }: Context,
  name: string,
  next: { readonly certificate: Sha256; readonly expires: Timestamp },
): Promise<void> {
  await store.transaction(async (writers) => {
    const admin = await writers.admins.byName(name);
    if (admin?.state !== 'active') throw new CodedError('ADMIN_REVOKED', `the admin ${name} is revoked`);
    if (admin.certificate === next.certificate) return;
    await writers.admins.renewCertificate(name, next.certificate, next.expires);
    const subject = `admin:${name}`;
    await writers.audit.append({
      ...{ at: timestamp(clock.now()), actor: subject, action: 'admin.adopted', subject },
      details: { ...next, known: admin.certificate },
    });
  });
}

/** Ends the access of an admin; one who is revoked stays as they are. Throws NOT_FOUND. */
export async function revokeAdmin({ store, clock }: Context, name: string, by: string): Promise<void> {
  await store.transaction(async (writers) => {
    const admin = await writers.admins.byName(name);
    if (!admin) throw new CodedError('NOT_FOUND', `there is no admin ${name}`);
    if (admin.state === 'revoked') return;
    await refuseLast(writers, admin);

    const at = timestamp(clock.now());
    await writers.admins.revoke(name, at);
    await writers.audit.append({
      at,
      actor: by,
      action: 'admin.revoked',
      subject: `admin:${name}`,
      details: { certificate: admin.certificate, keyId: admin.keyId },
    });
  });
}

/** Without an admin who may write, nobody could ever add one again. Asked inside the transaction: two may go at once. */
async function refuseLast({ admins }: Writers, { name, role }: AdminRecord): Promise<void> {
  if (role !== 'admin') return;
  const others = (await admins.list()).filter(
    (one) => one.state === 'active' && one.role === 'admin' && one.name !== name,
  );
  if (others.length > 0) return;

  throw new CodedError('FORBIDDEN', `${name} is the last admin`, { next: 'add another first: selvage admin add NAME' });
}

async function refusal({ admins }: Writers, decision: Admitted, asking: Asking): Promise<CodedError | null> {
  const admin = await admins.byName(asking.name);
  if (decision.verdict === 'first') {
    if (admin?.state !== 'active') return null;

    return new CodedError('ALREADY_EXISTS', `there is an active admin ${asking.name}`, {
      next: 'revoke the old access first: selvage admin revoke NAME',
    });
  }
  if (admin?.state === 'revoked') return new CodedError('ADMIN_REVOKED', `the admin ${asking.name} was revoked`);

  return admin?.keyId === asking.keyId ? null : new CodedError('TOKEN_USED', 'the token was used with another key');
}

async function admit(
  { admins, random }: Context,
  writers: Writers,
  asking: Asking,
  facts: { readonly tokenId: string; readonly again: boolean },
): Promise<EnrolledAdmin> {
  const { name, publicKey, keyId, now } = asking;
  const pem = certify({ admins, random }, name, publicKey, now);
  const certificate = fingerprint(pem);
  const certificateExpires = expiryOf(pem);
  const addedAt = timestamp(now);
  const role = roleOf(facts.tokenId);

  if (facts.again) await writers.admins.renewCertificate(name, certificate, certificateExpires);
  else {
    const state = 'active';
    await writers.admins.add({ name, role, state, certificate, certificateExpires, keyId, addedAt, revokedAt: null });
  }
  await writers.audit.append({
    at: addedAt,
    actor: `admin:${name}`,
    action: facts.again ? 'admin.enrolled.again' : 'admin.enrolled',
    subject: `admin:${name}`,
    details: { role, keyId, key: asking.key, certificate, tokenId: facts.tokenId },
  });

  return { certificate: pem, authority: admins.certificate };
}

function certify(
  { admins, random }: Pick<Context, 'admins' | 'random'>,
  name: string,
  publicKey: string,
  now: Temporal.Instant,
): string {
  return issue({
    ...{ authority: admins, publicKey, commonName: name, usage: 'client' },
    alternativeNames: [{ type: 'uri', value: adminUri(name) }],
    ...validFor(ADMIN_CERTIFICATE_MS, { now, random }),
  });
}

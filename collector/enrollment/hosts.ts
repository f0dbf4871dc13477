// Hosts: a token, a request and a runner key become a host with a certificate; and the end of one.
// Every field of the certificate is the collector's word; of the request only the key is used.

import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import type { HostId, Sha256, Timestamp } from '@selvage/shared/model/ids.ts';
import { fingerprint } from '@selvage/shared/pki/certificate.ts';
import { readRequest, runnerProofMessage } from '@selvage/shared/pki/csr.ts';
import { keyHash, normalPublicKey, verifyBytes } from '@selvage/shared/pki/keys.ts';
import type { NewHost, Writers } from '../store/ports.ts';
import { expiryOf } from './authorities.ts';
import { type Context, timestamp } from './context.ts';
import { hostName } from './names.ts';
import { type Admitted, redeem } from './redeem.ts';
import { genuine } from './redemption.ts';
import { certify } from './renewal.ts';
import type { HostRequest } from './requests.ts';

export interface EnrolledHost {
  readonly hostId: HostId;
  /** As it is listed: in lower case. */
  readonly name: string;
  /** PEM. */
  readonly certificate: string;
  /** PEM of the authority under which the gateway proves itself. */
  readonly authority: string;
}

interface Asking extends Pick<HostRequest, 'token' | 'mode' | 'machineId'> {
  readonly kind: 'host';
  readonly name: string;
  readonly now: Temporal.Instant;
  /** SPKI PEM of the host's key, and its hash. */
  readonly publicKey: string;
  readonly key: Sha256;
  /** SPKI PEM of the runner's key. */
  readonly runnerKey: string;
}

/**
 * Redeems a token for a host. Throws TOKEN_*, HOST_NAME_TAKEN, HOST_REVOKED, CSR_INVALID, KEY_UNUSABLE or USAGE (name).
 * The key that redeemed the token may ask again for a while: it gets the same host with a fresh certificate.
 */
export async function enrollHost(context: Context, request: HostRequest): Promise<EnrolledHost> {
  const { store, clock, events } = context;
  // On the reader and before any signature is checked: without a token nobody costs more than a look-up.
  await genuine(request.token, 'host', (id) => store.read.tokens.byId(id));
  const asking: Asking = { ...proven(request), now: clock.now() };
  const enrolled = await redeem(context, asking, {
    refusal: (writers, decision) => refusal(writers, decision, asking),
    admit: async (writers, decision, token) => {
      const admitted = decision.verdict === 'again' ? again : first;
      const answer = await admitted(context, writers, asking, { tokenId: token.id, host: idOf(decision, context) });

      return { for: answer.hostId, answer };
    },
  });
  events.publish({ type: 'host.enrolled', host: enrolled.hostId, name: asking.name });

  return enrolled;
}

/** Ends the trust in a host; its tokens are spent already. A host that is revoked stays as it is. Throws NOT_FOUND. */
export async function revokeHost(context: Context, id: string, by: string, reason?: string): Promise<void> {
  const { store, clock, events } = context;
  const revoked = await store.transaction(async (writers) => {
    const host = await writers.hosts.byId(id as HostId);
    if (!host) throw new CodedError('NOT_FOUND', `there is no host ${id}`);
    if (host.state === 'revoked') return null;

    const at = timestamp(clock.now());
    await writers.hosts.revoke(host.id, at);
    await writers.audit.append({
      at,
      actor: by,
      action: 'host.revoked',
      subject: `host:${host.id}`,
      details: { name: host.name, certificate: host.certificate, ...(reason === undefined ? {} : { reason }) },
    });

    return host;
  });
  // After the commit: whoever hears it finds the host revoked. The gateway closes the live connection on it.
  if (revoked) events.publish({ type: 'host.revoked', host: revoked.id, name: revoked.name });
}

/** The request's own proofs: the host's key signed the CSR, the runner's key signed its hash. */
function proven(request: HostRequest): Omit<Asking, 'now'> {
  const { token, mode, machineId, csr } = request;
  const name = hostName(request.name);
  const { publicKey } = readRequest(csr);
  const runnerKey = normalPublicKey(request.runnerKey);
  const proof = Buffer.from(request.runnerProof, 'base64');
  if (!verifyBytes(runnerProofMessage(csr), proof, runnerKey)) {
    throw new CodedError('CSR_INVALID', 'the runner key did not sign this request');
  }
  if (keyHash(runnerKey) === keyHash(publicKey)) {
    throw new CodedError('CSR_INVALID', 'the connector and the runner have the same key: neither would be apart');
  }

  return { token, kind: 'host', name, mode, machineId, publicKey, key: keyHash(publicKey), runnerKey };
}

async function refusal({ hosts }: Writers, decision: Admitted, asking: Asking): Promise<CodedError | null> {
  if (decision.verdict === 'first') {
    const other = await hosts.byName(asking.name);
    if (other?.state !== 'active') return null;

    return new CodedError('HOST_NAME_TAKEN', `${asking.name} is the name of the active host ${other.id}`);
  }

  const host = await hosts.byId(decision.for as HostId);
  if (host?.state === 'revoked') return new CodedError('HOST_REVOKED', `the host ${host.name} was revoked`);
  const same = host?.name === asking.name && host.runnerKey === asking.runnerKey;

  return same ? null : new CodedError('TOKEN_USED', 'the token was used for another name or runner key');
}

async function first(context: Context, writers: Writers, asking: Asking, ids: Ids): Promise<EnrolledHost> {
  const { answer, certificate, certificateExpires, from } = certified(context, asking, ids.host);
  const at = timestamp(asking.now);
  const record: NewHost = {
    id: ids.host,
    name: asking.name,
    state: 'active',
    mode: asking.mode,
    machineId: asking.machineId,
    enrolledAt: at,
    revokedAt: null,
    certificate,
    certificateExpires,
    runnerKey: asking.runnerKey,
    agentVersion: null,
    lastSeen: null,
    ...from,
  };
  await writers.hosts.add(record);
  await audit(writers, 'host.enrolled', at, asking, { ...ids, certificate });

  return answer;
}

async function again(context: Context, writers: Writers, asking: Asking, ids: Ids): Promise<EnrolledHost> {
  const { answer, certificate, certificateExpires, from } = certified(context, asking, ids.host);
  await writers.hosts.renewCertificate(ids.host, certificate, certificateExpires, from);
  await audit(writers, 'host.enrolled.again', timestamp(asking.now), asking, { ...ids, certificate });

  return answer;
}

interface Ids {
  readonly tokenId: string;
  readonly host: HostId;
}

function idOf(decision: Admitted, { random }: Context): HostId {
  return (decision.verdict === 'again' ? decision.for : random.uuid()) as HostId;
}

function certified(context: Context, asking: Asking, hostId: HostId) {
  const { hosts } = context;
  const certificate = certify(context, hosts, hostId, asking.publicKey, asking.now);

  return {
    answer: { hostId, name: asking.name, certificate, authority: hosts.certificate },
    certificate: fingerprint(certificate),
    certificateExpires: expiryOf(certificate),
    from: { key: asking.key, authority: fingerprint(hosts.certificate) },
  };
}

async function audit(
  { audit }: Writers,
  action: string,
  at: Timestamp,
  asking: Asking,
  facts: Ids & { readonly certificate: Sha256 },
): Promise<void> {
  const { name, mode, machineId, key, runnerKey } = asking;
  await audit.append({
    at,
    actor: `host:${facts.host}`,
    action,
    subject: `host:${facts.host}`,
    details: {
      name,
      mode,
      machineId,
      key,
      runnerKey: keyHash(runnerKey),
      certificate: facts.certificate,
      tokenId: facts.tokenId,
    },
  });
}

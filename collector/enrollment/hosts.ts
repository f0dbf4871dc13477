// Hosts: a token, a request and a runner key become a host with a certificate. What admins do with it is in ./changes.ts.
// Every field of the certificate is the collector's word; of the request only the key is used.

import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import type { HostId, Sha256, Timestamp } from '@selvage/shared/model/ids.ts';
import { type Labels, MAX_LABELS } from '@selvage/shared/model/labels.ts';
import { fingerprint } from '@selvage/shared/pki/certificate.ts';
import { readRequest, runnerProofMessage } from '@selvage/shared/pki/csr.ts';
import { keyHash, normalPublicKey, verifyBytes } from '@selvage/shared/pki/keys.ts';
import { hostState } from '../host-state.ts';
import type { HostRecord, NewHost, TokenRecord, Writers } from '../store/ports.ts';
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
  /** An admin has to accept it before it gets policy. */
  readonly pending: boolean;
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
  /** Of the socket it came by. */
  readonly address: string | undefined;
}

/**
 * Redeems a token for a host that came from `address`. Throws TOKEN_*, HOST_NAME_TAKEN, HOST_REVOKED, HOST_RETIRED,
 * CSR_INVALID, KEY_UNUSABLE or USAGE (name). The key that redeemed the token may ask again for a while: it gets the same host
 * with a fresh certificate.
 */
export async function enrollHost(context: Context, request: HostRequest, address?: string): Promise<EnrolledHost> {
  const { store, clock, events } = context;
  // On the reader and before any signature is checked: without a token nobody costs more than a look-up.
  await genuine(request.token, 'host', (id) => store.read.tokens.byId(id));
  const asking: Asking = { ...proven(request), address, now: clock.now() };
  const { answer, replaced } = await redeem(context, asking, {
    refusal: (writers, decision, token) => refusal(writers, decision, asking, token),
    admit: async (writers, decision, token) => {
      const admitted = decision.verdict === 'again' ? again : first;
      const done = await admitted(context, writers, asking, { token, host: idOf(decision, context) });

      return { for: done.answer.hostId, answer: done };
    },
  });
  // After the commit: whoever hears it finds the one retired and the other there.
  if (replaced) events.publish({ type: 'host.retired', host: replaced.id, name: replaced.name });
  const { hostId: host, pending } = answer;
  events.publish({ type: 'host.enrolled', host, name: asking.name, ...(pending ? { pending } : {}) });

  return answer;
}

/** The request's own proofs: the host's key signed the CSR, the runner's key signed its hash. */
function proven(request: HostRequest): Omit<Asking, 'now' | 'address'> {
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

async function refusal(
  { hosts }: Writers,
  decision: Admitted,
  asking: Asking,
  token: TokenRecord,
): Promise<CodedError | null> {
  if (decision.verdict === 'first') {
    // Signed groups and commands take a name or an id: one that is both would be taken for the other.
    if (await hosts.byId(asking.name as HostId)) {
      return new CodedError(
        'HOST_NAME_TAKEN',
        `${asking.name} is the id of a host, and cannot be the name of another`,
        {
          next: 'enroll it with --name OTHER',
        },
      );
    }
    const other = await hosts.byName(asking.name);

    return other?.state !== 'active' || mayReplace(token, other) ? null : taken(other, asking);
  }

  const host = await hosts.byId(decision.for as HostId);
  if (host?.state === 'revoked') {
    const retired = hostState(host) === 'retired';
    return new CodedError(retired ? 'HOST_RETIRED' : 'HOST_REVOKED', `the host ${host.name} was ${hostState(host)}`);
  }
  const same = host?.name === asking.name && host.runnerKey === asking.runnerKey;

  return same ? null : new CodedError('TOKEN_USED', 'the token was used for another name or runner key');
}

/** The host that was there when an admin made the token, not one that came since: a second token does not undo the first. */
function mayReplace({ replaces, createdAt }: TokenRecord, { enrolledAt }: HostRecord): boolean {
  return replaces && Temporal.Instant.compare(enrolledAt, createdAt) <= 0;
}

/** A name is never taken from a host by who asks for it; what to do depends on whether it is the same machine. */
function taken(other: HostRecord, { name, machineId }: Asking): CodedError {
  const same = other.machineId === machineId;
  const state = hostState(other);
  const whose = `${name} is the name of the ${state} host ${other.id}${same ? ', which is this very machine' : ''}`;

  return new CodedError('HOST_NAME_TAKEN', whose, {
    next: same
      ? `let an admin run: selvage token create --host ${name} --replace; and enroll with that token`
      : `another machine: enroll it with --name OTHER; the same one, installed anew: selvage token create --host ${name} --replace`,
    details: { name, host: other.id, state },
  });
}

interface Done {
  readonly answer: EnrolledHost;
  /** The host whose place it took, when that one was active. */
  readonly replaced: HostRecord | null;
}

async function first(context: Context, writers: Writers, asking: Asking, ids: Ids): Promise<Done> {
  const { answer, certificate, certificateExpires, from } = certified(context, asking, ids.host);
  const at = timestamp(asking.now);
  const { token } = ids;
  const before = token.replaces ? await writers.hosts.byName(asking.name) : null;
  const replaced = before?.state === 'active' ? before : null;
  // A machine that was copied says the same id: a person sees it before it is accepted, and nobody is pushed out.
  const twins = (await writers.hosts.byMachine(asking.machineId)).filter(({ id }) => id !== replaced?.id);
  if (replaced) {
    await writers.hosts.retire(replaced.id, at);
    await writers.audit.append({
      ...{ at, actor: token.createdBy, action: 'host.retired', subject: `host:${replaced.id}` },
      details: { name: replaced.name, reason: 'replaced', by: ids.host, tokenId: token.id },
    });
  }
  const pending = isPendingBy(token);
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
    acceptedAt: pending ? null : at,
    owner: before?.owner ?? null,
    labels: inherited(before?.labels ?? {}, token.labels),
    token: token.id,
    replaces: before?.id ?? null,
    lastAddress: asking.address ?? null,
  };
  await writers.hosts.add(record);
  await audit(writers, 'host.enrolled', at, asking, {
    ...ids,
    certificate,
    more: {
      ...(pending ? { pending } : {}),
      ...(before ? { replaces: before.id } : {}),
      ...(twins.length > 0 ? { sameMachineAs: twins.map(({ id }) => id) } : {}),
    },
  });

  return { answer: { ...answer, pending }, replaced };
}

/** Those of the token, and of the host before as many as a host may have: they must not stand in the way of its successor. */
function inherited(before: Labels, own: Labels): Labels {
  const kept = Object.entries(before).filter(([name]) => !Object.hasOwn(own, name));

  return Object.fromEntries([...Object.entries(own), ...kept].slice(0, MAX_LABELS));
}

/** Who holds a token that names no host can enroll anything: a person looks at what comes by it. */
function isPendingBy(token: TokenRecord): boolean {
  return token.boundTo === null;
}

async function again(context: Context, writers: Writers, asking: Asking, ids: Ids): Promise<Done> {
  const { answer, certificate, certificateExpires, from } = certified(context, asking, ids.host);
  await writers.hosts.renewCertificate(ids.host, certificate, certificateExpires, from);
  await audit(writers, 'host.enrolled.again', timestamp(asking.now), asking, { ...ids, certificate });
  const host = await writers.hosts.byId(ids.host);

  return { answer: { ...answer, pending: host?.acceptedAt === null }, replaced: null };
}

interface Ids {
  readonly token: TokenRecord;
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
  facts: Ids & { readonly certificate: Sha256; readonly more?: Readonly<Record<string, unknown>> },
): Promise<void> {
  const { name, mode, machineId, key, runnerKey, address } = asking;
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
      tokenId: facts.token.id,
      ...(address === undefined ? {} : { address }),
      ...facts.more,
    },
  });
}

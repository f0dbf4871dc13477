// Answers Hello: is this still the host it was at the upgrade, do both sides share a version, is it the machine that
// enrolled, what is its certificate worth, and where do its streams stand. What does not hold is thrown and ends the
// connection; a host that may only renew gets no further than that.
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import { CODES } from '@selvage/shared/errors/codes.ts';
import type { HostId, Sha256, Timestamp } from '@selvage/shared/model/ids.ts';
import { fingerprint } from '@selvage/shared/pki/certificate.ts';
import { UNDERSTOOD } from '@selvage/shared/policy/understanding.ts';
import type { Clock } from '@selvage/shared/time/clock.ts';
import {
  type AgentFrame,
  type CollectorFrame,
  type EndorsedAuthority,
  type Hello,
  type PolicyHeld,
  PROTOCOL_VERSIONS,
  type Welcome,
} from '@selvage/shared/wire/wire.ts';
import type { Intake } from '../intake/intake.ts';
import type { Restoration } from '../restorations.ts';
import type { HostRecord, Store } from '../store/ports.ts';
import { admit, type Claim } from './admission.ts';
import type { Custody } from './custody.ts';
import type { GatewayLimits } from './limits.ts';
import type { Sightings } from './sightings.ts';
import { roleOf } from './standing.ts';

/** Signs the next certificate of a host for the key in a request; see collector/enrollment/renewal.ts. */
export type Renew = (request: {
  readonly host: HostId;
  /** PEM of the PKCS #10 request. */
  readonly csr: string;
  /** The certificate of the connection, and the hash of its key. */
  readonly certificate: Sha256;
  readonly key: Sha256;
  readonly address: string;
}) => Promise<string>;

export interface SessionParts {
  readonly store: Store;
  readonly intake: Intake;
  readonly clock: Clock;
  readonly limits: GatewayLimits;
  readonly claim: Claim;
  readonly collectorVersion: string;
  readonly custody: Custody;
  readonly sightings: Sightings;
  readonly renew: Renew | null;
  /** All that hosts should trust; empty: nothing is said about it. */
  readonly authorities: () => readonly EndorsedAuthority[];
  /** Which signed policy the host says it has accepted. */
  readonly onHeld: (host: { readonly id: HostId; readonly name: string }, held: PolicyHeld) => void;
  /** Times that the store has forgotten. */
  readonly restorations: readonly Restoration[];
  /** Closes the host's other connections: the identity is not to be used. */
  readonly onQuarantined: () => void;
}

/** What a connection may ask about the host behind it. */
export interface HostSession {
  /** The Welcome, and the frames that follow it. */
  greet(hello: Hello): Promise<{ readonly welcome: Omit<Welcome, 'type'>; readonly after: readonly CollectorFrame[] }>;
  /** Throws CERTIFICATE_EXPIRED for a frame that a host which must renew first may not send. */
  permit(type: AgentFrame['type']): void;
  held(frame: PolicyHeld): void;
  /** False while the host waits to be accepted: it gets no policy then. Once true, it stays so. */
  isAccepted(): Promise<boolean>;
  /** The next certificate, PEM. Throws CSR_INVALID, RATE_LIMITED (details.retryAfterMs), CERTIFICATE_SUPERSEDED. */
  renew(csr: string): Promise<string>;
}

const EXPIRED = 'the certificate has ended: it is good for its renewal only';
const READMITTED = 'an admin let this host in to renew its certificate, and for nothing else';

export function hostSession(parts: SessionParts): HostSession {
  const { claim, clock, store, limits, custody } = parts;
  let mustRenew: string | null = null;
  let name = '';
  let accepted = false;

  return {
    greet: async (hello) => {
      const { host, as } = await identified(parts, hello);
      name = host.name;
      accepted = host.acceptedAt !== null;
      mustRenew = as === 'expired' ? EXPIRED : as === 'readmitted' ? READMITTED : null;

      const version = versionOf(hello);
      const now = clock.now();
      // A host that may only renew has said nothing yet: its streams stay where they are.
      if (as === 'forgotten') await custody.adopt(host, { ...claim, key: claim.key() });
      const streams = mustRenew === null ? await parts.intake.resume(host.id, hello.streams) : hello.streams;
      // Also one that has ended since: it was used, and a lost answer to its renewal must not make it a stranger.
      if (roleOf(host, claim) === 'next') {
        await store.transaction(async (writers) => {
          // Two connections may greet at once; the record decides.
          const record = await writers.hosts.byId(host.id);
          if (record?.next?.certificate === claim.certificate) await custody.promote(writers, record, claim.address);
        });
      }
      await parts.sightings.note({
        id: host.id,
        at: now.toString() as Timestamp,
        agentVersion: hello.agentVersion,
        mode: hello.mode,
        address: claim.address,
        clockSkewMs: skewOf(hello, now),
        authorities: hello.authorities,
        // Of words that mean nothing here none is kept: whoever connects must not fill the store.
        understands:
          hello.understands.length === 0 ? null : UNDERSTOOD.filter((word) => hello.understands.includes(word)),
      });

      return {
        welcome: {
          version,
          collectorVersion: parts.collectorVersion,
          now: now.toString() as Timestamp,
          streams,
          heartbeatSeconds: limits.heartbeatSeconds,
          inFlight: limits.inFlight,
        },
        after: [
          ...(mustRenew === null ? [] : [renewFirst(mustRenew)]),
          ...(accepted ? [] : [waits(name)]),
          ...authoritiesFor(hello, parts.authorities()),
        ],
      };
    },

    permit: (type) => {
      if (mustRenew === null || type === 'renewalRequest' || type === 'hello' || type === 'ping') return;
      throw new CodedError('CERTIFICATE_EXPIRED', mustRenew, { next: 'renew the certificate first' });
    },

    // What a pending host says of policy is nobody's business: it must not be able to raise an alarm.
    held: (frame) => {
      if (accepted) parts.onHeld({ id: claim.host, name }, frame);
    },

    isAccepted: async () => {
      // The record decides: nobody has to tell this connection, and it never goes back.
      accepted ||= ((await store.read.hosts.byId(claim.host))?.acceptedAt ?? null) !== null;

      return accepted;
    },

    renew: async (csr) => {
      if (!parts.renew) throw new CodedError('FRAME_UNEXPECTED', 'certificates are not renewed here');
      const { host, certificate, address } = claim;

      return parts.renew({ host, csr, certificate, key: claim.key(), address });
    },
  };
}

/** The host, once it is the machine that it should be and its certificate is not somebody's copy. */
async function identified(
  parts: SessionParts,
  hello: Hello,
): Promise<{ readonly host: HostRecord; readonly as: 'current' | 'next' | 'forgotten' | 'expired' | 'readmitted' }> {
  const { claim, custody, store } = parts;
  // Again: the host may have been revoked, renewed or quarantined between the upgrade and now.
  const { clock, restorations } = parts;
  const admitted = await admit({ hosts: store.read.hosts, custody, now: clock.now(), restorations }, claim);
  const { host, standing } = admitted;
  versionOf(hello);
  const other = { machine: hello.machineId, address: claim.address, certificate: claim.certificate };
  const elsewhere = hello.machineId !== host.machineId;

  if (standing.verdict === 'superseded') {
    // A person has seen the other machine and decided against it: it is refused, and stops nobody.
    if (standing.settled && elsewhere) await custody.knock(host, claim.address, 'CERTIFICATE_SUPERSEDED');
    else await quarantine(parts, host, 'superseded', other);
    throw new CodedError('CERTIFICATE_SUPERSEDED', `host ${host.name} has another certificate now`);
  }
  if (elsewhere) {
    const picked = standing.verdict === 'renew-only' && standing.why === 'readmitted' && host.readmit?.machine != null;
    if (picked) await custody.knock(host, claim.address, 'HOST_QUARANTINED');
    else await quarantine(parts, host, 'cloned', other);
    throw new CodedError('HOST_QUARANTINED', `the identity of ${host.name} came from another machine`);
  }

  return { host, as: standing.verdict === 'welcome' ? standing.as : standing.why };
}

async function quarantine(
  { custody, onQuarantined }: SessionParts,
  ...what: Parameters<Custody['quarantine']>
): Promise<void> {
  await custody.quarantine(...what);
  onQuarantined();
}

function versionOf(hello: Hello): number {
  const version = PROTOCOL_VERSIONS.find((known) => hello.versions.includes(known));
  if (version !== undefined) return version;

  throw new CodedError(
    'PROTOCOL_VERSION',
    `the agent speaks versions ${hello.versions.join(', ') || 'none'}, this collector ${PROTOCOL_VERSIONS.join(', ')}`,
  );
}

function skewOf(hello: Hello, now: Temporal.Instant): number | null {
  return hello.now === '' ? null : Temporal.Instant.from(hello.now).epochMilliseconds - now.epochMilliseconds;
}

/** Said before the agent sends anything else, so that it does not learn it from the end of the connection. */
function renewFirst(message: string): CollectorFrame {
  return {
    ...{ type: 'problem', code: 'CERTIFICATE_EXPIRED', message, next: 'renew the certificate first' },
    ...{ fatal: false, retryAfterMs: 0 },
  };
}

/** It stays connected and reports, so that an admin sees what it is. */
function waits(name: string): CollectorFrame {
  const { next } = CODES.HOST_PENDING;

  return {
    ...{
      type: 'problem',
      code: 'HOST_PENDING',
      message: `${name} waits until an admin accepts it; it gets no policy yet`,
    },
    ...{ next: next.replace('NAME', name), fatal: false, retryAfterMs: 0 },
  };
}

/** Nothing for an agent that trusts exactly these, or that does not say what it trusts. */
function authoritiesFor({ authorities: theirs }: Hello, ours: readonly EndorsedAuthority[]): CollectorFrame[] {
  if (theirs.length === 0 || ours.length === 0) return [];
  const wanted = new Set<Sha256>(ours.map(({ certificate }) => fingerprintOnce(certificate)));
  const same = theirs.length === wanted.size && theirs.every((one) => wanted.has(one));

  return same ? [] : [{ type: 'authorities', authorities: ours }];
}

/** Authorities that were read already: there are at most a few, and every greeting asks about each. */
const MAX_READ = 16;
const read = new Map<string, Sha256>();

function fingerprintOnce(pem: string): Sha256 {
  const known = read.get(pem);
  if (known) return known;
  if (read.size >= MAX_READ) read.clear();
  const found = fingerprint(pem);
  read.set(pem, found);

  return found;
}

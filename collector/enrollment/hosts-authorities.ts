// The authority of hosts and, while it is being replaced, the next one: which of them signs, which are trusted, and how
// that lies on disk. Who may replace it and which hosts are ready is decided in ./rotation.ts.
//
//   single ── begin ─► begun ── switch ─► switched ── finish ─► finishing ─► single
//
// INVARIANTS: every step is decided by one atomic write of the rotation file; after a crash between any two writes the
// collector starts with the state before the step or the one after it. Finishing is repeated until it is done.

import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import type { Sha256, Timestamp } from '@selvage/shared/model/ids.ts';
import { type Authority, checkAuthority } from '@selvage/shared/pki/authority.ts';
import { fingerprint } from '@selvage/shared/pki/certificate.ts';
import { endorse, verifyEndorsement } from '@selvage/shared/pki/endorsement.ts';
import type { EndorsedAuthority } from '@selvage/shared/wire/wire.ts';

export interface Rotation {
  readonly phase: 'begun' | 'switched' | 'finishing';
  readonly next: Authority;
  /** Signature of the present authority over the next one; see shared/pki/endorsement.ts. */
  readonly endorsedBy: Sha256;
  readonly endorsement: Uint8Array;
  readonly begunAt: Timestamp;
}

export type Phase = 'single' | 'begun' | 'switched';

/** Where it is kept; each write is durable and whole, or not there. */
export interface AuthorityShelf {
  readPresent(): Promise<Authority>;
  /** Two files: a crash may leave the key of one authority and the certificate of another. */
  writePresent(authority: Authority): Promise<void>;
  readRotation(): Promise<Rotation | null>;
  writeRotation(rotation: Rotation): Promise<void>;
  removeRotation(): Promise<void>;
}

/** Throws CERTIFICATE_INVALID for keys that do not belong to their certificates, FILE_CORRUPT. */
export async function openHostsAuthorities(shelf: AuthorityShelf): Promise<HostsAuthorities> {
  let rotation = await shelf.readRotation();
  if (rotation?.phase === 'finishing') {
    await settle(shelf, rotation);
    rotation = null;
  }
  const present = await shelf.readPresent();
  checkAuthority(present);
  if (rotation) {
    checkAuthority(rotation.next);
    refuseForeign(present, rotation);
  }

  return new HostsAuthorities(shelf, present, rotation);
}

export class HostsAuthorities {
  readonly #shelf: AuthorityShelf;
  #present: Authority;
  #rotation: Rotation | null;
  /** Finished, but the disk did not take all of it: until it does, its file is the only one that has the present key. */
  #unsettled: Rotation | null = null;
  /** What signs new certificates, read at each use: an authority that follows every step. */
  readonly issuing: Authority;

  constructor(shelf: AuthorityShelf, present: Authority, rotation: Rotation | null) {
    this.#shelf = shelf;
    this.#present = present;
    this.#rotation = rotation;
    const issuer = () => this.#issuer;
    this.issuing = {
      get certificate() {
        return issuer().certificate;
      },
      get privateKey() {
        return issuer().privateKey;
      },
    };
  }

  get phase(): Phase {
    return this.#rotation === null || this.#rotation.phase === 'finishing' ? 'single' : this.#rotation.phase;
  }

  get begunAt(): Timestamp | null {
    return this.#rotation?.begunAt ?? null;
  }

  /** The next one as soon as there is one. */
  get newest(): Authority {
    return this.#rotation?.next ?? this.#present;
  }

  /** PEM of all whose certificates are taken, oldest first. */
  get trusted(): readonly string[] {
    return this.#rotation ? [this.#present.certificate, this.#rotation.next.certificate] : [this.#present.certificate];
  }

  /** What hosts are told to trust. */
  get endorsed(): readonly EndorsedAuthority[] {
    const oldest = { certificate: this.#present.certificate, endorsedBy: null, endorsement: new Uint8Array(0) };
    if (!this.#rotation) return [oldest];
    const { next, endorsedBy, endorsement } = this.#rotation;

    return [oldest, { certificate: next.certificate, endorsedBy, endorsement }];
  }

  /** Makes `next` trusted beside the present one. Throws ALREADY_EXISTS while a replacement is under way. */
  async begin(next: Authority, begunAt: Timestamp): Promise<void> {
    if (this.#rotation) throw new CodedError('ALREADY_EXISTS', 'the authority of hosts is being replaced already');
    checkAuthority(next);
    await this.#settle();
    const rotation: Rotation = {
      ...{ phase: 'begun', next, begunAt },
      ...endorse({ endorser: this.#present, certificate: next.certificate }),
    };
    await this.#shelf.writeRotation(rotation);
    this.#rotation = rotation;
  }

  /** The next one signs from now on. Throws NOT_FOUND when none was begun. */
  async switchOver(): Promise<void> {
    const rotation: Rotation = { ...this.#inPhase('begun'), phase: 'switched' };
    await this.#shelf.writeRotation(rotation);
    this.#rotation = rotation;
  }

  /** The one before is trusted no more. Throws NOT_FOUND before the switch. */
  async finish(): Promise<void> {
    const rotation: Rotation = { ...this.#inPhase('switched'), phase: 'finishing' };
    await this.#shelf.writeRotation(rotation);
    // Decided: whatever happens to the files from here on, the next start goes on with the next one alone.
    this.#present = rotation.next;
    this.#rotation = null;
    this.#unsettled = rotation;
    await this.#settle();
  }

  async #settle(): Promise<void> {
    if (!this.#unsettled) return;
    await settle(this.#shelf, this.#unsettled);
    this.#unsettled = null;
  }

  get #issuer(): Authority {
    return this.#rotation?.phase === 'switched' ? this.#rotation.next : this.#present;
  }

  #inPhase(phase: 'begun' | 'switched'): Rotation {
    if (this.#rotation?.phase === phase) return this.#rotation;
    const first = phase === 'begun' ? 'begin' : 'switch';

    throw new CodedError('NOT_FOUND', `the authority of hosts is not in that step: it is ${this.phase}`, {
      next: `first: selvage authority ${this.phase === 'switched' ? 'finish' : first}`,
    });
  }
}

/** A rotation file that is not this authority's (a mixed backup) must not make anything trusted. */
function refuseForeign(present: Authority, { next, endorsedBy, endorsement }: Rotation): void {
  const endorser = present.certificate;
  if (
    endorsedBy === fingerprint(endorser) &&
    verifyEndorsement({ endorser, certificate: next.certificate, endorsement })
  ) {
    return;
  }
  throw new CodedError('CERTIFICATE_INVALID', 'the next authority of hosts was not endorsed by the present one', {
    next: 'restore both files from one backup',
  });
}

async function settle(shelf: AuthorityShelf, { next }: Rotation): Promise<void> {
  await shelf.writePresent(next);
  await shelf.removeRotation();
}

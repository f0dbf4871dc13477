// Replacing the authority of hosts without touching them: the next one is endorsed by the present one, hosts follow it,
// then it signs, then the old one goes. A step that would strand a host is refused unless the admin says so.

import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import type { HostId, Sha256, Timestamp } from '@selvage/shared/model/ids.ts';
import { fingerprint } from '@selvage/shared/pki/certificate.ts';
import type { Random } from '@selvage/shared/random.ts';
import type { Clock } from '@selvage/shared/time/clock.ts';
import { counts } from '../host-state.ts';
import type { HostRecord, Store } from '../store/ports.ts';
import { expiryOf, makeAuthority } from './authorities.ts';
import { timestamp } from './context.ts';
import type { HostsAuthorities, Phase } from './hosts-authorities.ts';

/** Hosts named in an error or an entry of the ledger; the rest are counted. */
const SOME_HOSTS = 20;

export interface AuthorityView {
  readonly fingerprint: Sha256;
  readonly expires: Timestamp;
  /** New certificates and the gateway's own come from it. */
  readonly signs: boolean;
  /** Active hosts that said at their last Hello that they trust it, and those whose certificate it issued. */
  readonly trustedBy: number;
  readonly issued: number;
}

export interface RotationView {
  readonly phase: Phase;
  readonly begunAt: Timestamp | null;
  /** Oldest first. */
  readonly authorities: readonly AuthorityView[];
  /** Active hosts in the way of the next step. */
  readonly behind: readonly Behind[];
}

export interface Behind {
  readonly id: HostId;
  readonly name: string;
  readonly reason: string;
}

export interface RotationParts {
  readonly authorities: HostsAuthorities;
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
  /** After each step: servers take the new certificates, hosts are told. */
  readonly onChanged: (step: Step) => void;
}

export type Step = 'begun' | 'switched' | 'finished';

export interface StepOptions {
  /** Go on although hosts will have to be enrolled anew. */
  readonly leaveBehind: boolean;
}

export interface RotationDesk {
  view(): Promise<RotationView>;
  /** Throws ALREADY_EXISTS. */
  begin(by: string): Promise<RotationView>;
  /** Throws NOT_FOUND out of order, and REQUEST_INVALID with the hosts that do not trust the next authority yet. */
  switchOver(by: string, options: StepOptions): Promise<RotationView>;
  /** Throws NOT_FOUND out of order, and REQUEST_INVALID with the hosts that still have a certificate of the old one. */
  finish(by: string, options: StepOptions): Promise<RotationView>;
}

export function createRotation(parts: RotationParts): RotationDesk {
  const { authorities, store, clock, random, onChanged } = parts;
  let work: Promise<unknown> = Promise.resolve();
  /** One step at a time: two admins at once must not each see the state before the other. */
  const alone = <T>(step: () => Promise<T>): Promise<T> => {
    const done = work.then(step);
    work = done.catch(() => undefined);

    return done;
  };
  const view = async () => viewOf(authorities, await activeHosts(store));

  /** In the ledger first: there is no change of trust without an entry, but there may be an entry without a change. */
  const record = (by: string, step: Step, details: Readonly<Record<string, unknown>>) =>
    store.transaction((writers) =>
      writers.audit.append({
        ...{ at: timestamp(clock.now()), actor: by, action: `authority.${step}`, subject: 'authority:hosts', details },
      }),
    );
  const go = async (by: string, step: Step, options: StepOptions, change: () => Promise<void>) => {
    const { behind } = await view();
    if (behind.length > 0 && !options.leaveBehind) throw refusal(step, behind);
    await record(by, step, { newest: fingerprint(authorities.newest.certificate), ...leftBehind(behind) });
    const before = authorities.phase;

    try {
      await change();
    } finally {
      // Decided is decided, also when a disk was full a moment later.
      if (authorities.phase !== before) onChanged(step);
    }

    return view();
  };

  return {
    view,
    begin: (by) =>
      alone(async () => {
        refuseWrongPhase(authorities.phase, 'single');
        const next = makeAuthority('hosts', { now: clock.now(), random });
        const [present] = authorities.trusted;
        await record(by, 'begun', { next: fingerprint(next.certificate), present: fingerprint(present ?? '') });
        await authorities.begin(next, timestamp(clock.now()));
        onChanged('begun');

        return view();
      }),
    switchOver: (by, options) =>
      alone(async () => {
        refuseWrongPhase(authorities.phase, 'begun');

        return go(by, 'switched', options, () => authorities.switchOver());
      }),
    finish: (by, options) =>
      alone(async () => {
        refuseWrongPhase(authorities.phase, 'switched');

        return go(by, 'finished', options, () => authorities.finish());
      }),
  };
}

/** Who could not go on if the next step were taken now: pure. */
function behindOf(phase: Phase, newest: Sha256, hosts: readonly HostRecord[]): readonly Behind[] {
  if (phase === 'single') return [];

  return hosts.flatMap(({ id, name, authority, authorities, lastSeen }) => {
    if (!authorities.includes(newest)) {
      const reason =
        lastSeen === null ? 'it has never connected' : `it has not said that it trusts it, seen ${lastSeen}`;

      return [{ id, name, reason }];
    }
    if (phase === 'begun' || authority === newest) return [];

    return [{ id, name, reason: 'its certificate is one of the old authority' }];
  });
}

/** A pending host must not be able to hold a rotation up: it follows, or it enrolls anew. */
async function activeHosts(store: Store): Promise<readonly HostRecord[]> {
  return (await store.read.hosts.list()).filter(counts);
}

function viewOf(authorities: HostsAuthorities, hosts: readonly HostRecord[]): RotationView {
  const newest = fingerprint(authorities.newest.certificate);
  const signs = fingerprint(authorities.issuing.certificate);
  const [oldest] = authorities.trusted.map(fingerprint);

  return {
    phase: authorities.phase,
    begunAt: authorities.begunAt,
    authorities: authorities.trusted.map((pem) => {
      const id = fingerprint(pem);

      return {
        ...{ fingerprint: id, expires: expiryOf(pem), signs: id === signs },
        trustedBy: hosts.filter((host) => host.authorities.includes(id)).length,
        // Hosts from before this was kept have a certificate of the oldest.
        issued: hosts.filter((host) => (host.authority ?? oldest) === id).length,
      };
    }),
    behind: behindOf(authorities.phase, newest, hosts),
  };
}

function refuseWrongPhase(phase: Phase, needed: Phase): void {
  if (phase === needed) return;
  const next = { single: 'begin', begun: 'switch', switched: 'finish' }[phase];

  throw new CodedError(
    needed === 'single' ? 'ALREADY_EXISTS' : 'NOT_FOUND',
    phase === 'single'
      ? 'the authority of hosts is not being replaced'
      : `the replacement of the authority of hosts is ${phase} already`,
    { next: `the next step is: selvage authority ${next}` },
  );
}

function refusal(step: Step, behind: readonly Behind[]): CodedError {
  const errors = behind.slice(0, SOME_HOSTS).map(({ name, reason }) => `${name}: ${reason}`);
  const more = behind.length > SOME_HOSTS ? [`… and ${behind.length - SOME_HOSTS} more`] : [];

  return new CodedError('REQUEST_INVALID', `${behind.length} hosts would be left behind and have to enroll anew`, {
    next: `wait until they have connected, or: selvage authority ${step === 'switched' ? 'switch' : 'finish'} --leave-behind`,
    details: { errors: [...errors, ...more], hosts: behind.length },
  });
}

function leftBehind(behind: readonly Behind[]): Readonly<Record<string, unknown>> {
  return { leftBehind: behind.length, hosts: behind.slice(0, SOME_HOSTS).map(({ name }) => name) };
}

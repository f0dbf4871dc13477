// A collector with a policy repository in a real store, admins who sign for it, and an agent that verifies it. For tests only.
import { join } from 'node:path';
import { createSigningKey, type SigningKey } from '@selvage/shared/policy/keys.ts';
import { changeDocuments, createRepository, type Proposal } from '@selvage/shared/policy/sign.ts';
import { approvalSample, patchPolicySample, windowSample } from '@selvage/shared/policy/testing/sample-documents.ts';
import { type TrustedPolicy, verifyRepository } from '@selvage/shared/policy/trusted-set.ts';
import { type FakeClock, fakeClock } from '@selvage/shared/testing/fake-clock.ts';
import { temporaryFolder } from '@selvage/shared/testing/temporary-folder.ts';
import { afterAll, expect } from 'vitest';
import { type CollectorEvent, Events } from '../../events.ts';
import type { Store } from '../../store/ports.ts';
import { openStore } from '../../store/store.ts';
import { initializePolicy } from '../initialize.ts';
import { createPolicyRepository, type PolicyRepository } from '../repository.ts';
import { readStored } from '../stored.ts';

export const START = '2026-11-20T12:00:00Z';
export const HOUR_MS = 3_600_000;
export const DAY_MS = 24 * HOUR_MS;
export const folder = temporaryFolder('policy');
export const stores: Store[] = [];
afterAll(async () => {
  for (const store of stores) await store.close();
});
export const code = (expected: string) => expect.objectContaining({ code: expected });

export interface Setup {
  readonly store: Store;
  readonly clock: FakeClock;
  readonly repository: PolicyRepository;
  readonly admins: readonly SigningKey[];
  readonly online: { readonly snapshot: SigningKey; readonly timestamp: SigningKey };
  readonly events: CollectorEvent[];
  readonly root: Uint8Array;
}

export async function newCollector({ admins: count = 1, threshold = 1, start = START } = {}): Promise<Setup> {
  const clock = fakeClock(start);
  const store = await openStore({ file: join(folder, `${stores.length}.sqlite`), clock });
  stores.push(store);
  const admins = Array.from({ length: count }, createSigningKey);
  const online = { snapshot: createSigningKey(), timestamp: createSigningKey() };
  const proposal = createRepository({ admins, threshold, signers: admins, online, now: clock.now() });
  const root = await initializePolicy({ store, keys: online, clock, proposal });
  const bus = new Events();
  const events: CollectorEvent[] = [];
  bus.subscribe((event) => events.push(event));

  return {
    store,
    clock,
    repository: createPolicyRepository({ store, keys: online, clock, events: bus }),
    admins,
    online,
    events,
    root,
  };
}

/** As an agent does it: everything from the store, at the collector's time. */
export async function agentVerifies({ store, clock, root }: Setup, previous: TrustedPolicy | null = null) {
  const stored = await readStored(store.read.policy);

  return verifyRepository({
    root,
    files: (name, hash) => stored?.files(name, hash) ?? null,
    now: clock.now(),
    previous: previous?.accepted ?? null,
  });
}

export const DOCUMENTS = [windowSample(), patchPolicySample(), approvalSample()];

export async function propose(
  setup: Setup,
  change: { put?: typeof DOCUMENTS; remove?: string[]; signers?: SigningKey[] },
) {
  const { policy } = await setup.repository.current();

  return changeDocuments({ signers: setup.admins, ...change, current: policy, now: setup.clock.now() });
}

export async function storedState({ store }: Setup) {
  return { names: await store.read.policy.names(), audit: (await store.read.audit.after(0, 100)).length };
}

/** Refused with the code, and the store, the ledger and the listeners know nothing of it. */
export async function refused(setup: Setup, proposal: Proposal, expected: string) {
  const before = await storedState(setup);
  await expect(setup.repository.push({ ...proposal, by: 'admin:ops' })).rejects.toThrow(code(expected));

  expect(await storedState(setup)).toEqual(before);
  expect(setup.events).toEqual([]);
}

/** The same for a collector that something was pushed to before. */
export async function refusedAfter(setup: Setup, proposal: Proposal, expected: string) {
  setup.events.length = 0;
  await refused(setup, proposal, expected);
}

import { join } from 'node:path';
import { sha256 } from '@selvage/shared/files/canonical.ts';
import { createSigningKey, type SigningKey } from '@selvage/shared/policy/keys.ts';
import {
  changeAdmins,
  changeDocuments,
  createRepository,
  type Proposal,
  renewRoles,
} from '@selvage/shared/policy/sign.ts';
import { approvalSample, patchPolicySample, windowSample } from '@selvage/shared/policy/testing/sample-documents.ts';
import { type TrustedPolicy, verifyRepository } from '@selvage/shared/policy/trusted-set.ts';
import { type FakeClock, fakeClock } from '@selvage/shared/testing/fake-clock.ts';
import { temporaryFolder } from '@selvage/shared/testing/temporary-folder.ts';
import { afterAll, describe, expect, it } from 'vitest';
import { type CollectorEvent, Events } from '../events.ts';
import type { Store } from '../store/ports.ts';
import { openStore } from '../store/store.ts';
import { initializePolicy } from './initialize.ts';
import { createPolicyRepository, type PolicyRepository } from './repository.ts';
import { readStored } from './stored.ts';

const START = '2026-11-20T12:00:00Z';
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const folder = temporaryFolder('policy');
const stores: Store[] = [];
afterAll(async () => {
  for (const store of stores) await store.close();
});
const code = (expected: string) => expect.objectContaining({ code: expected });

interface Setup {
  readonly store: Store;
  readonly clock: FakeClock;
  readonly repository: PolicyRepository;
  readonly admins: readonly SigningKey[];
  readonly online: { readonly snapshot: SigningKey; readonly timestamp: SigningKey };
  readonly events: CollectorEvent[];
  readonly root: Uint8Array;
}

async function newCollector({ admins: count = 1, threshold = 1, start = START } = {}): Promise<Setup> {
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
async function agentVerifies({ store, clock, root }: Setup, previous: TrustedPolicy | null = null) {
  const stored = await readStored(store.read.policy);

  return verifyRepository({
    root,
    files: (name, hash) => stored?.files(name, hash) ?? null,
    now: clock.now(),
    previous: previous?.accepted ?? null,
  });
}

const DOCUMENTS = [windowSample(), patchPolicySample(), approvalSample()];

async function propose(setup: Setup, change: { put?: typeof DOCUMENTS; remove?: string[]; signers?: SigningKey[] }) {
  const { policy } = await setup.repository.current();

  return changeDocuments({ signers: setup.admins, ...change, current: policy, now: setup.clock.now() });
}

async function storedState({ store }: Setup) {
  return { names: await store.read.policy.names(), audit: (await store.read.audit.after(0, 100)).length };
}

/** Refused with the code, and the store, the ledger and the listeners know nothing of it. */
async function refused(setup: Setup, proposal: Proposal, expected: string) {
  const before = await storedState(setup);
  await expect(setup.repository.push({ ...proposal, by: 'admin:ops' })).rejects.toThrow(code(expected));

  expect(await storedState(setup)).toEqual(before);
  expect(setup.events).toEqual([]);
}

/** The same for a collector that something was pushed to before. */
async function refusedAfter(setup: Setup, proposal: Proposal, expected: string) {
  setup.events.length = 0;
  await refused(setup, proposal, expected);
}

describe('when a collector is new', () => {
  it('serves an empty policy that an agent accepts, and cannot be initialized twice', async () => {
    const setup = await newCollector();
    const again = createRepository({ ...setup, threshold: 1, signers: setup.admins, now: setup.clock.now() });
    const { store, clock, online: keys } = setup;

    expect((await agentVerifies(setup)).documents).toEqual([]);
    await expect(initializePolicy({ store, keys, clock, proposal: again })).rejects.toThrow(code('ALREADY_EXISTS'));
  });

  it('says that there is no policy where it was never initialized', async () => {
    const clock = fakeClock(START);
    const store = await openStore({ file: join(folder, 'empty.sqlite'), clock });
    stores.push(store);
    const keys = { snapshot: createSigningKey(), timestamp: createSigningKey() };
    const repository = createPolicyRepository({ store, keys, clock, events: new Events() });

    await expect(repository.current()).rejects.toThrow(code('POLICY_NONE'));
    await expect(repository.refreshTimestamp()).rejects.toThrow(code('POLICY_NONE'));
  });
});

describe('when an admin pushes', () => {
  it('stores what an agent then accepts, writes the ledger and tells who listens', async () => {
    const setup = await newCollector();
    const before = await agentVerifies(setup);
    await setup.clock.advance(HOUR_MS);
    const pushed = await setup.repository.push({ ...(await propose(setup, { put: DOCUMENTS })), by: 'admin:ops' });
    const after = await agentVerifies(setup, before);
    const current = await setup.repository.current();

    expect(after.documents.map(({ document }) => document.kind)).toEqual(['PatchPolicy', 'Window', 'Approval']);
    expect(current).toMatchObject({
      timestampVersion: pushed.timestampVersion,
      overdue: [],
      expires: '2026-11-21T13:00:00Z',
    });
    expect(current.documents).toEqual(after.documents);
    expect(setup.events).toEqual([{ type: 'policy.changed', timestampVersion: pushed.timestampVersion }]);
    const entries = (await setup.store.read.audit.after(0, 100)).slice(-2);
    expect(entries.map(({ actor, action, subject }) => [actor, action, subject])).toEqual([
      ['admin:ops', 'policy.pushed', `timestamp ${pushed.timestampVersion}`],
      ['admin:ops', 'fix.approved', 'openssl@3.0.22-1~deb12u2'],
    ]);
    expect(entries[1]?.details).toMatchObject({
      document: 'approvals/2026-11/linux-servers.openssl-3.0.22.json',
      packages: [{ name: 'openssl', version: '3.0.22-1~deb12u2', arch: 'amd64' }],
    });
  });

  it('calls a rejection by its name', async () => {
    const setup = await newCollector();
    await setup.repository.push({ ...(await propose(setup, { put: DOCUMENTS })), by: 'admin:ops' });
    const change = await propose(setup, { put: [approvalSample({ decision: 'reject', reason: 'breaks the driver' })] });
    await setup.repository.push({ ...change, by: 'admin:ops' });

    expect((await setup.store.read.audit.head())?.action).toBe('fix.rejected');
  });

  it('changes nothing when the very same push comes again', async () => {
    const setup = await newCollector();
    const proposal = await propose(setup, { put: DOCUMENTS });
    const first = await setup.repository.push({ ...proposal, by: 'admin:ops' });
    const state = await storedState(setup);

    expect(await setup.repository.push({ ...proposal, by: 'admin:ops' })).toEqual(first);
    expect(await storedState(setup)).toEqual(state);
  });

  it('lets one of two who started from the same version through', async () => {
    const setup = await newCollector();
    const mine = await propose(setup, { put: [windowSample({ name: 'mine' })] });
    const theirs = await propose(setup, { put: [windowSample({ name: 'theirs' })] });
    const results = await Promise.allSettled(
      [mine, theirs].map((p) => setup.repository.push({ ...p, by: 'admin:ops' })),
    );
    const [refusal] = results.filter((result) => result.status === 'rejected');

    expect(refusal?.reason).toEqual(code('POLICY_CONFLICT'));
    expect((await agentVerifies(setup)).documents.map(({ document }) => document.name)).toHaveLength(1);
    await expect(setup.repository.push({ ...theirs, metadata: theirs.metadata, by: 'admin:ops' })).rejects.toThrow(
      code('POLICY_CONFLICT'),
    );
  });

  it('keeps the documents of the version before, and drops older ones', async () => {
    const setup = await newCollector();
    for (const start of ['01:00', '02:00', '03:00']) {
      await setup.repository.push({ ...(await propose(setup, { put: [windowSample({ start })] })), by: 'admin:ops' });
    }
    const kept = (await setup.store.read.policy.names()).filter(({ name }) => name.includes('/'));

    expect(kept).toHaveLength(2);
  });
});

describe('when a push is refused', () => {
  it('too few of the admins have signed', async () => {
    const setup = await newCollector({ admins: 3, threshold: 2 });
    const [first] = setup.admins;

    await refused(setup, await propose(setup, { put: DOCUMENTS, signers: first ? [first] : [] }), 'POLICY_SIGNATURES');
    await refused(setup, await propose(setup, { put: DOCUMENTS, signers: [] }), 'POLICY_SIGNATURES');
  });

  it("the collector's own keys have signed", async () => {
    const setup = await newCollector();
    const { snapshot, timestamp } = setup.online;

    await refused(setup, await propose(setup, { put: DOCUMENTS, signers: [snapshot, timestamp] }), 'POLICY_SIGNATURES');
  });

  it("an admin makes the collector's keys count for policy", async () => {
    const setup = await newCollector();
    const { policy } = await setup.repository.current();
    const admins = [...setup.admins, setup.online.snapshot];
    const proposal = changeAdmins({
      current: policy,
      admins,
      threshold: 1,
      signers: setup.admins,
      now: setup.clock.now(),
    });

    await refused(setup, proposal, 'POLICY_SIGNATURES');
  });

  it('a stranger has signed', async () => {
    const setup = await newCollector();

    await refused(setup, await propose(setup, { put: DOCUMENTS, signers: [createSigningKey()] }), 'POLICY_SIGNATURES');
  });

  it('it brings its own snapshot or timestamp', async () => {
    const setup = await newCollector();
    const proposal = await propose(setup, { put: DOCUMENTS });
    for (const name of ['timestamp.json', '9.snapshot.json']) {
      const metadata = [...proposal.metadata, { name, bytes: new Uint8Array() }];
      await refused(setup, { ...proposal, metadata }, 'POLICY_SIGNATURES');
    }
  });

  it.each([
    ['a window that is not there', [patchPolicySample()]],
    ['a policy that is not there', [windowSample(), approvalSample()]],
    [
      'a lane that is not there',
      [windowSample(), patchPolicySample(), approvalSample({ lane: 'immediate', name: 'other' })],
    ],
  ])('a document refers to %s', async (_what, put) => {
    const setup = await newCollector();

    await refused(setup, await propose(setup, { put }), 'DOCUMENT_REFERENCE');
  });

  it('a window is removed that a policy still names', async () => {
    const setup = await newCollector();
    await setup.repository.push({ ...(await propose(setup, { put: DOCUMENTS })), by: 'admin:ops' });
    setup.events.length = 0;

    await refused(
      setup,
      await propose(setup, { remove: ['policy/windows/weekday-nights.json'] }),
      'DOCUMENT_REFERENCE',
    );
  });

  it('a document asks for what is not built, or is not well-formed', async () => {
    const setup = await newCollector();
    const gate = patchPolicySample({ gate: { maxFailures: '2%' } });
    const broken = { ...windowSample(), start: '25:00' };

    await refused(setup, await propose(setup, { put: [windowSample(), gate] }), 'DOCUMENT_NOT_SUPPORTED');
    await refused(setup, await propose(setup, { put: [broken] }), 'DOCUMENT_INVALID');
  });

  it('a document is missing, is other bytes than were signed, or is named by nobody', async () => {
    const setup = await newCollector();
    const proposal = await propose(setup, { put: [windowSample()] });
    const [target] = proposal.targets;
    const other = { path: target?.path ?? '', bytes: new TextEncoder().encode('{}') };

    await refused(setup, { ...proposal, targets: [] }, 'POLICY_INVALID');
    await refused(setup, { ...proposal, targets: [other] }, 'POLICY_INVALID');
    await refused(setup, { ...proposal, targets: [...proposal.targets, other] }, 'POLICY_INVALID');
  });

  it('a version does not follow the one that is stored', async () => {
    const setup = await newCollector();
    const { policy } = await setup.repository.current();
    const ahead = { ...policy, signed: { ...policy.signed, roles: { ...policy.signed.roles } } };
    const role = policy.signed.roles.policy;
    if (role) ahead.signed.roles.policy = { ...role, version: 6 };
    const change = { put: [windowSample()], signers: setup.admins, now: setup.clock.now() };

    await refused(setup, changeDocuments({ ...change, current: ahead }), 'POLICY_CONFLICT');
  });
});

describe('when time passes', () => {
  it('signs the timestamp again at half of its life, and the snapshot at half of its own', async () => {
    const setup = await newCollector();
    const versions = async () => (await agentVerifies(setup)).versions;
    const start = await versions();
    await setup.clock.advance(DAY_MS / 2 - 1000);
    expect(await setup.repository.refreshTimestamp()).toBe(false);
    await setup.clock.advance(1000);
    expect(await setup.repository.refreshTimestamp()).toBe(true);
    const later = await versions();
    expect(later.timestamp).toBeGreaterThan(start.timestamp ?? 0);
    expect(later.snapshot).toBe(start.snapshot);

    await setup.clock.advance(3 * DAY_MS);
    expect(await setup.repository.refreshTimestamp()).toBe(true);
    expect((await versions()).snapshot).toBeGreaterThan(start.snapshot ?? 0);
    expect(setup.events).toHaveLength(2);
  });

  it('is read and renewed after everything has expired, which no agent accepts until then', async () => {
    const setup = await newCollector();
    await setup.clock.advance(400 * DAY_MS);
    await setup.repository.refreshTimestamp();
    const { overdue, policy } = await setup.repository.current();
    expect(overdue.toSorted()).toEqual(['approvals', 'lifts', 'policy', 'root', 'targets', 'urgent']);
    await expect(agentVerifies(setup)).rejects.toThrow(code('POLICY_EXPIRED'));

    await refusedAfter(setup, await propose(setup, { put: [windowSample()] }), 'POLICY_EXPIRED');

    const renewed = renewRoles({ current: policy, roles: overdue, signers: setup.admins, now: setup.clock.now() });
    await setup.repository.push({ ...renewed, by: 'admin:ops' });
    expect((await agentVerifies(setup)).versions).toMatchObject({ root: 2, policy: 2 });
  });

  it('lets a month of approvals lapse and goes on', async () => {
    const setup = await newCollector();
    await setup.repository.push({ ...(await propose(setup, { put: DOCUMENTS })), by: 'admin:ops' });
    await setup.clock.advance(60 * DAY_MS);
    await setup.repository.refreshTimestamp();
    const january = approvalSample({ approvedAt: '2027-01-19T12:00:00Z', expires: '2027-02-19T12:00:00Z' });
    await setup.repository.push({ ...(await propose(setup, { put: [january] })), by: 'admin:ops' });
    const policy = await agentVerifies(setup);

    expect(policy.lapsed).toEqual(['approvals-2026-11']);
    expect(policy.documents.filter(({ document }) => document.kind === 'Approval').map(({ role }) => role)).toEqual([
      'approvals-2027-01',
    ]);
  });
});

describe('when an admin is revoked', () => {
  it('goes on without the months that are over', async () => {
    const setup = await newCollector();
    await setup.repository.push({ ...(await propose(setup, { put: DOCUMENTS })), by: 'admin:ops' });
    await setup.clock.advance(60 * DAY_MS);
    await setup.repository.refreshTimestamp();
    const added = createSigningKey();
    const { policy } = await setup.repository.current();
    const change = { current: policy, admins: [added], threshold: 1, now: setup.clock.now() };
    const proposal = changeAdmins({ ...change, signers: [...setup.admins, added] });
    await setup.repository.push({ ...proposal, by: 'admin:ops' });

    expect((await agentVerifies(setup)).versions).not.toHaveProperty('approvals-2026-11');
    expect((await setup.repository.current()).documents).toHaveLength(2);
    await refusedAfter(setup, await propose(setup, { put: [windowSample({ start: '04:00' })] }), 'POLICY_SIGNATURES');
    const signed = await propose(setup, { put: [windowSample({ start: '04:00' })], signers: [added] });
    await setup.repository.push({ ...signed, by: 'admin:new' });
    expect((await agentVerifies(setup)).documents).toHaveLength(2);
  });
});

describe('when a collector is restored from an old backup', () => {
  it('is ahead of what agents have seen of its snapshot and timestamp', async () => {
    const setup = await newCollector();
    const backup = await readStored(setup.store.read.policy);
    await setup.clock.advance(DAY_MS);
    await setup.repository.refreshTimestamp();
    await setup.clock.advance(5 * DAY_MS);
    await setup.repository.refreshTimestamp();
    const seen = await agentVerifies(setup);

    // The backup, in a new store: its timestamp and snapshot are those of the first day.
    const restored = await openStore({ file: join(folder, 'restored.sqlite'), clock: setup.clock });
    stores.push(restored);
    const files = [
      ...(backup?.roots ?? []),
      ...(backup?.roles ?? []).map(({ role, version, bytes }) => ({ name: `${version}.${role}.json`, bytes })),
      { name: `${backup?.snapshot.version}.snapshot.json`, bytes: backup?.snapshotBytes ?? new Uint8Array() },
      { name: 'timestamp.json', bytes: backup?.files('timestamp.json') ?? new Uint8Array() },
    ];
    await restored.transaction((writers) =>
      writers.policy.put(
        files.map(({ name, bytes }) => ({ name, sha256: sha256(bytes), content: bytes })),
        0,
      ),
    );
    const repository = createPolicyRepository({
      store: restored,
      keys: setup.online,
      clock: setup.clock,
      events: new Events(),
    });
    await setup.clock.advance(1000);
    await repository.refreshTimestamp();
    const after = await agentVerifies({ ...setup, store: restored }, seen);

    expect(after.versions.timestamp).toBeGreaterThan(seen.versions.timestamp ?? 0);
    expect(after.versions.snapshot).toBeGreaterThan(seen.versions.snapshot ?? 0);
  });
});

import { join } from 'node:path';
import { createSigningKey } from '@selvage/shared/policy/keys.ts';
import { changeAdmins, changeDocuments, createRepository } from '@selvage/shared/policy/sign.ts';
import { approvalSample, patchPolicySample, windowSample } from '@selvage/shared/policy/testing/sample-documents.ts';
import { fakeClock } from '@selvage/shared/testing/fake-clock.ts';
import { describe, expect, it } from 'vitest';
import { Events } from '../events.ts';
import { openStore } from '../store/store.ts';
import { initializePolicy } from './initialize.ts';
import { createPolicyRepository } from './repository.ts';
import { SNAPSHOTS_KEPT } from './shelf.ts';
import { readStored } from './stored.ts';
import {
  agentVerifies,
  code,
  DAY_MS,
  DOCUMENTS,
  folder,
  HOUR_MS,
  newCollector,
  propose,
  refused,
  START,
  storedState,
  stores,
} from './testing/collector.ts';

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

  it('keeps what the last snapshots name, and drops older snapshots, roles and documents', async () => {
    const setup = await newCollector();
    for (const hour of [1, 2, 3, 4, 5, 6, 7]) {
      const put = [windowSample({ start: `0${hour}:00` })];
      await setup.repository.push({ ...(await propose(setup, { put })), by: 'admin:ops' });
    }
    const names = (await setup.store.read.policy.names()).map(({ name }) => name);
    const count = (pattern: RegExp) => names.filter((name) => pattern.test(name)).length;

    expect(count(/\//)).toBe(SNAPSHOTS_KEPT);
    expect(count(/^\d+\.snapshot\.json$/)).toBe(SNAPSHOTS_KEPT);
    expect(count(/^\d+\.policy\.json$/)).toBe(SNAPSHOTS_KEPT);
    expect(names).toContain('1.root.json');
    // What did not change is named by all of them.
    expect(count(/^\d+\.lifts\.json$/)).toBe(1);
    expect((await agentVerifies(setup)).documents).toHaveLength(1);
  });

  it('serves a host that began to mirror before the last pushes to its end', async () => {
    const setup = await newCollector();
    await setup.repository.push({ ...(await propose(setup, { put: [windowSample()] })), by: 'admin:ops' });
    const begun = await readStored(setup.store.read.policy);
    for (let push = 1; push < SNAPSHOTS_KEPT; push++) {
      const put = [windowSample({ start: `0${push + 1}:00` })];
      await setup.repository.push({ ...(await propose(setup, { put })), by: 'admin:ops' });
    }
    const files = setup.store.read.policy;

    expect(await files.file(`${begun?.snapshot.version}.snapshot.json`)).not.toBeNull();
    for (const { role, version } of begun?.roles ?? []) {
      expect([role, await files.file(`${version}.${role}.json`)]).not.toEqual([role, null]);
    }
    const [window] = (await agentVerifies(setup)).documents;
    expect(window?.document).toMatchObject({ start: `0${SNAPSHOTS_KEPT}:00` });
    const names = (await files.names()).filter(({ name }) => name === window?.path);
    expect(names).toHaveLength(SNAPSHOTS_KEPT);
  });

  it('refreshing for a year leaves no more on the shelf than at the beginning', async () => {
    const setup = await newCollector();
    await setup.repository.push({ ...(await propose(setup, { put: DOCUMENTS })), by: 'admin:ops' });
    for (let half = 0; half < 60; half++) {
      await setup.clock.advance(DAY_MS * 6);
      await setup.repository.refreshTimestamp();
    }
    const names = (await setup.store.read.policy.names()).map(({ name }) => name);

    expect(names.filter((name) => name.endsWith('.snapshot.json'))).toHaveLength(SNAPSHOTS_KEPT);
    expect(names.length).toBeLessThan(20);
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

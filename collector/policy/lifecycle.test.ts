// The repository over time: refreshed, expired, lapsed, restored, with other admins.
import { join } from 'node:path';
import { sha256 } from '@selvage/shared/files/canonical.ts';
import { createSigningKey } from '@selvage/shared/policy/keys.ts';
import { changeAdmins, renewRoles } from '@selvage/shared/policy/sign.ts';
import { approvalSample, windowSample } from '@selvage/shared/policy/testing/sample-documents.ts';
import { describe, expect, it } from 'vitest';
import { Events } from '../events.ts';
import { openStore } from '../store/store.ts';
import { createPolicyRepository } from './repository.ts';
import { readStored } from './stored.ts';
import {
  agentVerifies,
  code,
  DAY_MS,
  DOCUMENTS,
  folder,
  newCollector,
  propose,
  refusedAfter,
  stores,
} from './testing/collector.ts';

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

  it('is ahead of what agents have seen as soon as a restored collector has started', async () => {
    const setup = await newCollector();
    const versions = async () => (await agentVerifies(setup)).versions;
    const start = await versions();
    // What a backup does not hold was signed later than it; the Unix time of the start is later than all of that.
    await setup.clock.advance(3_600_000);
    expect(await setup.repository.refreshTimestamp({ restarted: true })).toBe(true);
    const now = Math.floor(setup.clock.now().epochMilliseconds / 1000);

    expect(await versions()).toMatchObject({ ...start, timestamp: now, snapshot: now });
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

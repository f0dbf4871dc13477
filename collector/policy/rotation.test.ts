// Keys replaced in a collector: real store, real key files, crashes in between, and a host that verifies each outcome.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { sha256 } from '@selvage/shared/files/canonical.ts';
import { createSigningKey } from '@selvage/shared/policy/keys.ts';
import { MAX_ROOT_STEPS, MAX_VERSION_LEAD } from '@selvage/shared/policy/limits.ts';
import { replaceAdminKey, replaceOnlineKeys } from '@selvage/shared/policy/rotate.ts';
import { renewRoles } from '@selvage/shared/policy/sign.ts';
import { windowSample } from '@selvage/shared/policy/testing/sample-documents.ts';
import { describe, expect, it } from 'vitest';
import { Events } from '../events.ts';
import { adminSample } from '../store/samples.ts';
import { openKeyring } from './keyring.ts';
import { checkVersions } from './proposal.ts';
import { createPolicyRepository } from './repository.ts';
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
  refusedAfter,
  type Setup,
  storedState,
} from './testing/collector.ts';

/** The same collector with its online keys in a file, as `serve` has them. */
async function withKeyFile(setup: Setup, name: string) {
  const file = join(folder, name);
  const { snapshot, timestamp } = setup.online;
  writeFileSync(file, JSON.stringify({ snapshot: snapshot.privateKey, timestamp: timestamp.privateKey }));
  const restart = async () =>
    createPolicyRepository({
      store: setup.store,
      keys: await openKeyring(file),
      clock: setup.clock,
      events: new Events(),
    });

  return { file, restart };
}

async function newOnlineRoot(setup: Setup, repository: Setup['repository']) {
  const online = await repository.proposeOnlineKeys('admin:ann');
  const { root } = (await repository.current()).policy.signed;

  return { online, proposal: replaceOnlineKeys({ root, online, signers: setup.admins, now: setup.clock.now() }) };
}

describe('when the online keys are rotated', () => {
  it('signs with the new ones from then on, and a host follows and refuses the old ones', async () => {
    const setup = await newCollector();
    const { file, restart } = await withKeyFile(setup, 'rotate.json');
    const repository = await restart();
    const before = await agentVerifies(setup);
    const old = readFileSync(file, 'utf8');
    const { online, proposal } = await newOnlineRoot(setup, repository);
    expect(readFileSync(file, 'utf8')).toBe(old);
    await repository.push({ ...proposal, by: 'admin:ann' });

    const after = await agentVerifies(setup, before);
    expect(after.signed.root.roles.timestamp.keyids).toEqual([online.timestamp.keyId]);
    expect(readFileSync(file, 'utf8')).not.toBe(old);
    expect(existsSync(`${file}.next`)).toBe(false);
    expect((await setup.store.read.audit.after(0, 100)).map(({ action }) => action)).toEqual(
      expect.arrayContaining(['policy.online-keys-made', 'policy.root-changed']),
    );
    await setup.clock.advance(DAY_MS / 2);
    expect(await repository.refreshTimestamp()).toBe(true);
    expect((await agentVerifies(setup, after)).versions.root).toBe(2);
    // Who stole the keys of before can refresh nothing any more.
    await expect(setup.repository.refreshTimestamp({ restarted: true })).rejects.toThrow(code('KEY_UNUSABLE'));
  });

  it('is whole after a crash between the commit and the key file', async () => {
    const setup = await newCollector();
    const { file, restart } = await withKeyFile(setup, 'crash.json');
    const first = await restart();
    const present = readFileSync(file, 'utf8');
    const { proposal } = await newOnlineRoot(setup, first);
    const waiting = readFileSync(`${file}.next`, 'utf8');
    await first.push({ ...proposal, by: 'admin:ann' });
    // As it lay on the disk when the power went.
    writeFileSync(file, present);
    writeFileSync(`${file}.next`, waiting);

    const again = await restart();
    expect(await again.refreshTimestamp({ restarted: true })).toBe(true);
    expect((await agentVerifies(setup)).versions.root).toBe(2);
    expect([readFileSync(file, 'utf8'), existsSync(`${file}.next`)]).toEqual([`${waiting}`, false]);
  });

  it('loses no key when others are asked for after such a crash, or while a root is on its way', async () => {
    const setup = await newCollector();
    const { file, restart } = await withKeyFile(setup, 'race.json');
    const first = await restart();
    const present = readFileSync(file, 'utf8');
    const { proposal } = await newOnlineRoot(setup, first);
    const waiting = readFileSync(`${file}.next`, 'utf8');
    await first.push({ ...proposal, by: 'admin:ann' });
    writeFileSync(file, present);
    writeFileSync(`${file}.next`, waiting);
    await (await restart()).proposeOnlineKeys('admin:bob');
    expect(readFileSync(file, 'utf8')).toBe(waiting);

    // The other one asks before the commit, and gets all the turns it could use.
    const asked: Promise<unknown>[] = [];
    let [rotating, calls] = [false, 0];
    const keys = await openKeyring(file);
    const repository = createPolicyRepository({
      ...{ keys, clock: setup.clock, events: new Events() },
      store: {
        ...setup.store,
        read: setup.store.read,
        transaction: async (work) => {
          calls += 1;
          if (asked.length === 0 && rotating) {
            const first = calls;
            asked.push(repository.proposeOnlineKeys('admin:bob'));
            // Until the other one has its keys and wants to write that down, or plainly does not get that far.
            for (let turn = 0; turn < 50_000 && calls === first; turn++) {
              await new Promise((resolve) => setImmediate(resolve));
            }
          }

          return setup.store.transaction(work);
        },
      },
    });
    const again = await newOnlineRoot(setup, repository);
    rotating = true;
    await repository.push({ ...again.proposal, by: 'admin:ann' });
    await Promise.all(asked);

    expect(await (await restart()).refreshTimestamp({ restarted: true })).toBe(true);
    expect((await agentVerifies(setup)).versions.root).toBe(3);
  });

  it('begins with the versions anew, however far the old keys were made to run', async () => {
    const setup = await newCollector();
    const { policy, timestampVersion } = await setup.repository.current();
    const request = { current: policy, roles: ['policy'], signers: setup.admins, now: setup.clock.now() };
    await setup.repository.push({
      ...{ ...renewRoles(request), by: 'admin:ann' },
      recovers: { onTopOf: timestampVersion, above: Number.MAX_SAFE_INTEGER },
    });
    const far = await agentVerifies(setup);
    const { proposal } = await newOnlineRoot(setup, setup.repository);
    await setup.repository.push({ ...proposal, by: 'admin:ann' });
    const seconds = Math.floor(setup.clock.now().epochMilliseconds / 1000);

    expect(far.versions.timestamp).toBeGreaterThan(seconds);
    expect((await agentVerifies(setup, far)).versions).toMatchObject({ timestamp: seconds, snapshot: seconds });
  });

  it('signs nothing with keys that the root does not name', async () => {
    const setup = await newCollector();
    const { file, restart } = await withKeyFile(setup, 'old-keys.json');
    const old = readFileSync(file, 'utf8');
    const repository = await restart();
    const { proposal } = await newOnlineRoot(setup, repository);
    await repository.push({ ...proposal, by: 'admin:ann' });
    // The key file of before, from a backup.
    writeFileSync(file, old);
    const state = await storedState(setup);

    await expect((await restart()).refreshTimestamp({ restarted: true })).rejects.toThrow(code('KEY_UNUSABLE'));
    expect(await storedState(setup)).toEqual(state);
  });

  it('starts without its key file, keeps what is stored, and an admin mends it', async () => {
    const setup = await newCollector();
    const lost = createPolicyRepository({
      ...{ store: setup.store, clock: setup.clock, events: new Events() },
      keys: await openKeyring(join(folder, 'lost.json')),
    });
    const before = await agentVerifies(setup);
    await expect(lost.refreshTimestamp({ restarted: true })).rejects.toThrow(code('KEY_UNUSABLE'));
    await setup.clock.advance(10 * DAY_MS);
    const { proposal } = await newOnlineRoot(setup, lost);
    await lost.push({ ...proposal, by: 'admin:ann' });

    expect((await agentVerifies(setup, before)).documents).toEqual(before.documents);
    expect(await lost.refreshTimestamp({ restarted: true })).toBe(true);
  });

  it('refuses a root that names keys it does not have', async () => {
    const setup = await newCollector();
    const { root } = (await setup.repository.current()).policy.signed;
    const online = { snapshot: createSigningKey(), timestamp: createSigningKey() };
    const proposal = replaceOnlineKeys({ root, online, signers: setup.admins, now: setup.clock.now() });

    await refused(setup, proposal, 'POLICY_SIGNATURES');
  });
});

describe('when an admin rotates their key', () => {
  it('the record of that admin follows in the same commit, that of nobody else', async () => {
    const setup = await newCollector();
    const [from] = setup.admins;
    const to = createSigningKey();
    if (!from) throw new Error('one admin');
    await setup.store.transaction(async (writers) => {
      await writers.admins.add(adminSample('ann', { keyId: from.keyId }));
      await writers.admins.add(adminSample('bob', { keyId: 'b'.repeat(64) }));
    });
    const before = await agentVerifies(setup);
    const { policy } = await setup.repository.current();
    const proposal = replaceAdminKey({ current: policy, from, to, now: setup.clock.now() });
    await setup.repository.push({ ...proposal, by: 'admin:ann' });

    const keys = (await setup.store.read.admins.list()).map(({ name, keyId }) => [name, keyId]);
    expect(keys).toEqual([
      ['ann', to.keyId],
      ['bob', 'b'.repeat(64)],
    ]);
    expect((await agentVerifies(setup, before)).versions.root).toBe(2);
    await refusedAfter(setup, await propose(setup, { put: [windowSample({ start: '05:00' })] }), 'POLICY_SIGNATURES');
  });
});

describe('when versions jump', () => {
  const above = async (setup: Setup, version: number) => {
    const { policy, timestampVersion } = await setup.repository.current();
    const request = { current: policy, roles: ['policy'], signers: setup.admins, now: setup.clock.now() };

    return { proposal: renewRoles({ ...request, above: { policy: version } }), timestampVersion };
  };

  it('only a push that says what it is on top of may do so', async () => {
    const setup = await newCollector();
    const { proposal, timestampVersion } = await above(setup, 40);
    await refused(setup, proposal, 'POLICY_CONFLICT');
    await setup.clock.advance(HOUR_MS);
    await setup.repository.push({ ...(await propose(setup, { put: DOCUMENTS })), by: 'admin:bob' });
    // Somebody else has pushed meanwhile: jumping over it would lose it.
    await expect(
      setup.repository.push({ ...proposal, by: 'admin:ann', recovers: { onTopOf: timestampVersion, above: 0 } }),
    ).rejects.toThrow(code('POLICY_CONFLICT'));

    const again = await above(setup, 40);
    await setup.repository.push({
      ...again.proposal,
      by: 'admin:ann',
      recovers: { onTopOf: again.timestampVersion, above: 0 },
    });
    expect((await agentVerifies(setup)).versions.policy).toBe(41);
    expect((await agentVerifies(setup)).documents).toHaveLength(DOCUMENTS.length);
  });

  it('not without end: what a lying host says is believed so far only', async () => {
    const setup = await newCollector();
    const { proposal, timestampVersion } = await above(setup, MAX_VERSION_LEAD + 1);

    await expect(
      setup.repository.push({ ...proposal, by: 'admin:ann', recovers: { onTopOf: timestampVersion, above: 0 } }),
    ).rejects.toThrow(code('POLICY_CONFLICT'));
  });

  it('snapshot and timestamp go above what was seen, no further ahead of the time than is believed', async () => {
    const setup = await newCollector();
    const seconds = Math.floor(setup.clock.now().epochMilliseconds / 1000);
    const first = await above(setup, 3);
    await setup.repository.push({
      ...{ ...first.proposal, by: 'admin:ann' },
      recovers: { onTopOf: first.timestampVersion, above: seconds + 90 },
    });
    expect((await agentVerifies(setup)).versions).toMatchObject({ snapshot: seconds + 91, timestamp: seconds + 91 });

    const second = await above(setup, 5);
    await setup.repository.push({
      ...{ ...second.proposal, by: 'admin:ann' },
      recovers: { onTopOf: second.timestampVersion, above: Number.MAX_SAFE_INTEGER },
    });
    expect((await agentVerifies(setup)).versions.timestamp).toBe(seconds + MAX_VERSION_LEAD + 1);
  });

  it('roots leave no gap, and there is an end to them', () => {
    const root = (version: number) => ({ role: 'root', version, bytes: new Uint8Array() });

    expect(() => checkVersions([root(2), root(3)], { root: 1 }, MAX_VERSION_LEAD)).not.toThrow();
    expect(() => checkVersions([root(3)], { root: 1 }, MAX_VERSION_LEAD)).toThrow(code('POLICY_CONFLICT'));
    expect(() => checkVersions([root(MAX_ROOT_STEPS)], { root: MAX_ROOT_STEPS - 1 })).not.toThrow();
    expect(() => checkVersions([root(MAX_ROOT_STEPS + 1)], { root: MAX_ROOT_STEPS })).toThrow(code('POLICY_INVALID'));
  });
});

describe('when time passes over rotations', () => {
  it('keeps and serves every root, and a host that saw the first follows all of them in one step', async () => {
    const setup = await newCollector();
    await setup.repository.push({ ...(await propose(setup, { put: DOCUMENTS })), by: 'admin:ops' });
    const long = await agentVerifies(setup);
    let [from] = setup.admins;
    for (let month = 0; month < 3; month++) {
      await setup.clock.advance(120 * DAY_MS);
      await setup.repository.refreshTimestamp();
      const to = createSigningKey();
      const { policy } = await setup.repository.current();
      if (!from) throw new Error('one admin');
      const proposal = replaceAdminKey({ current: policy, from, to, now: setup.clock.now() });
      await setup.repository.push({ ...proposal, by: 'admin:ops' });
      const { online, proposal: onlineRoot } = await newOnlineRoot({ ...setup, admins: [to] }, setup.repository);
      await setup.repository.push({ ...onlineRoot, by: 'admin:ops' });
      expect(online.timestamp.keyId).toHaveLength(sha256('').length);
      from = to;
    }
    const names = (await setup.store.read.policy.names()).map(({ name }) => name);
    expect(names.filter((name) => name.endsWith('.root.json'))).toHaveLength(7);

    const after = await agentVerifies(setup, long);
    expect(after.versions.root).toBe(7);
    expect(after.documents.map(({ document }) => document.kind)).toEqual(['PatchPolicy', 'Window']);
  });
});

import type { HostId, Timestamp } from '@selvage/shared/model/ids.ts';
import { fakeClock } from '@selvage/shared/testing/fake-clock.ts';
import { temporaryFolder } from '@selvage/shared/testing/temporary-folder.ts';
import { afterAll, describe, expect, it } from 'vitest';
import { entryHash, GENESIS, verifyChain } from '../audit/chain.ts';
import { AT, adminSample, hashOf, hostId, hostSample, LATER, packed, resultSample, tokenSample } from './samples.ts';
import { openStore } from './store.ts';

const folder = temporaryFolder('tables');
const open: { close(): Promise<void> }[] = [];
let files = 0;
const fresh = async () => {
  const store = await openStore({ file: `${folder}/${++files}.sqlite`, clock: fakeClock(AT) });
  open.push(store);

  return store;
};
const code = (expected: string) => expect.objectContaining({ code: expected });

afterAll(async () => {
  for (const store of open) await store.close();
});

describe('when hosts are kept', () => {
  it('gives them back whole, by id and by name', async () => {
    const store = await fresh();
    await store.transaction((w) => w.hosts.add(hostSample(1)));

    expect(await store.read.hosts.byId(hostId(1))).toEqual(hostSample(1));
    expect(await store.read.hosts.byName('host-1')).toEqual(hostSample(1));
    expect(await store.read.hosts.byId(hostId(9))).toBeNull();
  });

  it('lets one active host have a name, and a new one after a revocation', async () => {
    const store = await fresh();
    const twin = hostSample(2, { name: 'host-1' });
    await store.transaction((w) => w.hosts.add(hostSample(1)));

    await expect(store.transaction((w) => w.hosts.add(twin))).rejects.toThrow(code('ALREADY_EXISTS'));
    await store.transaction((w) => w.hosts.revoke(hostId(1), LATER));
    expect((await store.read.hosts.byName('host-1'))?.revokedAt).toBe(LATER);
    await store.transaction((w) => w.hosts.add(twin));

    expect((await store.read.hosts.byName('host-1'))?.id).toBe(hostId(2));
    expect(await store.read.hosts.list()).toHaveLength(2);
  });

  it('never takes the same id twice, also when it is revoked', async () => {
    const store = await fresh();
    await store.transaction((w) => w.hosts.add(hostSample(1)));
    await store.transaction((w) => w.hosts.revoke(hostId(1), LATER));

    await expect(store.transaction((w) => w.hosts.add(hostSample(1)))).rejects.toThrow(code('ALREADY_EXISTS'));
  });

  it('keeps the first time of a revocation and lets a revoked host change nothing', async () => {
    const store = await fresh();
    await store.transaction((w) => w.hosts.add(hostSample(1)));
    await store.transaction((w) => w.hosts.revoke(hostId(1), AT));
    await store.transaction((w) => w.hosts.revoke(hostId(1), LATER));
    const seen = store.transaction((w) => w.hosts.seen(hostId(1), LATER, { agentVersion: '1', mode: 'observe' }));
    const renewed = store.transaction((w) => w.hosts.renewCertificate(hostId(1), hashOf('new'), LATER));

    await expect(seen).rejects.toThrow(code('HOST_REVOKED'));
    await expect(renewed).rejects.toThrow(code('HOST_REVOKED'));
    expect(await store.read.hosts.byId(hostId(1))).toMatchObject({ state: 'revoked', revokedAt: AT, lastSeen: null });
  });

  it('notes what a connection says', async () => {
    const store = await fresh();
    await store.transaction((w) => w.hosts.add(hostSample(1)));
    await store.transaction((w) => w.hosts.seen(hostId(1), LATER, { agentVersion: '0.2', mode: 'advise' }));
    await store.transaction((w) => w.hosts.renewCertificate(hostId(1), hashOf('new'), AT));

    expect(await store.read.hosts.byId(hostId(1))).toMatchObject({
      lastSeen: LATER,
      agentVersion: '0.2',
      mode: 'advise',
      certificate: hashOf('new'),
      certificateExpires: AT,
    });
  });

  it('refuses a record that could not be read again', async () => {
    const store = await fresh();
    const bad = hostSample(1, { enrolledAt: 'yesterday' as Timestamp });

    await expect(store.transaction((w) => w.hosts.add(bad))).rejects.toThrow(code('STORE_FAILED'));
    expect(await store.read.hosts.list()).toEqual([]);
  });
});

describe('when tokens are used', () => {
  const use = { at: LATER, key: hashOf('key'), for: hostId(1) };

  it('is used once; the same key may ask again, another may not', async () => {
    const store = await fresh();
    await store.transaction((w) => w.tokens.add(tokenSample('a')));
    await store.transaction((w) => w.tokens.use('a', use));
    await store.transaction((w) => w.tokens.use('a', use));
    const other = store.transaction((w) => w.tokens.use('a', { ...use, key: hashOf('other') }));

    await expect(other).rejects.toThrow(code('TOKEN_USED'));
    expect(await store.read.tokens.byId('a')).toEqual(
      tokenSample('a', { usedAt: LATER, usedByKey: use.key, usedFor: hostId(1) }),
    );
  });

  it('lets exactly one of many at the same moment have it', async () => {
    const store = await fresh();
    await store.transaction((w) => w.tokens.add(tokenSample('a')));
    const asked = Array.from({ length: 20 }, (_, index) =>
      store.transaction((w) => w.tokens.use('a', { ...use, key: hashOf(`key-${index}`) })),
    );
    const answers = await Promise.allSettled(asked);

    expect(answers.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  });

  it('says revoked and unknown apart', async () => {
    const store = await fresh();
    await store.transaction((w) => w.tokens.add(tokenSample('a')));
    await store.transaction((w) => w.tokens.revoke('a', AT));

    await expect(store.transaction((w) => w.tokens.use('a', use))).rejects.toThrow(code('TOKEN_REVOKED'));
    await expect(store.transaction((w) => w.tokens.use('b', use))).rejects.toThrow(code('TOKEN_UNKNOWN'));
    await expect(store.transaction((w) => w.tokens.add(tokenSample('a')))).rejects.toThrow(code('ALREADY_EXISTS'));
    expect(await store.read.tokens.list()).toHaveLength(1);
  });
});

describe('when admins are kept', () => {
  it('finds them by certificate and takes a name again after revocation', async () => {
    const store = await fresh();
    await store.transaction((w) => w.admins.add(adminSample('ann')));
    const twin = adminSample('ann', { certificate: hashOf('second') });

    expect(await store.read.admins.byCertificate(hashOf('admin-ann'))).toEqual(adminSample('ann'));
    await expect(store.transaction((w) => w.admins.add(twin))).rejects.toThrow(code('ALREADY_EXISTS'));
    await store.transaction((w) => w.admins.revoke('ann', AT));
    await store.transaction((w) => w.admins.add(twin));

    expect((await store.read.admins.byCertificate(hashOf('admin-ann')))?.state).toBe('revoked');
    expect((await store.read.admins.byName('ann'))?.certificate).toBe(hashOf('second'));
  });

  it('never lets two admins share a certificate', async () => {
    const store = await fresh();
    await store.transaction((w) => w.admins.add(adminSample('ann')));
    await store.transaction((w) => w.admins.add(adminSample('bob')));
    const shared = adminSample('eve', { certificate: hashOf('admin-ann') });
    const renewed = store.transaction((w) => w.admins.renewCertificate('bob', hashOf('admin-ann'), LATER));

    await expect(store.transaction((w) => w.admins.add(shared))).rejects.toThrow(code('ALREADY_EXISTS'));
    await expect(renewed).rejects.toThrow(code('ALREADY_EXISTS'));
  });

  it('renews the active one only', async () => {
    const store = await fresh();
    await store.transaction((w) => w.admins.add(adminSample('ann')));
    await store.transaction((w) => w.admins.renewCertificate('ann', hashOf('new'), AT));

    expect(await store.read.admins.byName('ann')).toMatchObject({ certificate: hashOf('new'), certificateExpires: AT });
    await store.transaction((w) => w.admins.revoke('ann', AT));
    const late = store.transaction((w) => w.admins.renewCertificate('ann', hashOf('newer'), AT));
    await expect(late).rejects.toThrow(code('FORBIDDEN'));
    await expect(store.transaction((w) => w.admins.revoke('nobody', AT))).rejects.toThrow(code('NOT_FOUND'));
  });
});

describe('when streams advance', () => {
  it('keeps 64-bit positions exactly and never goes back', async () => {
    const store = await fresh();
    await store.transaction((w) => w.hosts.add(hostSample(1)));
    const large = 2n ** 60n + 1n;

    expect(await store.read.streams.position(hostId(1), 'outbox:x')).toBe(0n);
    await store.transaction((w) => w.streams.advance(hostId(1), 'outbox:x', large));
    await store.transaction((w) => w.streams.advance(hostId(1), 'outbox:x', large));
    const back = store.transaction((w) => w.streams.advance(hostId(1), 'outbox:x', large - 1n));
    const beyond = store.transaction((w) => w.streams.advance(hostId(1), 'outbox:x', 2n ** 63n));

    await expect(back).rejects.toThrow(code('STATE'));
    await expect(beyond).rejects.toThrow(code('FRAME_INVALID'));
    expect(await store.read.streams.position(hostId(1), 'outbox:x')).toBe(large);
    expect(await store.read.streams.position(hostId(1), 'outbox:y')).toBe(0n);
  });

  it('has no streams of hosts that do not exist', async () => {
    const store = await fresh();
    const advanced = store.transaction((w) => w.streams.advance('nobody' as HostId, 'outbox:x', 1n));

    await expect(advanced).rejects.toThrow(code('STORE_FAILED'));
  });
});

describe('when results are kept', () => {
  const signed = (bytes: string) => ({ payload: Buffer.from(bytes), signature: Buffer.from('s') });

  it('counts a result once however often it comes, and loses none that differs', async () => {
    const store = await fresh();
    await store.transaction((w) => w.hosts.add(hostSample(1)));
    for (const bytes of ['a', 'a', 'b']) {
      await store.transaction((w) => w.results.put(hostId(1), AT, resultSample(1), signed(bytes)));
    }
    await store.transaction((w) => w.results.put(hostId(1), LATER, resultSample(2), signed('c')));

    expect((await store.read.results.ofHost(hostId(1), 10)).map(({ result }) => result.number)).toEqual([2, 1, 1]);
    expect(await store.read.results.ofHost(hostId(1), 1)).toEqual([
      { host: hostId(1), receivedAt: LATER, result: resultSample(2) },
    ]);
    expect(await store.read.results.ofApproval('openssl-3')).toHaveLength(3);
    expect(await store.read.results.ofApproval('other')).toEqual([]);
  });

  it('refuses a result that names another host', async () => {
    const store = await fresh();
    await store.transaction((w) => w.hosts.add(hostSample(2)));
    const put = store.transaction((w) => w.results.put(hostId(2), AT, resultSample(1), signed('a')));

    await expect(put).rejects.toThrow(code('FRAME_WRONG_HOST'));
  });
});

describe('when inventories are kept', () => {
  const reboot = packed({ required: true, reasons: ['kernel'] });
  const quiet = packed({ required: false, reasons: [] });
  const section = (sha256: typeof reboot.sha256) => ({ name: 'reboot' as const, sha256, problem: null });

  it('gives the newest report with data, problems and what the agent does not know', async () => {
    const store = await fresh();
    const problem = { code: 'PARSE' as const, reason: 'line 3' };
    await store.transaction(async (w) => {
      await w.hosts.add(hostSample(1));
      await w.inventory.putSection(hostId(1), 'reboot', reboot.sha256, reboot.zstdJson);
      await w.inventory.putReport(hostId(1), AT, [section(reboot.sha256), { name: 'users', sha256: null, problem }]);
    });
    const latest = await store.read.inventory.latest(hostId(1));

    expect(latest?.takenAt).toBe(AT);
    expect(latest?.sections.reboot).toEqual({ ok: true, data: { required: true, reasons: ['kernel'] } });
    expect(latest?.sections.users).toEqual({ ok: false, ...problem });
    expect(latest?.sections.os).toMatchObject({ ok: false, code: 'NOT_BUILT' });
    expect(await store.read.inventory.sections(hostId(1))).toEqual([
      { ...section(reboot.sha256), takenAt: AT },
      { name: 'users', sha256: null, problem, takenAt: AT },
    ]);
    expect(await store.read.inventory.latest(hostId(2))).toBeNull();
  });

  it('drops a section that no report uses any more', async () => {
    const store = await fresh();
    await store.transaction(async (w) => {
      await w.hosts.add(hostSample(1));
      await w.inventory.putSection(hostId(1), 'reboot', reboot.sha256, reboot.zstdJson);
      await w.inventory.putReport(hostId(1), AT, [section(reboot.sha256)]);
      await w.inventory.putSection(hostId(1), 'reboot', quiet.sha256, quiet.zstdJson);
      await w.inventory.putSection(hostId(1), 'reboot', quiet.sha256, quiet.zstdJson);
      await w.inventory.putReport(hostId(1), LATER, [section(quiet.sha256)]);
    });

    expect(await store.read.inventory.hasSection(hostId(1), 'reboot', reboot.sha256)).toBe(false);
    expect(await store.read.inventory.hasSection(hostId(1), 'reboot', quiet.sha256)).toBe(true);
    expect(await store.read.inventory.hasSection(hostId(1), 'users', quiet.sha256)).toBe(false);
  });

  it('refuses a report that names a section it does not have, and keeps the one before', async () => {
    const store = await fresh();
    await store.transaction(async (w) => {
      await w.hosts.add(hostSample(1));
      await w.inventory.putSection(hostId(1), 'reboot', reboot.sha256, reboot.zstdJson);
      await w.inventory.putReport(hostId(1), AT, [section(reboot.sha256)]);
    });
    const report = store.transaction((w) => w.inventory.putReport(hostId(1), LATER, [section(quiet.sha256)]));
    const both = [section(reboot.sha256), section(reboot.sha256)];
    const doubled = store.transaction((w) => w.inventory.putReport(hostId(1), LATER, both));

    await expect(report).rejects.toThrow(code('NOT_FOUND'));
    await expect(doubled).rejects.toThrow(code('STORE_FAILED'));
    expect((await store.read.inventory.latest(hostId(1)))?.takenAt).toBe(AT);
  });

  it('gives one section of all active hosts, each with data or its problem', async () => {
    const store = await fresh();
    const problem = { code: 'PARSE' as const, reason: 'line 3' };
    await store.transaction(async (w) => {
      for (const number of [1, 2, 3, 4]) await w.hosts.add(hostSample(number));
      for (const number of [1, 3]) {
        await w.inventory.putSection(hostId(number), 'reboot', reboot.sha256, reboot.zstdJson);
        await w.inventory.putReport(hostId(number), AT, [section(reboot.sha256)]);
      }
      await w.inventory.putReport(hostId(2), AT, [{ name: 'reboot', sha256: null, problem }]);
      await w.hosts.revoke(hostId(3), AT);
    });

    expect(await store.read.inventory.sectionOfAll('reboot')).toEqual([
      { host: hostId(1), takenAt: AT, data: { required: true, reasons: ['kernel'] }, problem: null },
      { host: hostId(2), takenAt: AT, data: null, problem },
    ]);
  });

  it.each([
    ['does not unpack', 'reboot' as const, { ...reboot, zstdJson: new Uint8Array([1, 2, 3]) }],
    ['has another hash', 'reboot' as const, { ...reboot, zstdJson: quiet.zstdJson }],
    ['does not fit its shape', 'reboot' as const, packed({ required: 'yes' })],
  ])('fails on a section that %s, rather than leave it out', async (_, name, bad) => {
    const store = await fresh();
    await store.transaction(async (w) => {
      await w.hosts.add(hostSample(1));
      await w.inventory.putSection(hostId(1), name, bad.sha256, bad.zstdJson);
      await w.inventory.putReport(hostId(1), AT, [{ name, sha256: bad.sha256, problem: null }]);
    });

    await expect(store.read.inventory.latest(hostId(1))).rejects.toThrow(code('STORE_FAILED'));
    await expect(store.read.inventory.sectionOfAll(name)).rejects.toThrow(code('STORE_FAILED'));
  });
});

describe('when policy files are kept', () => {
  const file = (name: string, content: string) => ({ name, sha256: hashOf(content), content: Buffer.from(content) });
  const timestamp = (version: number) => file('timestamp.json', JSON.stringify({ signed: { version } }));
  const target = 'policy/windows/x.json';

  it('replaces metadata by name, keeps targets by hash and refuses a push from behind', async () => {
    const store = await fresh();
    await store.transaction((w) => w.policy.put([timestamp(5), file(target, 'old')], 0));
    await store.transaction((w) => w.policy.put([timestamp(6), file(target, 'new')], 5));
    const late = store.transaction((w) => w.policy.put([timestamp(6), file(target, 'late')], 5));

    await expect(late).rejects.toThrow(code('POLICY_CONFLICT'));
    expect(await store.read.policy.file(target, hashOf('old'))).toEqual(new Uint8Array(Buffer.from('old')));
    expect(await store.read.policy.file(target)).toEqual(new Uint8Array(Buffer.from('new')));
    expect(await store.read.policy.file(target, hashOf('late'))).toBeNull();
    expect(await store.read.policy.file('timestamp.json')).toEqual(new Uint8Array(timestamp(6).content));
    expect((await store.read.policy.names()).filter(({ name }) => name === 'timestamp.json')).toHaveLength(1);
  });

  it('prunes targets that are not kept, never metadata', async () => {
    const store = await fresh();
    await store.transaction(async (w) => {
      await w.policy.put([timestamp(1), file('1.root.json', 'r'), file(target, 'old'), file(target, 'new')], 0);
      await w.policy.prune([{ name: target, sha256: hashOf('new') }]);
    });

    expect((await store.read.policy.names()).map(({ sha256 }) => sha256).sort()).toEqual(
      [timestamp(1).sha256, hashOf('r'), hashOf('new')].sort(),
    );
  });

  it('refuses content that is not what its hash says', async () => {
    const store = await fresh();
    const bad = { ...file(target, 'a'), sha256: hashOf('b') };

    await expect(store.transaction((w) => w.policy.put([bad], 0))).rejects.toThrow(code('STORE_FAILED'));
  });
});

describe('when the ledger grows', () => {
  const entry = (subject: string, details = {}) => ({
    at: AT,
    actor: 'admin:ann',
    action: 'test.done',
    subject,
    details,
  });

  it('chains entries without gaps and gives them back as they were hashed', async () => {
    const store = await fresh();
    const first = await store.transaction((w) =>
      w.audit.append(entry('a', { z: 1, a: [null, { b: 'ü' }], u: undefined })),
    );
    const second = await store.transaction((w) => w.audit.append(entry('lone \ud800 surrogate\0')));
    const read = await store.read.audit.after(0, 10);

    expect(read).toEqual([first, second]);
    expect(first).toMatchObject({ sequence: 1, previous: GENESIS });
    expect(second).toMatchObject({ sequence: 2, previous: first.hash, hash: entryHash(second) });
    expect(verifyChain(read).checked).toBe(2);
    expect(await store.read.audit.head()).toEqual(second);
    expect(await store.read.audit.after(1, 10)).toEqual([second]);
  });

  it('takes no details that JSON cannot hold', async () => {
    const store = await fresh();
    const odd = store.transaction((w) => w.audit.append(entry('a', { when: new Date(0) })));

    await expect(odd).rejects.toThrow(code('STORE_FAILED'));
    expect(await store.read.audit.head()).toBeNull();
  });
});

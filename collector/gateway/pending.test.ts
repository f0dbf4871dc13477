// What a host may do while it waits to be accepted, and what a stolen token for many hosts is worth: real enrollment, real TLS
// connections, and the rooms wired as `serve` wires them.

import { sha256 } from '@selvage/shared/files/canonical.ts';
import { silentLog } from '@selvage/shared/log/log.ts';
import type { HostId } from '@selvage/shared/model/ids.ts';
import type { KeyPair } from '@selvage/shared/pki/keys.ts';
import type { CollectorFrame } from '@selvage/shared/wire/wire.ts';
import { afterAll, describe, expect, it } from 'vitest';
import { HeldPolicy } from '../alarms/held.ts';
import { PENDING_MS } from '../enrollment/limits.ts';
import { newcomer } from '../enrollment/testing/office.ts';
import { updatesOf } from '../fixes/hosts.ts';
import { followEvents } from '../follow-events.ts';
import { keepHistory } from '../history/keeper.ts';
import { hostState } from '../host-state.ts';
import { MAX_PENDING_BYTES } from '../intake/pending.ts';
import { HOUR_MS, identityLabs, type Machine, machineIdOf } from './testing/identity-lab.ts';
import { durable, INVENTORY, RESULTS, reportOf, result, section } from './testing/messages.ts';

const open = identityLabs('pending');
const TIMESTAMP = new Uint8Array(Buffer.from('{"signed":{"version":7}}'));
const unfollows: (() => void)[] = [];
afterAll(() => {
  for (const unfollow of unfollows) unfollow();
});

async function fleet(uses = 50) {
  const held = new HeldPolicy();
  const lab = await open({ gateway: { onHeld: (host, said) => held.note(host, said) } });
  const policy = { current: async () => ({ timestampVersion: 7 }) };
  unfollows.push(followEvents({ events: lab.events, gateway: lab.gateway, held, policy, log: silentLog }));
  await lab.store.transaction((w) =>
    w.policy.put([{ name: 'timestamp.json', sha256: sha256(TIMESTAMP), content: TIMESTAMP }], 0),
  );
  const { token, id } = await lab.enrollment.createToken({
    ...{ kind: 'host', boundTo: null, ttlMs: 8 * HOUR_MS, createdBy: 'admin:ann', uses },
  });

  return {
    ...lab,
    held,
    tokenId: id,
    come: async (name: string, machineId = machineIdOf('a')): Promise<Machine & { readonly runner: KeyPair }> => {
      const machine = newcomer(name);
      const { hostId, certificate } = await lab.enrollment.enrollHost(machine.request(token, { machineId }));
      const { runner } = machine;

      return { id: hostId, name, machineId, key: machine.keys.privateKey, cert: certificate, runner };
    },
    change: (hosts: readonly { readonly id: HostId }[], kind: 'accept' | 'revoke' | 'retire') =>
      lab.enrollment.changeHosts(
        hosts.map(({ id }) => id),
        { kind },
        'admin:ann',
      ),
  };
}

const asking = { type: 'policyRequest', name: 'timestamp.json', sha256: null } as const;
const NOT_FOUND = { type: 'policyFile', name: 'timestamp.json', found: false, content: new Uint8Array(0) };

describe('while a host is pending', () => {
  it('it is welcomed and told so, its inventory is taken, and it gets no policy, also by name and hash', async () => {
    const lab = await fleet();
    const host = await lab.come('web-1');
    const client = await lab.connect(host);
    const reboot = section();

    expect(client.first.type).toBe('welcome');
    expect(await client.next()).toMatchObject({
      ...{ type: 'problem', code: 'HOST_PENDING', fatal: false },
      next: expect.stringContaining('selvage host accept web-1'),
    });
    client.send(durable(INVENTORY, 1, reboot));
    expect(await client.next()).toMatchObject({ type: 'acknowledgement', sequence: 1n });
    client.send(durable(INVENTORY, 2, reportOf(reboot)));
    expect(await client.next()).toMatchObject({ type: 'acknowledgement', sequence: 2n });
    expect(await lab.store.read.inventory.latest(host.id)).not.toBeNull();

    client.send(asking);
    expect(await client.next()).toEqual(NOT_FOUND);
    client.send({ ...asking, sha256: sha256(TIMESTAMP) });
    expect(await client.next()).toEqual(NOT_FOUND);
  });

  it('new policy is announced to others, not to it', async () => {
    const lab = await fleet();
    const accepted = await lab.enroll('db-1', machineIdOf('b'));
    const [theirs, waiting] = [await lab.connect(accepted), await lab.connect(await lab.come('web-1'))];
    expect(await waiting.next()).toMatchObject({ code: 'HOST_PENDING' });
    lab.events.publish({ type: 'policy.changed', timestampVersion: 8 });

    expect(await theirs.next()).toEqual({ type: 'policyAvailable', timestampVersion: 8n });
    waiting.send({ type: 'ping', nonce: 1n });
    expect(await waiting.next()).toEqual({ type: 'pong', nonce: 1n });
  });

  it('it raises no alarm, is in no fix, and leaves nothing in the ledger but that it came', async () => {
    const lab = await fleet();
    const host = await lab.come('web-1');
    const client = await lab.connect(host);
    await client.next();
    client.send({ type: 'policyHeld', roles: [{ role: 'root', version: 10n ** 9n }], problem: '' });
    client.send(durable(INVENTORY, 1, { ...section(), zstdJson: new Uint8Array([1]) }));
    expect(await client.next()).toMatchObject({ type: 'problem', code: 'FRAME_INVALID' });

    expect(lab.held.ahead({ root: 1 })).toEqual([]);
    expect(updatesOf(await lab.store.read.hosts.list(), [])).toEqual([]);
    expect(await lab.ledger(host)).toEqual(['host.enrolled']);
    expect((await lab.store.read.audit.after(0, 99)).map(({ action }) => action)).not.toContain('message.refused');
  });

  it('it fills no disk: of what it reports so much is kept, and the rest as soon as it counts', async () => {
    const lab = await fleet();
    const host = await lab.come('web-1');
    const kept = new Uint8Array(MAX_PENDING_BYTES - 10);
    await lab.store.transaction((w) => w.inventory.putSection(host.id, 'kernel', sha256('k'), kept));
    const client = await lab.connect(host);
    await client.next();
    const reboot = section();
    client.send(durable(INVENTORY, 1, reboot));

    expect(await client.next()).toMatchObject({ type: 'problem', code: 'FRAME_UNEXPECTED', fatal: false });
    expect(await client.next()).toMatchObject({ type: 'acknowledgement', sequence: 1n });
    expect(await lab.store.read.inventory.size(host.id)).toBe(kept.length);
    await lab.change([host], 'accept');
    expect(await client.next()).toMatchObject({ type: 'policyAvailable' });
    client.send(durable(INVENTORY, 2, reboot));
    expect(await client.next()).toMatchObject({ type: 'acknowledgement', sequence: 2n });
    expect(await lab.store.read.inventory.size(host.id)).toBe(kept.length + reboot.zstdJson.length);
  });

  it('streams that it skips are in no ledger', async () => {
    const lab = await fleet();
    const host = await lab.come('web-1');
    const skipped = { streams: [{ stream: INVENTORY, sequence: 7n }] };
    expect((await lab.connect(host, skipped)).first).toMatchObject({ type: 'welcome', ...skipped });

    expect(await lab.ledger(host)).toEqual(['host.enrolled']);
    expect((await lab.store.read.audit.after(0, 99)).map(({ action }) => action)).not.toContain('stream.skipped');
  });

  it('changes of its packages that it tells of are in ledger and history only once it counts', async () => {
    const lab = await fleet();
    const keeper = keepHistory({ ...lab, log: silentLog }, { pauseMs: 0 });
    const host = await lab.come('web-1');
    const at = lab.clock.now().add({ minutes: 30 }).toString();
    lab.later(HOUR_MS);
    const client = await lab.connect(host);
    await client.next();
    const change = { name: 'bash', arch: 'amd64', from: '1', to: '2' };
    const told = [
      {
        ...{ id: 'a'.repeat(32), source: 'apt', at, endedAt: at, certain: true, actor: null, command: null },
        ...{ run: null, problem: null, changes: [change] },
      },
    ];
    const changes = section('changes', { complete: true, problems: [], told });
    client.send(durable(INVENTORY, 1, changes));
    client.send(durable(INVENTORY, 2, reportOf(changes)));
    await client.next();
    expect(await client.next()).toMatchObject({ type: 'acknowledgement', sequence: 2n });
    const rows = () => lab.store.read.changes.ofHost(host.id, { since: 0, limit: 9 });
    const outside = async () => {
      await keeper.idle();

      return (await lab.ledger(host)).filter((action) => action === 'host.changed-outside').length;
    };

    expect([await outside(), await rows()]).toEqual([0, []]);
    await lab.change([host], 'accept');
    expect([await outside(), await rows()]).toMatchObject([1, [{ source: 'apt' }]]);
    await keeper.close();
  });

  it('it gets no certificate that it does not need, because each is in the ledger; accepted, it gets one', async () => {
    const lab = await fleet();
    const host = await lab.come('web-1');
    const client = await lab.connect(host);
    await client.next();
    expect(await lab.renewal(client, host).catch((frame: unknown) => frame)).toMatchObject({ code: 'RATE_LIMITED' });
    expect(await lab.ledger(host)).toEqual(['host.enrolled']);

    await lab.change([host], 'accept');
    expect(await client.next()).toMatchObject({ type: 'policyAvailable' });
    expect(await lab.renewal(client, host)).toMatchObject({ cert: expect.stringContaining('CERTIFICATE') });
  });

  it('results stay with it until it counts', async () => {
    const lab = await fleet();
    const host = await lab.come('web-1');
    const client = await lab.connect(host);
    await client.next();
    const signed = result(host, 1);
    client.send(durable(RESULTS, 1, signed));
    client.send({ type: 'ping', nonce: 1n });
    // No acknowledgement comes before the answer to what was sent after it.
    let frame: CollectorFrame = await client.next();
    expect(frame.type).toBe('pong');
    expect(await lab.store.read.results.ofHost(host.id, 9)).toEqual([]);

    await lab.change([host], 'accept');
    frame = await client.next();
    expect(frame.type).toBe('policyAvailable');
    client.send(durable(RESULTS, 1, signed));
    expect(await client.next()).toMatchObject({ type: 'acknowledgement', stream: RESULTS, sequence: 1n });
  });
});

describe('when hosts are accepted', () => {
  it('policy is announced at once over the connection that is open, and served', async () => {
    const lab = await fleet();
    const hosts = [await lab.come('web-1'), await lab.come('web-2', machineIdOf('b'))];
    const clients = [];
    for (const host of hosts) clients.push(await lab.connect(host));
    for (const client of clients) await client.next();
    await lab.change(hosts, 'accept');

    for (const client of clients) {
      expect(await client.next()).toEqual({ type: 'policyAvailable', timestampVersion: 7n });
      client.send(asking);
      expect(await client.next()).toMatchObject({ type: 'policyFile', found: true, content: TIMESTAMP });
    }
    expect(lab.heard.filter(({ type }) => type === 'host.accepted')).toHaveLength(2);
  });

  it('one that connects later is told nothing of waiting', async () => {
    const lab = await fleet();
    const host = await lab.come('web-1');
    await lab.change([host], 'accept');
    const client = await lab.connect(host);
    client.send(asking);

    expect(await client.next()).toMatchObject({ type: 'policyFile', found: true });
  });
});

describe('when a pending host is sent away', () => {
  it.each([
    ['revoke', 'HOST_REVOKED'],
    ['retire', 'HOST_RETIRED'],
  ] as const)('%s closes its connection, and the door says %s', async (kind, refusal) => {
    const lab = await fleet();
    const host = await lab.come('web-1');
    const client = await lab.connect(host);
    await client.next();
    await lab.change([host], kind);

    expect(await client.next()).toMatchObject({ type: 'problem', code: refusal, fatal: true });
    await client.closed;
    await expect(lab.open(host)).rejects.toMatchObject({ status: 401, code: refusal });
    await expect(lab.open(host)).rejects.toMatchObject({ code: refusal });
  });

  it.each(['revoke', 'retire'] as const)(
    '%s leaves nothing of what it reported; of one that counted it stays',
    async (kind) => {
      const lab = await fleet();
      const [stranger, known] = [await lab.come('web-1'), await lab.come('web-2', machineIdOf('b'))];
      const hosts = [stranger, known];
      const reboot = section();
      for (const host of hosts) {
        const client = await lab.connect(host);
        await client.next();
        client.send(durable(INVENTORY, 1, reboot));
        client.send(durable(INVENTORY, 2, reportOf(reboot)));
        await client.next();
        await client.next();
      }
      await lab.change([known], 'accept');
      await lab.change(hosts, kind);

      const { inventory } = lab.store.read;
      expect([await inventory.size(stranger.id), await inventory.latest(stranger.id)]).toEqual([0, null]);
      expect(await inventory.latest(known.id)).not.toBeNull();
      expect((await lab.record(stranger)).name).toBe('web-1');
    },
  );

  it('nobody accepts it: after its time it is retired, not a moment before, and its name is free', async () => {
    const lab = await fleet();
    const [early, late] = [await lab.come('web-1'), await lab.come('web-2', machineIdOf('b'))];
    await lab.change([late], 'accept');
    const client = await lab.connect(early);
    await client.next();
    lab.later(PENDING_MS);
    expect(await lab.enrollment.retireUnaccepted()).toBe(0);
    lab.later(1);
    expect(await lab.enrollment.retireUnaccepted()).toBe(1);

    expect(await client.next()).toMatchObject({ code: 'HOST_RETIRED', fatal: true });
    expect([hostState(await lab.record(early)), hostState(await lab.record(late))]).toEqual(['retired', 'active']);
    expect((await lab.store.read.audit.after(0, 99)).at(-1)).toMatchObject({
      ...{ actor: 'collector', action: 'host.retired', subject: `host:${early.id}` },
      details: { name: 'web-1', reason: 'nobody accepted it in time' },
    });
  });
});

describe('when the place of a host is taken', () => {
  it('its connection is closed and its certificate refused; the new one is welcomed, under the same name', async () => {
    const lab = await fleet();
    const old = await lab.enroll('web-1');
    const client = await lab.connect(old);
    const { token } = await lab.enrollment.createToken({
      ...{ kind: 'host', boundTo: 'web-1', ttlMs: HOUR_MS, createdBy: 'admin:ann', replaces: true },
    });
    const machine = newcomer('web-1');
    const machineId = machineIdOf('b');
    const { hostId, certificate } = await lab.enrollment.enrollHost(machine.request(token, { machineId }));

    expect(await client.next()).toMatchObject({ type: 'problem', code: 'HOST_RETIRED', fatal: true });
    await client.closed;
    await expect(lab.open(old)).rejects.toMatchObject({ code: 'HOST_RETIRED' });
    const fresh = { id: hostId, name: 'web-1', machineId, key: machine.keys.privateKey, cert: certificate };
    expect((await lab.connect(fresh)).first.type).toBe('welcome');
  });
});

describe('when a token for many hosts is stolen', () => {
  it('it brings what waits, up to its uses: no policy, no name that somebody has, no number that changes', async () => {
    const lab = await fleet(5);
    const mine = await lab.enroll('db-1', machineIdOf('b'));
    const came = [];
    for (const name of ['db-1', 'db-2', 'db-3', 'db-4', 'db-5', 'db-6', 'db-7']) {
      came.push(
        await lab.come(name, machineIdOf(name.slice(-1))).then(
          () => 'pending',
          ({ code }) => code,
        ),
      );
    }

    expect(came).toEqual(['HOST_NAME_TAKEN', ...Array(5).fill('pending'), 'TOKEN_USED']);
    const hosts = await lab.store.read.hosts.list();
    expect(hosts.filter((host) => hostState(host) === 'active').map(({ id }) => id)).toEqual([mine.id]);
    expect(updatesOf(hosts, []).map(({ id }) => id)).toEqual([mine.id]);

    // The way back: the token, and all that came by it.
    await lab.enrollment.revokeToken(lab.tokenId, 'admin:ann');
    await lab.change(await lab.store.read.hosts.pending(), 'revoke');
    expect(await lab.store.read.hosts.pending()).toEqual([]);
    expect(hostState(await lab.record(mine))).toBe('active');
  });
});

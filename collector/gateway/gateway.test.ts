import { sha256 } from '@selvage/shared/files/canonical.ts';
import { describe, expect, it } from 'vitest';
import { durable, INVENTORY, RESULTS, report, reportOf, result, section } from './testing/messages.ts';
import { gate, helloOf, ledger, makeHost, makeWorld, NOW } from './testing/world.ts';

describe('when an enrolled host connects', () => {
  it('is welcomed, seen and connected', async () => {
    const world = await makeWorld();
    const host = await world.enroll(1);
    const client = await world.connect(host);

    expect(client.welcome).toMatchObject({ type: 'welcome', version: 1, now: NOW, heartbeatSeconds: 55, inFlight: 16 });
    expect(world.gateway.connected()).toEqual([host.id]);
    expect(await world.store.read.hosts.byId(host.id)).toMatchObject({ lastSeen: NOW, agentVersion: '0.1.0' });
    expect(world.seen).toEqual([{ type: 'host.connected', host: host.id, name: 'host-1' }]);
  });

  it('what it can read of signed documents is kept as it said last, without words that mean nothing here', async () => {
    const world = await makeWorld();
    const host = await world.enroll(1);
    const record = () => world.store.read.hosts.byId(host.id);
    await world.connect(host);
    expect(await record()).toMatchObject({ understands: null });
    for (const [said, kept] of [
      [
        ['Window', 'x'.repeat(128), 'Approval'],
        ['Window', 'Approval'],
      ],
      [['x'], []],
      [[], null],
    ] as const) {
      const client = await world.dial(host);
      client.send({ ...helloOf(host), understands: said });
      await client.next();

      expect(await record()).toMatchObject({ understands: kept });
    }
  });

  it('its messages are acknowledged after they are committed, refusals are told without ending the connection', async () => {
    const world = await makeWorld();
    const host = await world.enroll(1);
    const client = await world.connect(host);
    const reboot = section();
    client.send(durable(INVENTORY, 1, { ...reboot, zstdJson: new Uint8Array([1]) }));
    client.send(durable(INVENTORY, 2, reportOf(reboot)));
    client.send(durable(RESULTS, 1, result(host, 1)));

    expect(await client.next()).toMatchObject({ type: 'problem', code: 'FRAME_INVALID', fatal: false });
    expect(await client.next()).toEqual({ type: 'acknowledgement', stream: INVENTORY, sequence: 1n });
    expect(await client.next()).toEqual({ type: 'sectionsWanted', names: ['reboot'] });
    expect(await client.next()).toEqual({ type: 'acknowledgement', stream: INVENTORY, sequence: 2n });
    expect(await client.next()).toEqual({ type: 'acknowledgement', stream: RESULTS, sequence: 1n });
    expect(await world.store.read.results.ofHost(host.id, 9)).toHaveLength(1);
  });

  it('pings are answered with their number', async () => {
    const world = await makeWorld();
    const client = await world.connect(await world.enroll(1));
    client.send({ type: 'ping', nonce: 2n ** 63n });

    expect(await client.next()).toEqual({ type: 'pong', nonce: 2n ** 63n });
  });

  it('policy is served from the store and announced', async () => {
    const world = await makeWorld();
    const content = new Uint8Array(Buffer.from('{}'));
    await world.store.transaction((w) => w.policy.put([{ name: '1.root.json', sha256: sha256(content), content }], 0));
    const client = await world.connect(await world.enroll(1));
    client.send({ type: 'policyRequest', name: '1.root.json', sha256: null });
    client.send({ type: 'policyRequest', name: '../../etc/passwd', sha256: null });
    expect(await client.next()).toEqual({ type: 'policyFile', name: '1.root.json', found: true, content });
    expect(await client.next()).toMatchObject({ type: 'policyFile', found: false });

    world.gateway.announcePolicy(7);
    expect(await client.next()).toEqual({ type: 'policyAvailable', timestampVersion: 7n });
  });

  it('what admins signed for the collector alone is served to no host', async () => {
    const world = await makeWorld();
    const content = new Uint8Array(Buffer.from('{}'));
    const name = 'policy/collector-risk-acceptances/ssh.json';
    await world.store.transaction((w) => w.policy.put([{ name, sha256: sha256(content), content }], 0));
    const client = await world.connect(await world.enroll(1));
    client.send({ type: 'policyRequest', name, sha256: sha256(content) });

    expect(await client.next()).toMatchObject({ type: 'policyFile', name, found: false });
  });
});

describe('when the collector fails or stops', () => {
  it('between receiving and acknowledging: nothing is acknowledged, and the message is stored exactly once later', async () => {
    let mode: 'before' | 'after' | 'well' = 'before';
    const world = await makeWorld({
      intake: (_store, real) => ({
        ...real,
        accept: async (host, message) => {
          if (mode === 'before') throw new Error('killed before the commit');
          const answer = await real.accept(host, message);
          if (mode === 'after') throw new Error('killed after the commit, before the acknowledgement');

          return answer;
        },
      }),
    });
    const host = await world.enroll(1);
    const streams = [{ stream: RESULTS, sequence: 0n }];

    for (const next of ['before', 'after'] as const) {
      mode = next;
      const client = await world.connect(host, streams);
      client.send(durable(RESULTS, 1, result(host, 1)));
      expect(await client.next()).toMatchObject({
        type: 'problem',
        code: 'INTERNAL',
        fatal: true,
        retryAfterMs: 10_000,
      });
      await client.closed;
    }

    mode = 'well';
    const client = await world.connect(host, streams);
    // Results are sent again as long as the host has them: what it says of its stream proves nothing.
    expect(client.welcome).toMatchObject({ streams: [{ stream: RESULTS, sequence: 0n }] });
    client.send(durable(RESULTS, 1, result(host, 1)));
    expect(await client.next()).toEqual({ type: 'acknowledgement', stream: RESULTS, sequence: 1n });
    expect(await world.store.read.results.ofHost(host.id, 9)).toHaveLength(1);
    expect(await ledger(world)).toEqual(['result.received']);
  });

  it('what failed inside is not told outside', async () => {
    const world = await makeWorld({
      intake: (_store, real) => ({ ...real, accept: () => Promise.reject(new Error('secret path /var/lib')) }),
    });
    const client = await world.connect(await world.enroll(1));
    client.send(durable(INVENTORY, 1, section()));

    expect(JSON.stringify(await client.next(), (_, v) => (typeof v === 'bigint' ? `${v}` : v))).not.toContain('secret');
  });

  it('closing sends everybody away at times of their own, lets running intake finish, and refuses newcomers', async () => {
    const running = gate();
    const entered = gate();
    const world = await makeWorld({
      limits: { shutdownRetryMs: 2000, shutdownSpreadMs: 10_000 },
      intake: (_store, real) => ({
        ...real,
        accept: async (host, message) => {
          entered.open();
          await running.opened;

          return real.accept(host, message);
        },
      }),
    });
    const clients = [await world.connect(await world.enroll(1)), await world.connect(await world.enroll(2))];
    clients[0]?.send(durable(INVENTORY, 1, report([])));
    await entered.opened;
    const closing = world.gateway.close();
    running.open();

    const frames = [];
    for (const client of clients)
      for (let frame = await client.next(); ; frame = await client.next()) {
        frames.push(frame);
        if (frame.type === 'problem') break;
      }
    expect(frames).toMatchObject([
      { type: 'acknowledgement', sequence: 1n },
      { type: 'problem', code: 'UNREACHABLE', fatal: true, retryAfterMs: 2000 },
      { type: 'problem', code: 'UNREACHABLE', fatal: true, retryAfterMs: 7000 },
    ]);
    await closing;
    await expect(world.dial(makeHost(world.authority, 1))).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });

  it('a port in use is ADDRESS_IN_USE', async () => {
    const world = await makeWorld();

    await expect(world.restart(world.gateway.port)).rejects.toMatchObject({ code: 'ADDRESS_IN_USE' });
  });
});

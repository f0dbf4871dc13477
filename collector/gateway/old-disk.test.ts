import { describe, expect, it } from 'vitest';
import { DAY_MS, helloOf, identityLabs, machineIdOf, print } from './testing/identity-lab.ts';
import { refusal } from './testing/world.ts';

const lab = identityLabs('old-disk');

describe('when somebody has an old disk of a host that goes on elsewhere', () => {
  it('connections that say nothing do not end the one that lives, however many they are', async () => {
    const { enroll, connect, renewed, open, gateway, record } = await lab();
    const old = await enroll('web-1');
    const host = await renewed(old);
    const live = await connect(host);
    expect(live.first).toMatchObject({ type: 'welcome' });

    const silent = [await open(old), await open(old), await open(old)];
    // The oldest of them made room.
    expect(await silent[0]?.next()).toMatchObject({ type: 'problem', code: 'ALREADY_EXISTS' });
    live.send({ type: 'ping', nonce: 7n });
    expect(await live.next()).toEqual({ type: 'pong', nonce: 7n });
    expect(gateway.connected()).toEqual([host.id]);
    expect((await record(host)).certificate).toBe(print(host));
  });

  it('what they send before they are greeted is not counted against the host', async () => {
    const { enroll, connect, renewed, open } = await lab({ gateway: { limits: { frameBurst: 20 } } });
    const old = await enroll('web-1');
    const live = await connect(await renewed(old));
    const silent = await open(old);
    for (let count = 0; count < 100; count++) silent.socket.ping();
    expect(await silent.next()).toMatchObject({ type: 'problem', code: 'RATE_LIMITED', fatal: true });

    live.send({ type: 'ping', nonce: 7n });
    expect(await live.next()).toEqual({ type: 'pong', nonce: 7n });
  });

  it('and uses up every connection that it may open: the host itself still comes in', async () => {
    const { enroll, connect, renewed, open, enrollment, renewal } = await lab({
      gateway: { limits: { connectBurst: 3 } },
    });
    const old = await enroll('web-1');
    // A person has decided against the other machine: from then on it must stop nobody.
    await connect(old);
    await connect({ ...old, machineId: machineIdOf('b') });
    await enrollment.readmitHost(old.id, 'admin:ann', old.machineId);
    const host = await renewal(await connect(old), old);
    expect((await connect(host)).first).toMatchObject({ type: 'welcome' });

    expect(await refusal(open(old))).toMatchObject({ status: 429, code: 'RATE_LIMITED' });
    expect((await connect(host)).first).toMatchObject({ type: 'welcome' });
    expect((await connect(await renewed(host))).first).toMatchObject({ type: 'welcome' });
  });

  it('also one that ended long ago', async () => {
    const { enroll, connect, open, renewed, later } = await lab({
      daysAgo: 125,
      gateway: { limits: { connectBurst: 2 } },
    });
    const old = await enroll('web-1');
    let host = old;
    for (let month = 0; month < 5; month++) {
      later(25 * DAY_MS);
      host = await renewed(host);
      await connect(host);
    }
    for (const code of ['CERTIFICATE_SUPERSEDED', 'RATE_LIMITED']) {
      expect(await refusal(open(old))).toMatchObject({ code });
    }

    expect((await connect(host)).first).toMatchObject({ type: 'welcome' });
  });
});

describe('when a clone says Hello in the moment in which the host does', () => {
  it('neither has a connection afterwards, whichever was looked at first', async () => {
    const { enroll, open, gateway, record } = await lab();
    const hosts = await Promise.all([...Array(8).keys()].map((number) => enroll(`web-${number}`)));
    const pairs = await Promise.all(
      hosts.map(async (host) => ({ host, own: await open(host), other: await open(host) })),
    );
    for (const [index, { host, own, other }] of pairs.entries()) {
      const hellos = [
        () => own.send(helloOf(host)),
        () => other.send(helloOf({ ...host, machineId: machineIdOf('b') })),
      ];
      for (const say of index % 2 === 0 ? hellos : hellos.reverse()) say();
    }
    await Promise.all(pairs.flatMap(({ own, other }) => [own.closed, other.closed]));

    expect(gateway.connected()).toEqual([]);
    for (const host of hosts) expect((await record(host)).quarantine).toMatchObject({ reason: 'cloned' });
  });
});

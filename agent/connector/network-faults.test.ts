// The network of a host fails as networks do: names are not resolved, the line is down for an hour, another collector answers at the
// address, the machine was suspended. The agent comes back by itself, soon, not all of them together, and nothing is lost.
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import { directly } from '@selvage/shared/net/tunnel.ts';
import { fakeClock } from '@selvage/shared/testing/fake-clock.ts';
import { afterAll, describe, expect, it } from 'vitest';
import { type Change, type Machine, thisMachine, watchMachine } from './resume.ts';
import { type FakeCollector, makeAuthority, NOW, nextDurable, startCollector } from './testing/collector.ts';
import { inTouch, message, type StartedLink, startLink } from './testing/started-link.ts';

const HOUR_MS = 3_600_000;
const CAP_MS = 10 * 60_000;
const closing: (() => void)[] = [];
afterAll(() => {
  for (const close of closing) close();
});

/** A line that can be cut: while it is, nothing is answered, as where packets are dropped. */
async function lineTo(collector: FakeCollector) {
  const sockets = new Set<Socket>();
  let cut = false;
  const server = createServer((agent) => {
    sockets.add(agent);
    agent.on('error', () => undefined);
    if (cut) return;
    const other = connect(Number(new URL(collector.url).port), '127.0.0.1');
    sockets.add(other);
    other.on('error', () => undefined).on('close', () => agent.destroy());
    agent.on('close', () => other.destroy());
    agent.on('data', (chunk) => void (cut || other.write(chunk)));
    other.on('data', (chunk) => void (cut || agent.write(chunk)));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closing.push(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });

  return {
    url: `wss://127.0.0.1:${(server.address() as AddressInfo).port}`,
    cut: (on: boolean) => {
      cut = on;
      if (!on) for (const socket of sockets) socket.destroy();
    },
  };
}

/** A machine whose uptime runs with the clock of the link, and which can be suspended. */
function machineOf(link: () => StartedLink) {
  let asleep = 0;
  let addresses = '192.0.2.1/24';
  const machine: Machine = { uptimeMs: () => link().clock.monotonic() + asleep, addresses: () => addresses };

  return {
    machine,
    suspend: (ms: number) => {
      asleep += ms;
    },
    move: (to: string) => {
      addresses = to;
    },
  };
}

async function linkWithMachine(collector: FakeCollector, url = collector.url) {
  const holder: { link?: StartedLink } = {};
  const fallback = fakeClock(NOW);
  const host = machineOf(() => holder.link ?? ({ clock: fallback } as StartedLink));
  holder.link = await startLink(collector, { machine: host.machine, url });

  return { link: holder.link, host };
}

describe('when a name is not resolved', () => {
  it('says so, waits with jitter, and goes on when it is', async () => {
    const collector = await startCollector({ names: ['localhost'] });
    let resolves = false;
    const link = await startLink(collector, {
      url: collector.url.replace('127.0.0.1', 'localhost'),
      // A label longer than one may be (RFC 1035): no name, without a question to a server that may not answer.
      connect: async ({ port }, signal) =>
        resolves ? connect(port, '127.0.0.1') : directly({ host: `${'x'.repeat(64)}.invalid`, port }, signal),
    });
    await link.outbox.add(message('kept'));
    const { error } = await link.event('disconnected');
    expect(error.code).toBe('UNREACHABLE');
    resolves = true;
    const { ms } = await link.event('waiting');
    await link.clock.sleeping();
    await link.clock.advance(ms);
    const peer = await collector.accept();
    peer.welcome();

    expect(await nextDurable(peer)).toMatchObject({ sequence: 1n, message: { name: 'kept' } });
    await link.stop();
  });
});

describe('when the line is down for an hour', () => {
  it('gives the connection up after two and a half heartbeats, waits no longer than ten minutes, and catches up', async () => {
    const collector = await startCollector();
    const line = await lineTo(collector);
    const link = await startLink(collector, { url: line.url });
    const first = await collector.accept();
    first.welcome([], { heartbeatSeconds: 60 });
    // Nothing else is waited for: what ends it is that nothing is heard.
    expect((await first.next()).type).toBe('policyRequest');
    first.send({ type: 'policyFile', name: 'timestamp.json', found: false, content: new Uint8Array(0) });
    await inTouch(link, first);
    line.cut(true);
    await link.outbox.add(message('meanwhile'));
    await link.clock.advance(179_999);
    expect(link.events.map(({ type }) => type)).not.toContain('disconnected');
    await link.clock.advance(1);
    expect((await link.event('disconnected')).error.message).toContain('nothing heard from the collector for 180 s');

    // Each attempt of the hour hangs until its own deadline.
    const waits: number[] = [];
    for (let passed = 0; passed < HOUR_MS; ) {
      const { ms } = await link.event('waiting');
      waits.push(ms);
      await link.clock.sleeping();
      await link.clock.advance(ms);
      await link.event('connecting');
      await link.clock.sleeping();
      await link.clock.advance(20_000);
      passed += ms + 20_000;
    }
    expect(Math.max(...waits)).toBeLessThanOrEqual(CAP_MS);
    line.cut(false);
    const { ms } = await link.event('waiting');
    await link.clock.sleeping();
    await link.clock.advance(ms);
    const second = await collector.accept();
    second.welcome();

    expect(await nextDurable(second)).toMatchObject({ sequence: 1n, message: { name: 'meanwhile' } });
    await link.stop();
  });
});

describe('when another collector answers at the same address', () => {
  it('is told nothing; the agent keeps what it has for the true one', async () => {
    const [honest, other] = [await startCollector(), await startCollector({ authority: makeAuthority() })];
    let target = other;
    const link = await startLink(honest, {
      connect: async () => connect(Number(new URL(target.url).port), '127.0.0.1'),
    });
    await link.outbox.add(message('for the true one'));
    expect((await link.event('disconnected')).error.code).toBe('CERTIFICATE_INVALID');
    expect(other.attempts()).toBe(0);
    const { ms } = await link.event('waiting');
    // Only a person can help, so it asks rarely; but it asks.
    expect(ms).toBeGreaterThanOrEqual(5 * 60_000);
    target = honest;
    await link.clock.sleeping();
    await link.clock.advance(ms);
    const peer = await honest.accept();
    peer.welcome();

    expect(await nextDurable(peer)).toMatchObject({ message: { name: 'for the true one' } });
    await link.stop();
  });
});

describe('when the machine was suspended', () => {
  it('makes a connection anew within seconds, though its timers stood still, and catches up', async () => {
    const collector = await startCollector();
    const { link, host } = await linkWithMachine(collector);
    const first = await collector.accept();
    first.welcome([], { heartbeatSeconds: 600 });
    await link.event('connected');
    await link.outbox.add(message('written before'));
    await nextDurable(first);
    host.suspend(8 * HOUR_MS);
    await link.clock.advance(15_000);
    expect((await link.event('disconnected')).error.message).toContain('suspended');
    const { ms } = await link.event('waiting');
    expect(ms).toBeLessThanOrEqual(10_000);
    await link.clock.advance(ms);
    const second = await collector.accept();
    second.welcome();

    expect(await nextDurable(second)).toMatchObject({ sequence: 1n });
    await link.stop();
  });

  it('does not go on waiting as if nothing had been', async () => {
    const collector = await startCollector();
    collector.refuse({ status: '503 Service Unavailable', headers: { 'Retry-After': '3000' } });
    const { link, host } = await linkWithMachine(collector);
    const { ms } = await link.event('waiting');
    expect(ms).toBeGreaterThanOrEqual(3_000_000);
    collector.refuse(null);
    host.suspend(8 * HOUR_MS);
    await link.clock.sleeping();
    await link.clock.advance(15_000);
    await link.clock.sleeping();
    await link.clock.advance(10_000);
    await collector.accept();
    await link.stop();
  });

  it('many that were suspended together do not come back together', async () => {
    const collector = await startCollector();
    const waits = await Promise.all(
      ['a', 'b', 'c', 'd'].map(async (seed) => {
        const clock = fakeClock(NOW);
        let asleep = 0;
        const holder: { link?: StartedLink } = {};
        const machine: Machine = {
          uptimeMs: () => (holder.link?.clock ?? clock).monotonic() + asleep,
          addresses: () => '',
        };
        holder.link = await startLink(collector, { machine, seed });
        asleep = HOUR_MS;
        await holder.link.clock.sleeping();
        await holder.link.clock.advance(15_000);
        const { ms } = await holder.link.event('waiting');
        await holder.link.stop();

        return ms;
      }),
    );

    expect(new Set(waits).size).toBe(waits.length);
  });

  it('a connection is kept through a new address, a wait is not', async () => {
    const collector = await startCollector();
    const { link, host } = await linkWithMachine(collector);
    const peer = await collector.accept();
    peer.welcome([], { heartbeatSeconds: 600 });
    await link.event('connected');
    host.move('198.51.100.7/24');
    await link.clock.advance(16_000);
    expect(link.events.map(({ type }) => type)).not.toContain('disconnected');

    peer.send({ type: 'problem', code: 'RATE_LIMITED', message: '', next: '', fatal: true, retryAfterMs: 3_000_000 });
    await link.event('waiting');
    host.move('192.0.2.9/24');
    await link.clock.sleeping();
    await link.clock.advance(15_000);
    await link.clock.sleeping();
    await link.clock.advance(10_000);
    await collector.accept();
    await link.stop();
  });
});

describe('when the machine is looked at', () => {
  it('this one has an uptime that goes on, and addresses as text', () => {
    expect(thisMachine.uptimeMs()).toBeGreaterThan(0);
    expect(typeof thisMachine.addresses()).toBe('string');
  });

  it('waking a little late is no suspension, and losing all addresses is no new network', async () => {
    const clock = fakeClock(NOW);
    let asleep = 0;
    let addresses = 'x';
    const stop = new AbortController();
    const seen: Change[] = [];
    const machine: Machine = { uptimeMs: () => clock.monotonic() + asleep, addresses: () => addresses };
    const watching = watchMachine(machine, clock, stop.signal, (change) => seen.push(change));
    asleep += 29_000;
    await clock.advance(15_000);
    addresses = '';
    await clock.advance(15_000);
    expect(seen).toEqual([]);
    addresses = 'y';
    await clock.advance(15_000);
    asleep += 31_000;
    await clock.advance(15_000);
    expect(seen).toEqual(['addresses', 'suspended']);
    stop.abort(new CodedError('UNREACHABLE', 'over'));
    await watching;
  });
});

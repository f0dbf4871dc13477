import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import { describe, expect, it } from 'vitest';
import { waitFor } from './link.ts';
import { makeAuthority, nextDurable, startCollector } from './testing/collector.ts';
import { message, startLink } from './testing/started-link.ts';

describe('when the collector sends the agent away', () => {
  it('with retry-after in Problem, it does not come back sooner', async () => {
    const collector = await startCollector();
    const link = await startLink(collector);
    const peer = await collector.accept();
    await peer.hello;
    peer.send({ type: 'problem', code: 'UNREACHABLE', message: 'bye', next: '', fatal: true, retryAfterMs: 90_000 });
    const { ms } = await link.event('waiting');
    expect(ms).toBeGreaterThanOrEqual(90_000);
    expect(ms).toBeLessThanOrEqual(90_000 * 1.2);

    await link.clock.advance(89_999);
    expect(collector.attempts()).toBe(1);
    await link.clock.advance(ms - 89_999);
    await collector.accept();
  });

  it('with Retry-After and a code at the upgrade, both count', async () => {
    const collector = await startCollector();
    collector.refuse({
      status: '429 Too Many Requests',
      headers: { 'Retry-After': '120', 'Selvage-Code': 'RATE_LIMITED' },
    });
    const link = await startLink(collector);
    const { ms, code } = await link.event('waiting');

    expect(code).toBe('RATE_LIMITED');
    expect(ms).toBeGreaterThanOrEqual(120_000);
    collector.refuse(null);
    await link.clock.advance(ms);
    await collector.accept();
  });

  it('as revoked, it keeps asking, but rarely', async () => {
    const collector = await startCollector();
    collector.refuse({ status: '401 Unauthorized', headers: { 'Selvage-Code': 'HOST_REVOKED' } });
    const link = await startLink(collector);
    const { ms, code } = await link.event('waiting');

    expect(code).toBe('HOST_REVOKED');
    expect(ms).toBeGreaterThanOrEqual(5 * 60_000);
  });

  it('no retry-after strands an agent for more than about an hour', () => {
    const error = new CodedError('UNREACHABLE', 'bye', { details: { retryAfterMs: 2 ** 32 - 1 } });

    expect(waitFor(error, 1000, 0.999)).toBeLessThanOrEqual(72 * 60_000);
    expect(waitFor(new CodedError('UNREACHABLE', 'x'), 1234, 0.5)).toBe(1234);
  });

  it('failures lengthen the wait, and two agents do not wait alike', async () => {
    const collector = await startCollector();
    collector.refuse({ status: '503 Service Unavailable', headers: {} });
    const waits = async (seed: string) => {
      const link = await startLink(collector, { seed });
      const all: number[] = [];
      for (let count = 0; count < 5; count++) {
        const { ms } = await link.event('waiting');
        all.push(ms);
        await link.clock.sleeping(1);
        await link.clock.advance(ms);
      }

      return all;
    };
    const [one, other] = [await waits('one'), await waits('other')];

    expect(Math.max(...one)).toBeGreaterThan(1000);
    expect(one).not.toEqual(other);
  });
});

describe('when the collector is not the one, or misbehaves', () => {
  it.each([
    ['a certificate of another CA', async () => startCollector({ server: makeAuthority() })],
    ['a certificate for another name', async () => startCollector({ names: ['collector.example'] })],
  ])('%s is refused before anything is sent', async (_what, make) => {
    const collector = await make();
    const link = await startLink(collector);

    expect((await link.event('disconnected')).error.code).toBe('CERTIFICATE_INVALID');
    expect(collector.attempts()).toBe(0);
  });

  it('TLS 1.2 is not spoken', async () => {
    const collector = await startCollector({ maxVersion: 'TLSv1.2' });
    const link = await startLink(collector);

    expect((await link.event('disconnected')).error.code).toBe('UNREACHABLE');
    expect(collector.attempts()).toBe(0);
  });

  it('an address that is not wss is not dialled', async () => {
    const collector = await startCollector();
    const link = await startLink(collector, { url: collector.url.replace('wss:', 'ws:') });

    expect((await link.event('disconnected')).error.code).toBe('SETTINGS_INVALID');
  });

  it('a redirect is not followed', async () => {
    const [collector, other] = [await startCollector(), await startCollector()];
    collector.refuse({ status: '302 Found', headers: { Location: other.url.replace('wss', 'https') } });
    const link = await startLink(collector);

    expect((await link.event('disconnected')).error.code).toBe('UNREACHABLE');
    expect(other.attempts()).toBe(0);
  });

  it.each([
    ['an acknowledgement of what was never sent', { type: 'acknowledgement', stream: '', sequence: 99n }],
    ['a file nobody asked for', { type: 'policyFile', name: 'x', found: false, content: new Uint8Array(0) }],
    ['a second Welcome', null],
  ] as const)('%s ends the session and loses nothing', async (_what, frame) => {
    const collector = await startCollector();
    const link = await startLink(collector);
    await link.outbox.add(message('one'));
    const peer = await collector.accept();
    await peer.hello;
    peer.welcome();
    await link.event('connected');
    if (frame === null) peer.welcome();
    else peer.send(frame.type === 'acknowledgement' ? { ...frame, stream: link.outbox.id } : frame);

    expect((await link.event('disconnected')).error.code).toBe('FRAME_UNEXPECTED');
    expect(link.outbox.size()).toBe(1);
  });

  it('a frame before Welcome ends the session', async () => {
    const collector = await startCollector();
    const link = await startLink(collector);
    const peer = await collector.accept();
    peer.send({ type: 'policyAvailable', timestampVersion: 1n });

    expect((await link.event('disconnected')).error.code).toBe('FRAME_UNEXPECTED');
  });

  it('bytes that are no frame, or too many, end the session', async () => {
    const collector = await startCollector();
    const link = await startLink(collector);
    const peer = await collector.accept();
    peer.sendRaw(new Uint8Array([1, 2, 3]));
    expect((await link.event('disconnected')).error.code).toBe('FRAME_INVALID');
    await link.clock.advance((await link.event('waiting')).ms);

    const again = await collector.accept();
    again.sendRaw(new Uint8Array(1_048_577));
    await link.event('disconnected');
  });

  it('an agent that is an old copy of itself begins a new stream instead of being taken for a repeat', async () => {
    const collector = await startCollector();
    const link = await startLink(collector);
    const { id } = link.outbox;
    await link.outbox.add(message('one'));
    const peer = await collector.accept();
    await peer.hello;
    peer.welcome([{ stream: id, sequence: 80n }]);
    await link.event('connected');
    await link.outbox.add(message('fresh'));
    const next = await nextDurable(peer);

    expect(next).toMatchObject({ sequence: 1n, message: { name: 'fresh' } });
    expect(next.stream).not.toBe(id);
  });
});

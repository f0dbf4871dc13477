import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import { fingerprint } from '@selvage/shared/pki/certificate.ts';
import { describe, expect, it } from 'vitest';
import type { Mirror } from './link.ts';
import type { PolicyRequest } from './policy-desk.ts';
import { NOW, nextDurable, startCollector } from './testing/collector.ts';
import { message, startLink } from './testing/started-link.ts';

describe('when the link connects', () => {
  it('says hello with its streams, and what waits is sent, acknowledged and gone', async () => {
    const collector = await startCollector();
    const link = await startLink(collector);
    await link.outbox.add(message('one'));
    const peer = await collector.accept();
    expect(await peer.hello).toEqual({
      type: 'hello',
      versions: [1],
      agentVersion: '0.1.0',
      machineId: 'machine-1',
      mode: 'observe',
      streams: [{ stream: link.outbox.id, sequence: 0n }],
      authorities: [fingerprint(collector.authority.certificate)],
      now: NOW,
      // What it can read of signed policy: whoever signs is told of hosts that cannot.
      understands: expect.arrayContaining(['Window', 'PatchPolicy', 'Approval', 'HostGroup', 'collector-*']),
    });
    peer.welcome([{ stream: link.outbox.id, sequence: 0n }]);
    expect(await link.event('connected')).toEqual({ type: 'connected', collectorVersion: '0.1.0', clockSkewMs: 0 });

    expect(await nextDurable(peer)).toMatchObject({ sequence: 1n, message: { name: 'one' } });
    await link.outbox.add(message('two'));
    expect(await nextDurable(peer)).toMatchObject({ sequence: 2n, message: { name: 'two' } });
    expect(link.outbox.size()).toBe(2);
    peer.send({ type: 'acknowledgement', stream: link.outbox.id, sequence: 2n });
    expect(await link.event('acknowledged')).toMatchObject({ upTo: 2n });
    expect(link.outbox.size()).toBe(0);
  });

  it('what is acknowledged right before the end is gone: it may be what the connection is ended for', async () => {
    const collector = await startCollector();
    const link = await startLink(collector);
    for (const name of ['taken', 'refused', 'next']) await link.outbox.add(message(name));
    const peer = await collector.accept();
    await peer.hello;
    peer.welcome([{ stream: link.outbox.id, sequence: 0n }]);
    for (const sequence of [1n, 2n]) expect(await nextDurable(peer)).toMatchObject({ sequence });
    const problem = { type: 'problem', message: 'no', next: '', fatal: true, retryAfterMs: 0 } as const;
    // The first is still being written when the others come.
    for (const sequence of [1n, 2n]) peer.send({ type: 'acknowledgement', stream: link.outbox.id, sequence });
    peer.send({ ...problem, code: 'FRAME_WRONG_HOST' });

    expect(await link.event('disconnected')).toMatchObject({ error: { code: 'FRAME_WRONG_HOST' } });
    expect(link.outbox.size()).toBe(1);
  });

  it('never sends more than the window without an acknowledgement', async () => {
    const collector = await startCollector();
    const link = await startLink(collector);
    for (let count = 0; count < 7; count++) await link.outbox.add(message(`m${count}`));
    const peer = await collector.accept();
    await peer.hello;
    peer.welcome([], { inFlight: 3 });
    const first = await Promise.all([peer.next(), peer.next(), peer.next(), peer.next()]);
    expect(first.filter((frame) => frame.type === 'durable').map(({ sequence }) => sequence)).toEqual([1n, 2n, 3n]);
    peer.send({ type: 'policyAvailable', timestampVersion: 1n });
    peer.send({ type: 'policyFile', name: 'timestamp.json', found: false, content: new Uint8Array(0) });
    // A fourth one would come while these rounds are made: each takes longer than reading a message from the disk.
    const none = { type: 'policyFile', name: 'timestamp.json', found: false, content: new Uint8Array(0) } as const;
    for (let round = 0; round < 10; round++) {
      expect((await peer.next()).type).toBe('policyRequest');
      peer.send({ type: 'policyAvailable', timestampVersion: 1n });
      peer.send(none);
    }
    expect((await peer.next()).type).toBe('policyRequest');

    peer.send({ type: 'acknowledgement', stream: link.outbox.id, sequence: 2n });
    for (const sequence of [4n, 5n]) expect((await nextDurable(peer)).sequence).toBe(sequence);
  });

  it('hands over the sections that the collector wants', async () => {
    const collector = await startCollector();
    const link = await startLink(collector);
    const peer = await collector.accept();
    await peer.hello;
    peer.welcome();
    peer.send({ type: 'sectionsWanted', names: ['os', 'kernel'] });
    peer.send({ type: 'problem', code: 'FRAME_INVALID', message: 'no', next: '', fatal: false, retryAfterMs: 0 });
    await link.event('problem');

    expect(link.wanted).toEqual([['os', 'kernel']]);
  });

  it('gives the mirror its turn after Welcome and on announcements, with files on request', async () => {
    const collector = await startCollector();
    const got: (string | null)[] = [];
    const mirror: Mirror = {
      sync: async (request: PolicyRequest) => {
        const bytes = await request('timestamp.json');
        got.push(bytes === null ? null : Buffer.from(bytes).toString());

        return bytes === null ? null : { timestampVersion: 7 };
      },
    };
    const link = await startLink(collector, { mirror });
    const peer = await collector.accept();
    await peer.hello;
    peer.welcome();
    expect(await peer.next()).toEqual({ type: 'policyRequest', name: 'timestamp.json', sha256: null });
    peer.send({ type: 'policyFile', name: 'timestamp.json', found: false, content: new Uint8Array(0) });
    peer.send({ type: 'policyAvailable', timestampVersion: 7n });
    await peer.next();
    peer.send({
      type: 'policyFile',
      name: 'timestamp.json',
      found: true,
      content: new Uint8Array(Buffer.from('seven')),
    });

    expect(await link.event('policy')).toEqual({ type: 'policy', timestampVersion: 7 });
    expect(got).toEqual([null, 'seven']);
  });

  it('a mirror that refuses what it was served does not end the connection', async () => {
    const collector = await startCollector();
    const mirror: Mirror = { sync: () => Promise.reject(new CodedError('POLICY_INVALID', 'no')) };
    const link = await startLink(collector, { mirror });
    const peer = await collector.accept();
    await peer.hello;
    peer.welcome();

    expect((await link.event('problem')).error.code).toBe('POLICY_INVALID');
    await link.outbox.add(message('still here'));
    expect((await nextDurable(peer)).sequence).toBe(1n);
  });
});

describe('when the connection breaks', () => {
  it('what was not acknowledged is sent again after what the collector says it has', async () => {
    const collector = await startCollector();
    const link = await startLink(collector);
    for (const name of ['one', 'two', 'three']) await link.outbox.add(message(name));
    const first = await collector.accept();
    await first.hello;
    first.welcome();
    for (let count = 0; count < 3; count++) await nextDurable(first);
    // The collector committed two and died before it said so.
    first.socket.terminate();
    const { ms } = await link.event('waiting');
    await link.clock.advance(ms);

    const second = await collector.accept();
    expect((await second.hello).streams).toEqual([{ stream: link.outbox.id, sequence: 0n }]);
    second.welcome([{ stream: link.outbox.id, sequence: 2n }]);
    expect(await nextDurable(second)).toMatchObject({ sequence: 3n, message: { name: 'three' } });
    expect(link.outbox.size()).toBe(1);
  });

  it('a hole on the disk is named in the next Hello, and what follows is sent', async () => {
    const collector = await startCollector();
    const link = await startLink(collector);
    for (const name of ['one', 'two', 'three']) await link.outbox.add(message(name));
    rmSync(join(link.outbox.folder, '0000000000000000002.message'));
    const first = await collector.accept();
    await first.hello;
    first.welcome();
    expect((await nextDurable(first)).sequence).toBe(1n);
    first.send({ type: 'acknowledgement', stream: link.outbox.id, sequence: 1n });
    const { ms, code } = await link.event('waiting');
    expect(code).toBe('FILE_CORRUPT');
    await link.clock.advance(ms);

    const second = await collector.accept();
    expect((await second.hello).streams).toEqual([{ stream: link.outbox.id, sequence: 2n }]);
    second.welcome([{ stream: link.outbox.id, sequence: 2n }]);
    expect((await nextDurable(second)).sequence).toBe(3n);
  });

  it('a stream that starts anew while connected goes on under its new name', async () => {
    const collector = await startCollector();
    const link = await startLink(collector);
    await link.outbox.add(message('old'));
    const peer = await collector.accept();
    await peer.hello;
    peer.welcome();
    const old = await nextDurable(peer);
    await link.outbox.restart();
    await link.outbox.add(message('new'));

    const next = await nextDurable(peer);
    expect(next).toMatchObject({ stream: link.outbox.id, sequence: 1n, message: { name: 'new' } });
    expect(next.stream).not.toBe(old.stream);
    // The acknowledgement of the old stream does not touch the new one.
    peer.send({ type: 'acknowledgement', stream: old.stream, sequence: 1n });
    peer.send({ type: 'acknowledgement', stream: next.stream, sequence: 1n });
    await link.event('acknowledged');
    expect(link.outbox.size()).toBe(0);
  });

  it('silence of two and a half heartbeats is taken for a half-open connection', async () => {
    const collector = await startCollector();
    const link = await startLink(collector);
    const peer = await collector.accept();
    await peer.hello;
    peer.welcome([], { heartbeatSeconds: 10 });
    await link.event('connected');
    expect(await peer.next()).toMatchObject({ type: 'policyRequest' });
    peer.send({ type: 'policyFile', name: 'timestamp.json', found: false, content: new Uint8Array(0) });
    // The last sign of life, known to have arrived before the clock moves.
    peer.send({ type: 'problem', code: 'FRAME_INVALID', message: '', next: '', fatal: false, retryAfterMs: 0 });
    await link.event('problem');
    await link.clock.advance(10_000);
    expect(await peer.next()).toEqual({ type: 'ping', nonce: 1n });
    await link.clock.advance(20_000);
    expect((await link.event('disconnected')).error.code).toBe('UNREACHABLE');
    await peer.closed;
  });

  it('a collector that never answers Hello is left', async () => {
    const collector = await startCollector();
    const link = await startLink(collector);
    const peer = await collector.accept();
    await peer.hello;
    await link.clock.advance(20_000);

    expect((await link.event('disconnected')).error.code).toBe('UNREACHABLE');
    await peer.closed;
  });

  it('stopping ends it at once, connected or waiting', async () => {
    const collector = await startCollector();
    const link = await startLink(collector);
    const peer = await collector.accept();
    await peer.hello;
    peer.welcome();
    await link.event('connected');
    await link.stop();
    await peer.closed;
    expect(link.events.at(-1)).toEqual({ type: 'stopped' });

    collector.refuse({ status: '503 Service Unavailable', headers: {} });
    const waiting = await startLink(collector);
    await waiting.event('waiting');
    await waiting.stop();
    expect(waiting.events.at(-1)).toEqual({ type: 'stopped' });
  });
});

// Renewal over a real connection: when a host asks, what it does with every answer, and which certificate it comes with.
import { X509Certificate } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { directly } from '@selvage/shared/net/tunnel.ts';
import { readRequest } from '@selvage/shared/pki/csr.ts';
import { describe, expect, it } from 'vitest';
import { openIdentitySource } from './identity-source.ts';
import { makeAuthority, nextOf, startCollector } from './testing/collector.ts';
import { certify, identityFolder } from './testing/identity-folder.ts';
import { comesBack, DUE, FRESH, file, greeted, HOUR_MS, isOf, OVER, started } from './testing/renewing.ts';
import { inTouch, message, startLink, worksWithoutRenewal } from './testing/started-link.ts';

const sameKey = (csr: string, other: string) => readRequest(csr).publicKey === readRequest(other).publicKey;

describe('when two thirds of the life of a certificate are over', () => {
  it('a new key is certified, the old pair stays until the new one has been welcomed, and then it goes', async () => {
    const { collector, link, old } = await started({ dates: DUE });
    const first = await greeted(collector);
    expect(isOf(first, old)).toBe(true);
    const { csr } = await nextOf(first, 'renewalRequest');
    const renewed = certify(csr, collector.authority);
    first.send({ type: 'renewal', certificate: renewed });
    await link.event('renewed');
    expect([await file(link, 'host.crt'), await file(link, 'next.crt')]).toEqual([old, renewed]);

    const { ms } = await link.event('waiting');
    expect(ms).toBeLessThan(10_000);
    await link.clock.advance(ms);
    const second = await collector.accept();
    await second.hello;
    expect(isOf(second, renewed)).toBe(true);
    // Not welcomed yet: the old one is still there to fall back to.
    expect(await file(link, 'host.crt')).toBe(old);
    second.welcome();
    await link.event('connected');
    expect(await file(link, 'host.crt')).toBe(renewed);
    expect((await readdir(link.identity)).filter((name) => name.startsWith('next'))).toEqual([]);
    await link.outbox.add(message('as before'));
    await nextOf(second, 'durable');
  });

  it('before that nobody is asked', async () => {
    const { collector, link } = await started({ dates: FRESH });
    const peer = await greeted(collector);
    await link.event('connected');

    await worksWithoutRenewal(link, peer);
  });

  it('within a long connection it is noticed at the next hour', async () => {
    const almost = { from: '2026-02-09T12:30:00Z', until: '2026-03-11T12:30:00Z' };
    const { collector, link } = await started({ dates: almost });
    const peer = await greeted(collector, { heartbeatSeconds: 600 });
    await link.event('connected');
    await nextOf(peer, 'policyRequest');
    peer.send({ type: 'policyFile', name: 'timestamp.json', found: false, content: new Uint8Array(0) });

    for (let passed = 0; passed < HOUR_MS; passed += 600_000) {
      await inTouch(link, peer);
      await link.clock.advance(600_000);
      if (passed + 600_000 < HOUR_MS) expect((await peer.next()).type).toBe('ping');
    }
    await nextOf(peer, 'renewalRequest');
  });
});

describe('when the answer does not come, or is of no use', () => {
  it('no answer ends the connection; nobody is asked again within the hour, and then for the same key', async () => {
    const { collector, link } = await started({ dates: DUE });
    const first = await greeted(collector);
    const { csr } = await nextOf(first, 'renewalRequest');
    await link.clock.advance(30_000);
    expect((await link.event('disconnected')).error).toMatchObject({ code: 'UNREACHABLE' });

    const { peer } = await comesBack(collector, link);
    await link.event('connected');
    await worksWithoutRenewal(link, peer);
    peer.socket.terminate();
    await link.event('waiting');
    await link.clock.advance(HOUR_MS);

    const again = await greeted(collector);
    expect(sameKey((await nextOf(again, 'renewalRequest')).csr, csr)).toBe(true);
  });

  it('a refusal that is not the end leaves the connection as it is', async () => {
    const { collector, link, old } = await started({ dates: DUE });
    const peer = await greeted(collector);
    await nextOf(peer, 'renewalRequest');
    peer.send({
      type: 'problem',
      code: 'RATE_LIMITED',
      message: 'later',
      next: '',
      fatal: false,
      retryAfterMs: 60_000,
    });
    expect((await link.event('problem')).error.code).toBe('RATE_LIMITED');
    await link.outbox.add(message('goes on'));
    await nextOf(peer, 'durable');

    expect(await file(link, 'host.crt')).toBe(old);
  });

  it('a key that the collector refuses for good is given up: the next request is for another', async () => {
    const { collector, link } = await started({ dates: OVER });
    const peer = await greeted(collector);
    const { csr } = await nextOf(peer, 'renewalRequest');
    const over = { type: 'problem', message: 'has it', next: '', fatal: true, retryAfterMs: 0 } as const;
    peer.send({ ...over, code: 'CSR_INVALID' });
    const { peer: back } = await comesBack(collector, link);

    expect(sameKey((await nextOf(back, 'renewalRequest')).csr, csr)).toBe(false);
  });

  it('a certificate that is not for this host is told, not kept, and the connection stays', async () => {
    const { collector, link, old } = await started({ dates: DUE });
    const peer = await greeted(collector);
    const { csr } = await nextOf(peer, 'renewalRequest');
    peer.send({ type: 'renewal', certificate: certify(csr, makeAuthority()) });

    expect((await link.event('problem')).error.code).toBe('CERTIFICATE_INVALID');
    await link.outbox.add(message('goes on'));
    await nextOf(peer, 'durable');
    expect(await file(link, 'host.crt')).toBe(old);
    expect(await readdir(link.identity)).not.toContain('next.crt');
  });

  it('a certificate that nobody asked for ends the connection and is not kept', async () => {
    const { collector, link } = await started({ dates: FRESH });
    const peer = await greeted(collector);
    peer.send({ type: 'renewal', certificate: await file(link, 'host.crt') });

    expect((await link.event('disconnected')).error.code).toBe('FRAME_UNEXPECTED');
    expect((await readdir(link.identity)).filter((name) => name.startsWith('next'))).toEqual([]);
  });
});

describe('when the new certificate is tried', () => {
  async function renewed() {
    const { collector, link, old } = await started({ dates: DUE });
    const first = await greeted(collector);
    const { csr } = await nextOf(first, 'renewalRequest');
    const pem = certify(csr, collector.authority);
    first.send({ type: 'renewal', certificate: pem });

    return { collector, link, old, pem };
  }

  it('and the collector does not know it, the host comes back at once with the old one', async () => {
    const { collector, link, old, pem } = await renewed();
    collector.refuse((shown) =>
      shown.raw.equals(new X509Certificate(pem).raw)
        ? { status: '401 Unauthorized', headers: { 'Selvage-Code': 'CERTIFICATE_INVALID' } }
        : null,
    );
    await link.event('renewed');
    await link.clock.advance((await link.event('waiting')).ms);
    expect((await link.event('disconnected')).error.code).toBe('CERTIFICATE_INVALID');
    const { peer, ms } = await comesBack(collector, link);

    expect(isOf(peer, old)).toBe(true);
    expect(ms).toBeLessThan(10_000);
    await link.event('connected');
    expect(await readdir(link.identity)).not.toContain('next.key');
  });

  it.each(['HOST_QUARANTINED', 'CERTIFICATE_SUPERSEDED', 'RATE_LIMITED', 'UNREACHABLE'])(
    'and %s is the answer, it is not given up: the collector may have taken it already',
    async (code) => {
      const { collector, link, pem } = await renewed();
      collector.refuse({ status: '401 Unauthorized', headers: { 'Selvage-Code': code } });
      await link.event('renewed');
      await link.clock.advance((await link.event('waiting')).ms);
      expect((await link.event('disconnected')).error.code).toBe(code);
      collector.refuse(null);
      const { peer } = await comesBack(collector, link);

      expect(isOf(peer, pem)).toBe(true);
    },
  );

  it('and the connection breaks before Welcome, it is tried again, never the old one', async () => {
    const { collector, link, pem } = await renewed();
    await link.event('renewed');
    await link.clock.advance((await link.event('waiting')).ms);
    const second = await collector.accept();
    await second.hello;
    second.socket.terminate();
    const { peer } = await comesBack(collector, link);

    expect(isOf(peer, pem)).toBe(true);
  });

  it('and somebody else answers at the address, it is kept', async () => {
    const { collector, link, pem } = await renewed();
    const other = await startCollector({ server: makeAuthority() });
    await link.event('renewed');
    await link.stop();
    const elsewhere = await startLink(other, { identity: link.identity });

    expect((await elsewhere.event('disconnected')).error.code).toBe('CERTIFICATE_INVALID');
    await elsewhere.stop();
    const back = await startLink(collector, { identity: link.identity });
    expect(isOf(await greeted(collector), pem)).toBe(true);
    await back.event('connected');
  });
});

describe('when another connector on the same folder renews while this one dials', () => {
  it('it does not say Hello with what was replaced, which would accuse its own host, and comes back with the new one', async () => {
    const collector = await startCollector();
    const identity = await identityFolder(collector.authority);
    let renewed = '';
    const link = await startLink(collector, {
      identity,
      connect: async (target, signal) => {
        if (renewed === '') {
          const other = openIdentitySource(identity);
          renewed = certify(await other.request(), collector.authority);
          await other.keep(renewed, link.clock.now());
          await other.welcomed(await other.load());
        }

        return directly(target, signal);
      },
    });
    const first = await collector.accept();
    let greeting = false;
    void first.hello.then(() => {
      greeting = true;
    });
    await first.closed;
    expect(greeting).toBe(false);
    const { peer, ms } = await comesBack(collector, link);

    expect(isOf(peer, renewed)).toBe(true);
    expect(ms).toBeLessThan(10_000);
  });
});

describe('when a certificate has ended', () => {
  it('the host renews and does nothing else, and then everything', async () => {
    const { collector, link } = await started({ dates: OVER });
    await link.outbox.add(message('waits'));
    const peer = await greeted(collector);
    const request = await peer.next();
    if (request.type !== 'renewalRequest') throw new Error(`it sent ${request.type} first`);
    await link.clock.advance(29_000);
    peer.send({ type: 'renewal', certificate: certify(request.csr, collector.authority) });
    await link.event('renewed');
    const { peer: back } = await comesBack(collector, link);

    expect((await nextOf(back, 'durable')).sequence).toBe(1n);
  });

  const word = (fatal: boolean) =>
    ({ type: 'problem', code: 'CERTIFICATE_EXPIRED', message: 'renew', next: '', fatal, retryAfterMs: 0 }) as const;

  it('by the collector’s word alone, with the greeting, it is the same', async () => {
    const { collector, link } = await started({ dates: FRESH });
    let peer = await greeted(collector);
    peer.send(word(false));

    // What was under way already when the word came ends that connection, and is not repeated with the next.
    for (let connections = 1; (await peer.next()).type !== 'renewalRequest'; connections++) {
      expect(connections).toBe(1);
      ({ peer } = await comesBack(collector, link));
    }
  });

  it('by the collector’s word in the middle of a connection, the next one is for the renewal, at once', async () => {
    const { collector, link } = await started({ dates: FRESH });
    const peer = await greeted(collector);
    await nextOf(peer, 'policyRequest');
    peer.send(word(true));
    const { peer: back, ms } = await comesBack(collector, link);

    expect(ms).toBeLessThan(10_000);
    expect((await back.next()).type).toBe('renewalRequest');
  });

  it('a collector that says so without end makes it come back at once a few times, then with longer and longer waits', async () => {
    const { collector, link } = await started({ dates: FRESH });
    const waits: number[] = [];
    let peer = await greeted(collector);
    for (let turn = 0; turn < 24; turn++) {
      peer.send(word(false));
      let frame = await peer.next();
      while (frame.type !== 'renewalRequest') {
        const back = await comesBack(collector, link);
        waits.push(back.ms);
        ({ peer } = back);
        frame = await peer.next();
      }
      peer.send({ type: 'renewal', certificate: certify(frame.csr, collector.authority) });
      const back = await comesBack(collector, link);
      waits.push(back.ms);
      ({ peer } = back);
    }

    expect(Math.max(...waits.slice(0, 3))).toBeLessThan(10_000);
    expect(Math.max(...waits)).toBeGreaterThan(60_000);
  });

  it('a refused renewal is waited for, and asked for again with every connection', async () => {
    const { collector, link } = await started({ dates: OVER });
    const peer = await greeted(collector);
    await nextOf(peer, 'renewalRequest');
    peer.send({
      type: 'problem',
      code: 'RATE_LIMITED',
      message: 'later',
      next: '',
      fatal: false,
      retryAfterMs: 90_000,
    });
    expect((await link.event('disconnected')).error.code).toBe('RATE_LIMITED');
    const { peer: back, ms } = await comesBack(collector, link);

    expect(ms).toBeGreaterThanOrEqual(90_000);
    expect((await back.next()).type).toBe('renewalRequest');
  });

  it.each(['HOST_AWAY_TOO_LONG', 'HOST_QUARANTINED', 'CERTIFICATE_SUPERSEDED'])(
    '%s needs a person: the host waits minutes, says so, and keeps trying',
    async (code) => {
      const { collector, link } = await started({ dates: OVER });
      await collector.close();
      const shut = await startCollector({ authority: collector.authority });
      shut.refuse({ status: '401 Unauthorized', headers: { 'Selvage-Code': code } });
      const host = await startLink(shut, { identity: link.identity });
      const waiting = await host.event('waiting');
      expect(waiting).toMatchObject({ code });
      expect(waiting.ms).toBeGreaterThanOrEqual(5 * 60_000);
      expect(waiting.ms).toBeLessThanOrEqual(20 * 60_000);

      shut.refuse(null);
      await host.clock.advance(waiting.ms);
      expect((await (await greeted(shut)).next()).type).toBe('renewalRequest');
    },
  );
});

import { X509Certificate } from 'node:crypto';
import { createRequest } from '@selvage/shared/pki/csr.ts';
import { generateKey } from '@selvage/shared/pki/keys.ts';
import { describe, expect, it } from 'vitest';
import { DAY_MS, HOUR_MS, identityLabs, machineIdOf, print } from './testing/identity-lab.ts';
import { refusal } from './testing/world.ts';

const lab = identityLabs('renewal');

describe('when a host renews its certificate', () => {
  it('both certificates are taken until the next one has been welcomed, then only that one', async () => {
    const { enroll, renewed, connect, record, ledger } = await lab();
    const host = await enroll('web-1');
    const next = await renewed(host);
    expect(await record(host)).toMatchObject({ certificate: print(host), next: { certificate: print(next) } });
    expect((await connect(host)).first).toMatchObject({ type: 'welcome' });

    expect((await connect(next)).first).toMatchObject({ type: 'welcome' });
    expect(await record(host)).toMatchObject({ certificate: print(next), next: null, quarantine: null });
    expect(await ledger(host)).toEqual(['host.enrolled', 'host.renewed', 'host.superseded']);
  });

  it('the connection of the certificate before is closed when the next one is welcomed', async () => {
    const { enroll, renewal, connect, gateway } = await lab();
    const host = await enroll('web-1');
    const before = await connect(host);
    const next = await renewal(before, host);
    await connect(next);

    expect(await before.next()).toMatchObject({ type: 'problem', code: 'ALREADY_EXISTS', fatal: true });
    await before.closed;
    expect(gateway.connected()).toEqual([host.id]);
  });

  it('the certificate says what the collector says, whatever the request does', async () => {
    const { enroll, renewed, hosts, clock } = await lab();
    const next = new X509Certificate((await renewed(await enroll('web-1'))).cert);

    expect(next.verify(new X509Certificate(hosts.certificate).publicKey)).toBe(true);
    expect(next.subject).not.toContain('CN=x');
    expect(next.subjectAltName).toMatch(/^URI:urn:selvage:host:[0-9a-f-]{36}$/);
    expect(Math.round((next.validToDate.getTime() - clock.now().epochMilliseconds) / DAY_MS)).toBe(30);
  });

  it('the same key gets the same certificate and costs one entry; another key replaces the offer', async () => {
    const { enroll, connect, renewal, ledger, record } = await lab();
    const host = await enroll('web-1');
    const client = await connect(host);
    const keys = generateKey();
    const [first, again] = [await renewal(client, host, keys), await renewal(client, host, keys)];
    expect(again.cert).toBe(first.cert);
    expect(await ledger(host)).toEqual(['host.enrolled', 'host.renewed']);

    const other = await renewal(client, host);
    expect(await record(host)).toMatchObject({ certificate: print(host), next: { certificate: print(other) } });
  });

  it.each([
    ['its present key', (own: string) => own],
    ['the key of another host', (_own: string, other: string) => other],
  ])('a request over %s is refused, and nothing is offered', async (_what, pick) => {
    const { enroll, connect, record, ledger } = await lab();
    const [host, other] = [await enroll('web-1'), await enroll('web-2')];
    const client = await connect(host);
    client.send({
      type: 'renewalRequest',
      csr: createRequest({ commonName: 'x', privateKey: pick(host.key, other.key) }),
    });

    expect(await client.next()).toMatchObject({ type: 'problem', code: 'CSR_INVALID', fatal: true });
    expect((await record(host)).next).toBeNull();
    expect(await ledger(host)).toEqual(['host.enrolled']);
  });

  it('a request that another key signed is refused', async () => {
    const { enroll, connect, record } = await lab();
    const host = await enroll('web-1');
    const client = await connect(host);
    const [mine, theirs] = [generateKey(), generateKey()].map(({ privateKey }) =>
      Buffer.from(createRequest({ commonName: 'x', privateKey }).split('\n').slice(1, -2).join(''), 'base64'),
    );
    // The signature is the end of a request: mine with the one of theirs.
    const mixed = Buffer.concat([mine?.subarray(0, -60) ?? Buffer.of(), theirs?.subarray(-60) ?? Buffer.of()]);
    const lines = mixed
      .toString('base64')
      .match(/.{1,64}/g)
      ?.join('\n');
    client.send({
      type: 'renewalRequest',
      csr: `-----BEGIN CERTIFICATE REQUEST-----\n${lines}\n-----END CERTIFICATE REQUEST-----\n`,
    });

    expect(await client.next()).toMatchObject({ type: 'problem', code: 'CSR_INVALID' });
    expect((await record(host)).next).toBeNull();
  });

  it('more than a few an hour are refused without ending the connection, over all its connections', async () => {
    const { enroll, connect, renewal, ledger, clock } = await lab();
    const host = await enroll('web-1');
    const client = await connect(host);
    for (let count = 0; count < 5; count++) await renewal(client, host);

    const late = await renewal(client, host).catch((frame: unknown) => frame);
    expect(late).toMatchObject({ type: 'problem', code: 'RATE_LIMITED', fatal: false, retryAfterMs: 20 * 60_000 });
    client.send({ type: 'ping', nonce: 1n });
    expect(await client.next()).toMatchObject({ type: 'pong' });
    const again = await connect(host);
    expect(await renewal(again, host).catch((frame: unknown) => frame)).toMatchObject({ code: 'RATE_LIMITED' });
    expect((await ledger(host)).filter((action) => action === 'host.renewed')).toHaveLength(5);

    again.socket.terminate();
    await clock.advance(HOUR_MS / 3);
    await renewal(await connect(host), host);
  });
});

describe('when a host returns after its certificate has ended', () => {
  it.each([1, 29, 90])(
    '%i days later it is let in for its renewal, and is then a host like any other',
    async (days) => {
      const { enroll, connect, renewal, record, later } = await lab();
      const host = await enroll('web-1');
      // Certificates end at a whole second.
      later(30 * DAY_MS + days * DAY_MS - 2000);
      const client = await connect(host);
      expect(client.first).toMatchObject({ type: 'welcome' });
      expect(await client.next()).toMatchObject({ type: 'problem', code: 'CERTIFICATE_EXPIRED', fatal: false });
      const next = await renewal(client, host);
      const back = await connect(next);
      back.send({ type: 'policyRequest', name: 'timestamp.json', sha256: null });

      expect(await back.next()).toMatchObject({ type: 'policyFile' });
      expect((await record(host)).certificate).toBe(print(next));
    },
  );

  it('anything but a renewal ends the connection and is not committed', async () => {
    const { enroll, connect, store, clock, later } = await lab();
    const host = await enroll('web-1');
    later(31 * DAY_MS);
    for (const type of ['policyRequest', 'durable'] as const) {
      const client = await connect(host, { streams: [{ stream: STREAM, sequence: 7n }] });
      expect(client.first).toMatchObject({ type: 'welcome', streams: [{ stream: STREAM, sequence: 7n }] });
      await client.next();
      if (type === 'policyRequest') client.send({ type, name: 'timestamp.json', sha256: null });
      else {
        const message = { type: 'report', takenAt: clock.now().toString() as never, sections: [] } as const;
        client.send({ type, stream: STREAM, sequence: 8n, message });
      }

      expect(await client.next()).toMatchObject({ type: 'problem', code: 'CERTIFICATE_EXPIRED', fatal: true });
      await client.closed;
    }
    expect(await store.read.streams.position(host.id, STREAM)).toBe(0n);
    expect(await store.read.inventory.latest(host.id)).toBeNull();
  });

  it('a certificate that OpenSSL itself calls expired is verified by hand, and renewed', async () => {
    const { enroll, connect, renewal, later } = await lab({ daysAgo: 80 });
    const host = await enroll('web-1');
    expect(Temporal.Now.instant().epochMilliseconds).toBeGreaterThan(
      new X509Certificate(host.cert).validToDate.getTime(),
    );
    later(80 * DAY_MS);
    const client = await connect(host);

    expect(client.first).toMatchObject({ type: 'welcome' });
    expect((await connect(await renewal(client, host))).first).toMatchObject({ type: 'welcome' });
  });

  it('with a next certificate that ended unused: it counts as used, and a lost answer makes nobody a stranger', async () => {
    const { enroll, connect, renewed, record, later } = await lab();
    const host = await enroll('web-1');
    const next = await renewed(host);
    later(35 * DAY_MS);
    const lost = await renewed(next);
    expect(await record(host)).toMatchObject({ certificate: print(next), next: { certificate: print(lost) } });

    const again = await renewed(next);
    expect((await connect(again)).first).toMatchObject({ type: 'welcome' });
    expect(await record(host)).toMatchObject({ certificate: print(again), quarantine: null });
  });

  it('more than 90 days later it is refused, and its knock is kept: one entry a day, however often it comes', async () => {
    const { enroll, open, record, ledger, clock, heard, later } = await lab();
    const host = await enroll('web-1');
    later(30 * DAY_MS + 90 * DAY_MS + 60_000);

    for (let count = 0; count < 3; count++) {
      expect(await refusal(open(host))).toMatchObject({ status: 401, code: 'HOST_AWAY_TOO_LONG' });
      await clock.advance(11 * 60_000);
    }
    expect((await record(host)).knock).toMatchObject({ address: '127.0.0.1', code: 'HOST_AWAY_TOO_LONG' });
    expect(await ledger(host)).toEqual(['host.enrolled', 'host.knocked']);
    expect(heard.filter(({ type }) => type === 'host.knocked')).toHaveLength(1);

    later(DAY_MS);
    await refusal(open(host));
    expect(await ledger(host)).toEqual(['host.enrolled', 'host.knocked', 'host.knocked']);
  });

  it('an admin readmits it: a renewal and nothing else, its name and history stay, the door is then shut', async () => {
    const { enroll, open, connect, renewal, record, ledger, clock, enrollment, later } = await lab();
    const host = await enroll('web-1');
    later(400 * DAY_MS);
    await refusal(open(host));
    const until = await enrollment.readmitHost(host.id, 'admin:ann');
    expect(until).toBe(clock.now().add({ hours: 24 }).toString());

    const client = await connect(host);
    expect(await client.next()).toMatchObject({ type: 'problem', code: 'CERTIFICATE_EXPIRED', fatal: false });
    const next = await renewal(client, host);
    expect((await connect(next)).first).toMatchObject({ type: 'welcome' });

    expect(await record(host)).toMatchObject({
      ...{ name: 'web-1', state: 'active', readmit: null, certificate: print(next), knock: { answered: true } },
      machineId: machineIdOf('a'),
    });
    expect(await ledger(host)).toEqual([
      ...['host.enrolled', 'host.knocked', 'host.readmitted', 'host.renewed', 'host.superseded'],
    ]);
    await clock.advance(HOUR_MS);
    // Too old to accuse anybody: it opens nothing, and the host goes on.
    expect(await refusal(open(host))).toMatchObject({ code: 'CERTIFICATE_SUPERSEDED' });
    expect((await record(host)).quarantine).toBeNull();
  });

  it('a readmission that nobody used in a day is over', async () => {
    const { enroll, open, enrollment, later } = await lab();
    const host = await enroll('web-1');
    later(400 * DAY_MS);
    await enrollment.readmitHost(host.id, 'admin:ann');
    later(DAY_MS);

    expect(await refusal(open(host))).toMatchObject({ code: 'HOST_AWAY_TOO_LONG' });
  });

  it('a revoked host is not readmitted, and a healthy one needs no open door', async () => {
    const { enroll, enrollment, ledger } = await lab();
    const [gone, well] = [await enroll('web-1'), await enroll('web-2')];
    await enrollment.revokeHost(gone.id, 'admin:ann');

    await expect(enrollment.readmitHost(gone.id, 'admin:ann')).rejects.toMatchObject({ code: 'HOST_REVOKED' });
    await expect(enrollment.readmitHost(well.id, 'admin:ann')).rejects.toMatchObject({ code: 'REQUEST_INVALID' });
    expect(await ledger(gone)).toEqual(['host.enrolled', 'host.revoked']);
  });
});

const STREAM = 'inventory:00000000-0000-4000-8000-000000000001';

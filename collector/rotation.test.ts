// The authority of hosts replaced in a running collector: real command line, real TLS sockets, hosts that follow or do not.
import { X509Certificate } from 'node:crypto';
import type { Sha256 } from '@selvage/shared/model/ids.ts';
import { fingerprint } from '@selvage/shared/pki/certificate.ts';
import { createRequest, runnerProofMessage } from '@selvage/shared/pki/csr.ts';
import { verifyEndorsement } from '@selvage/shared/pki/endorsement.ts';
import { firstContact, postJson } from '@selvage/shared/pki/first-contact.ts';
import { generateKey, signBytes } from '@selvage/shared/pki/keys.ts';
import type { CollectorFrame, EndorsedAuthority } from '@selvage/shared/wire/wire.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CollectorLab, collectorLab, type Running } from './cli/testing/collector-lab.ts';
import { helloOf, type Machine, machineIdOf } from './gateway/testing/identity-lab.ts';
import { dial, Refused } from './gateway/testing/world.ts';

interface Status {
  readonly phase: string;
  readonly authorities: readonly { fingerprint: string; signs: boolean; trustedBy: number; issued: number }[];
  readonly behind: readonly { name: string; reason: string }[];
}

/** A host that keeps what it trusts, as an agent does. */
interface Host extends Machine {
  readonly trusted: readonly string[];
}

let lab: CollectorLab;
let running: Running;
beforeAll(async () => {
  lab = collectorLab();
  await lab.init();
  running = await lab.serve();
});
afterAll(async () => {
  await running.stop();
});

const authority = async (...args: readonly string[]) => lab.run(['authority', ...args, '--json']);
const status = async () => (await authority('list')).json<Status>();

async function enroll(name: string): Promise<Host> {
  const { token, pin } = (await lab.run(['token', 'create', '--host', name, '--json'])).json<{
    token: string;
    pin: string;
  }>();
  const contact = await firstContact({ url: running.gateway, pin });
  const [host, runner] = [generateKey(), generateKey()];
  const csr = createRequest({ commonName: name, privateKey: host.privateKey });
  const runnerProof = Buffer.from(signBytes(runnerProofMessage(csr), runner.privateKey)).toString('base64');
  const answer = (await postJson({
    ...{ url: running.gateway, path: '/v1/enroll', authority: contact.authority },
    body: { token, name, csr, machineId: machineIdOf('a'), mode: 'observe', runnerKey: runner.publicKey, runnerProof },
  })) as { hostId: Machine['id']; certificate: string };
  const { hostId: id, certificate: cert } = answer;

  return { id, name, machineId: machineIdOf('a'), key: host.privateKey, cert, trusted: [contact.authority] };
}

/** Connects, trusting what the host trusts and saying so. */
async function connect(host: Host) {
  const certificate = host.trusted.join('');
  const client = await dial({ url: running.gateway }, { certificate, privateKey: '' }, host);
  client.send(helloOf(host, { authorities: host.trusted.map(fingerprint) as Sha256[] }));
  expect(await client.next()).toMatchObject({ type: 'welcome' });

  return client;
}
type Client = Awaited<ReturnType<typeof connect>>;

async function authorities(client: Client): Promise<readonly EndorsedAuthority[]> {
  const frame = await client.next();
  if (frame.type !== 'authorities') throw new Error(`a frame ${frame.type}`);

  return frame.authorities;
}

async function alive(client: Client): Promise<CollectorFrame> {
  client.send({ type: 'ping', nonce: 7n });

  return client.next();
}

async function renew(client: Client, host: Host): Promise<Host> {
  const { privateKey } = generateKey();
  client.send({ type: 'renewalRequest', csr: createRequest({ commonName: 'x', privateKey }) });
  const frame = await client.next();
  if (frame.type !== 'renewal') throw new Error(`a frame ${frame.type}`);

  return { ...host, key: privateKey, cert: frame.certificate };
}

const issuedBy = (pem: string, issuer: string) =>
  new X509Certificate(pem).verify(new X509Certificate(issuer).publicKey);

describe('when the authority of hosts is replaced while hosts are connected', () => {
  let follower: Host;
  let sleeper: Host;
  let client: Client;
  let old = '';
  let next = '';

  it('begin: the connected are told over the connection they have, those who come later in their greeting', async () => {
    [follower, sleeper] = [await enroll('follower'), await enroll('sleeper')];
    client = await connect(follower);
    expect((await authority('begin')).exit).toBe(0);

    const named = await authorities(client);
    [old, next] = named.map(({ certificate }) => certificate) as [string, string];
    expect(old).toBe(follower.trusted[0]);
    const endorsement = named[1]?.endorsement ?? new Uint8Array();
    expect(verifyEndorsement({ endorser: old, certificate: next, endorsement })).toBe(true);
    expect(await alive(client)).toMatchObject({ type: 'pong' });

    const late = await connect(sleeper);
    expect((await authorities(late)).map(({ certificate }) => certificate)).toEqual([old, next]);
    late.socket.terminate();
    await late.closed;
  });

  it('until hosts have said that they trust it, the step after is refused with their names', async () => {
    const { exit, stderr } = await authority('switch');

    expect(exit).toBe(2);
    expect(stderr).toMatch(/^error REQUEST_INVALID: 2 hosts would be left behind/);
    expect(stderr).toContain('follower: it has not said that it trusts it');
    expect(stderr).toContain('--leave-behind');
    expect((await status()).phase).toBe('begun');
    expect((await authority('begin')).stderr).toMatch(/^error ALREADY_EXISTS/);
    expect((await authority('finish')).stderr).toMatch(/^error NOT_FOUND/);
  });

  it('who trusts it is renewed with it already, who does not with the old one; nobody is told twice', async () => {
    const before = await renew(client, follower);
    expect(issuedBy(before.cert, old)).toBe(true);
    client.socket.terminate();
    await client.closed;

    follower = { ...before, trusted: [old, next] };
    client = await connect(follower);
    expect(await alive(client)).toMatchObject({ type: 'pong' });
    follower = await renew(client, follower);
    expect(issuedBy(follower.cert, next)).toBe(true);
    client = await connect(follower);
    expect(await status()).toMatchObject({
      authorities: [
        { signs: true, trustedBy: 2, issued: 1 },
        { signs: false, trustedBy: 1, issued: 1 },
      ],
      behind: [{ name: 'sleeper' }],
    });
  });

  it('switch: the server proves itself under the next one from then on, and open connections stay', async () => {
    expect((await authority('switch', '--leave-behind')).exit).toBe(0);
    expect(await authorities(client)).toHaveLength(2);
    expect(await alive(client)).toMatchObject({ type: 'pong' });

    await expect(connect(sleeper)).rejects.toThrow(/certificate/i);
    const newcomer = await enroll('newcomer');
    expect(newcomer.trusted).toEqual([next]);
    expect(issuedBy(newcomer.cert, next)).toBe(true);
    const theirs = await connect(newcomer);
    expect((await authorities(theirs)).map(({ certificate }) => certificate)).toEqual([old, next]);
    theirs.socket.terminate();
    await theirs.closed;
    await connect({ ...newcomer, trusted: [old, next] });
  });

  it('finish: hosts that depend on the old one are named; then it opens nothing, and the others are told', async () => {
    const refused = await authority('finish');
    expect(refused.exit).toBe(2);
    expect(refused.stderr).toContain('sleeper: ');
    expect(refused.stderr).not.toContain('newcomer: ');
    expect((await authority('finish', '--leave-behind')).exit).toBe(0);

    expect((await authorities(client)).map(({ certificate }) => certificate)).toEqual([next]);
    expect(await alive(client)).toMatchObject({ type: 'pong' });
    // The sleeper even if it came to trust the next one by other means: its own certificate is of the old one.
    const late = connect({ ...sleeper, trusted: [next] });
    await expect(late).rejects.toBeInstanceOf(Refused);
    await expect(late).rejects.toMatchObject({ code: 'CERTIFICATE_INVALID' });
    expect(await status()).toMatchObject({ phase: 'single', authorities: [{ signs: true }] });
  });

  it('each step is in the ledger with who took it and who was left behind, and a restart changes nothing', async () => {
    await running.stop();
    const entries: { action: string; actor: string; details: Record<string, unknown> }[] = [];
    await lab.withStore(async (store) => {
      const all = await store.read.audit.after(0, 1000);
      entries.push(...all.filter(({ subject }) => subject === 'authority:hosts'));
    });
    expect(entries).toMatchObject([
      {
        action: 'authority.begun',
        actor: 'admin:ann',
        details: { present: fingerprint(old), next: fingerprint(next) },
      },
      { action: 'authority.switched', actor: 'admin:ann', details: { leftBehind: 1, hosts: ['sleeper'] } },
      { action: 'authority.finished', actor: 'admin:ann', details: { leftBehind: 1, hosts: ['sleeper'] } },
    ]);

    running = await lab.serve();
    expect(await alive(await connect({ ...follower, trusted: [next] }))).toMatchObject({ type: 'pong' });
    expect(await status()).toMatchObject({ phase: 'single' });
  });
});

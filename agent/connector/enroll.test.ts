// Enrolling against a collector that behaves, one that refuses, one that is lost on the way, and one that lies.
// The collector here is a real TLS server with real authorities; what it decides is a line of the test.

import { randomBytes, randomUUID } from 'node:crypto';
import { chmod, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { inspect } from 'node:util';
import type { HostId } from '@selvage/shared/model/ids.ts';
import { ProxyAddress } from '@selvage/shared/net/proxy.ts';
import { connectVia } from '@selvage/shared/net/tunnel.ts';
import { type Authority, createAuthority, issue, SERIAL_BYTES } from '@selvage/shared/pki/authority.ts';
import { hostUri } from '@selvage/shared/pki/certificate.ts';
import { readRequest, runnerProofMessage } from '@selvage/shared/pki/csr.ts';
import { generateKey, publicKeyOf, verifyBytes } from '@selvage/shared/pki/keys.ts';
import { pinOf } from '@selvage/shared/pki/pin.ts';
import { temporaryFolder } from '@selvage/shared/testing/temporary-folder.ts';
import { afterAll, describe, expect, it } from 'vitest';
import { type EnrollOptions, enroll } from './enroll.ts';
import { loadIdentity } from './identity.ts';
import { type Behaviour, startProxy } from './testing/proxy.ts';

const ROOT = new TextEncoder().encode('{"signed":{"_type":"root"}}\n');
const base = temporaryFolder('enroll');
const TOKEN = `slv_h0000000000000000_${'a'.repeat(64)}`;

const valid = () => ({
  notBefore: Temporal.Now.instant().subtract({ hours: 1 }),
  notAfter: Temporal.Now.instant().add({ hours: 24 }),
  serial: new Uint8Array(randomBytes(SERIAL_BYTES)),
});
const newAuthority = (): Authority => createAuthority({ name: 'Selvage hosts', ...valid() });

interface Asked {
  readonly token: string;
  readonly csr: string;
  readonly runnerKey: string;
  readonly runnerProof: string;
}
type Decide = (
  asked: Asked,
  answer: Granted,
) => object | 'hang up' | { readonly refuse: string; readonly status: number };

interface Granted {
  readonly hostId: HostId;
  readonly name: string;
  readonly certificate: string;
  readonly authority: string;
}

interface Collector {
  readonly url: string;
  readonly pin: string;
  readonly authority: Authority;
  /** Everything it could read, request lines and bodies. */
  readonly heard: string[];
  readonly asked: Asked[];
}

/** A collector that decides as `decide` says; it shows `trust` at first contact, when that is not its own authority. */
async function collector(
  decide: Decide = (_asked, answer) => answer,
  { trust }: { readonly trust?: Authority } = {},
): Promise<Collector> {
  const authority = newAuthority();
  const keys = generateKey();
  const cert = issue({
    authority,
    publicKey: keys.publicKey,
    commonName: 'collector',
    alternativeNames: [{ type: 'ip', value: '127.0.0.1' }],
    usage: 'server',
    ...valid(),
  });
  const heard: string[] = [];
  const asked: Asked[] = [];
  const hostId = randomUUID() as HostId;
  const server = createServer({ key: keys.privateKey, cert, minVersion: 'TLSv1.3' }, async (request, response) => {
    const body = await textOf(request);
    heard.push(`${request.method} ${request.url}`, body);
    const reply = (document: object, status = 200) =>
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(document));
    if (request.method === 'GET') {
      const root = Buffer.from(ROOT).toString('base64');
      reply({ authority: (trust ?? authority).certificate, root });

      return;
    }
    const question: Asked = JSON.parse(body);
    asked.push(question);
    const decided = decide(question, grant(authority, hostId, question));
    if (decided === 'hang up') request.socket.destroy();
    else if ('refuse' in decided) reply({ code: decided.refuse, message: 'no', next: 'ask' }, decided.status);
    else reply(decided);
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;

  return { url: `wss://127.0.0.1:${port}`, pin: pinOf(authority.certificate, ROOT), authority, heard, asked };
}

function grant(authority: Authority, hostId: HostId, { csr }: Asked, named: HostId = hostId): Granted {
  const certificate = issue({
    authority,
    publicKey: readRequest(csr).publicKey,
    commonName: hostId,
    alternativeNames: [{ type: 'uri', value: hostUri(named) }],
    usage: 'client',
    ...valid(),
  });

  return { hostId, name: 'web-1', certificate, authority: authority.certificate };
}

async function textOf(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of request) text += chunk;

  return text;
}

let count = 0;
function options(from: Collector, over: Partial<EnrollOptions> = {}): EnrollOptions {
  const stateDir = join(base, `state-${++count}`);
  const { url, pin } = from;

  return {
    url,
    pin,
    token: TOKEN,
    name: 'WEB-1',
    mode: 'observe',
    machineId: 'f'.repeat(64),
    stateDir,
    runnerDir: join(stateDir, 'runner'),
    ...over,
  };
}

const mode = async (path: string) => (await stat(path)).mode & 0o777;
const files = async (folder: string): Promise<readonly string[]> =>
  readdir(folder, { recursive: true }).then(
    (names) => names.sort(),
    () => [],
  );

describe('when a host enrolls', () => {
  it('has an identity afterwards, its keys private and never sent', async () => {
    const from = await collector();
    const how = options(from);
    const enrolled = await enroll(how);
    const identity = await loadIdentity(join(how.stateDir, 'identity'));
    const runnerKey = await readFile(join(how.runnerDir, 'key.pem'), 'utf8');

    expect(enrolled).toEqual({ hostId: identity.hostId, pending: false, name: 'web-1', collector: from.url });
    expect(identity).toMatchObject({ name: 'web-1', pin: from.pin, authorities: [from.authority.certificate] });
    expect(new Uint8Array(await readFile(join(how.runnerDir, 'trust/root.json')))).toEqual(ROOT);

    const secret = (pem: string) => pem.split('\n')[1] ?? 'none';
    for (const pem of [identity.key, runnerKey]) expect(from.heard.join('')).not.toContain(secret(pem));
    expect(await mode(join(how.stateDir, 'identity'))).toBe(0o700);
    expect(await mode(join(how.stateDir, 'identity/host.key'))).toBe(0o600);
    expect(await mode(join(how.runnerDir, 'key.pem'))).toBe(0o600);
    // The unprivileged half must reach the runner's results.
    expect(await mode(how.stateDir)).toBe(0o755);
    expect(await mode(how.runnerDir)).toBe(0o755);
  });

  it('lets the runner’s key be certified: it signed the request', async () => {
    const from = await collector();
    const how = options(from);
    await enroll(how);
    const [asked] = from.asked;
    if (!asked) throw new Error('nothing was asked');

    expect(asked.runnerKey).toBe(publicKeyOf(await readFile(join(how.runnerDir, 'key.pem'), 'utf8')));
    expect(asked.runnerKey).not.toBe(readRequest(asked.csr).publicKey);
    const proof = Buffer.from(asked.runnerProof, 'base64');
    expect(verifyBytes(runnerProofMessage(asked.csr), proof, asked.runnerKey)).toBe(true);
  });

  it('does not again over an identity, and asks nobody', async () => {
    const from = await collector();
    const how = options(from);
    await enroll(how);
    const before = from.heard.length;

    await expect(enroll(how)).rejects.toMatchObject({ code: 'ALREADY_ENROLLED' });
    expect(from.heard).toHaveLength(before);
  });
});

describe('when the way leads through a proxy', () => {
  const through = (port: number, credentials: string | null = null) => ({
    connect: connectVia(() => new ProxyAddress('127.0.0.1', port, credentials)),
  });

  it('with credentials, first contact and token go through it, and it reads neither', async () => {
    const [from, proxy] = [await collector(), await startProxy({ credentials: 'agent:secret' })];
    const how = options(from, through(proxy.port, 'agent:secret'));
    await enroll(how);

    expect((await loadIdentity(join(how.stateDir, 'identity'))).name).toBe('web-1');
    expect(proxy.asked).toEqual([new URL(from.url).host, new URL(from.url).host]);
    for (const text of [TOKEN, '/v1/trust']) expect(Buffer.concat(proxy.seen).includes(text)).toBe(false);
  });

  it.each<[string, Behaviour, string]>([
    ['it wants other credentials', 407, 'PROXY_REFUSED'],
    ['it hangs', 'hang', 'UNREACHABLE'],
    ['it ends the connection', 'close', 'UNREACHABLE'],
    ['it reads along with a certificate of its own', 'intercept', 'PIN_MISMATCH'],
  ])('and %s, nothing is stored, the token stays here, and nobody goes around it', async (_what, behaviour, code) => {
    const [from, proxy] = [await collector(), await startProxy({ behaviour })];
    // Only one that hangs is waited for; the others answer when a busy machine lets them.
    const deadline = behaviour === 'hang' ? { deadlineMs: 300 } : {};
    const how = options(from, { ...through(proxy.port, 'agent:secret'), ...deadline });
    const error: unknown = await enroll(how).catch((thrown: unknown) => thrown);

    expect(error).toMatchObject({ code });
    expect(inspect(error, { depth: 9 })).not.toContain('secret');
    expect(from.heard).toEqual([]);
    expect(Buffer.concat(proxy.seen).includes('slv_')).toBe(false);
    expect(await files(how.stateDir)).toEqual([]);
  });
});

describe('when the collector answers with another name', () => {
  it('it is refused: policies select by name, and a host says itself what it is called', async () => {
    const from = await collector((_asked, granted) => ({ ...granted, name: 'db-1' }));
    const how = options(from);

    await expect(enroll(how)).rejects.toMatchObject({ code: 'CERTIFICATE_INVALID' });
    expect(await files(how.stateDir)).toEqual([]);
  });
});

describe('when the collector is not the one under the pin', () => {
  it('leaves no file and no folder, and the token was never sent', async () => {
    const [from, other] = [await collector(), await collector()];
    const how = options(from, { pin: other.pin });

    await expect(enroll(how)).rejects.toMatchObject({ code: 'PIN_MISMATCH' });
    await expect(stat(how.stateDir)).rejects.toMatchObject({ code: 'ENOENT' });
    expect(from.heard.join('\n')).not.toContain('slv_');
    expect(from.heard.filter((text) => text !== '')).toEqual(['GET /v1/trust']);
  });

  it('a man in the middle who passes first contact on hears no token either', async () => {
    const real = await collector();
    const middle = await collector(undefined, { trust: real.authority });
    const how = options(middle, { pin: real.pin });

    await expect(enroll(how)).rejects.toMatchObject({ code: 'CERTIFICATE_INVALID' });
    expect(middle.asked).toEqual([]);
    expect(middle.heard.filter((text) => text !== '')).toEqual(['GET /v1/trust']);
    await expect(stat(how.stateDir)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('nothing is written when nobody answers', async () => {
    const how = { ...options(await collector()), url: 'wss://127.0.0.1:1' };

    await expect(enroll(how)).rejects.toMatchObject({ code: 'UNREACHABLE' });
    await expect(stat(how.stateDir)).rejects.toMatchObject({ code: 'ENOENT' });
  });
});

describe('when the collector refuses', () => {
  it.each(['TOKEN_EXPIRED', 'TOKEN_USED', 'TOKEN_WRONG_HOST', 'HOST_NAME_TAKEN'])(
    'says %s and leaves nothing of the attempt behind',
    async (refuse) => {
      const how = options(await collector(() => ({ refuse, status: 403 })));

      await expect(enroll(how)).rejects.toMatchObject({ code: refuse, next: 'ask' });
      await expect(stat(how.stateDir)).rejects.toMatchObject({ code: 'ENOENT' });
    },
  );

  it('keeps what lay there before', async () => {
    const how = options(await collector(() => ({ refuse: 'TOKEN_USED', status: 403 })));
    await mkdir(how.stateDir, { recursive: true });
    await writeFile(join(how.stateDir, 'other'), 'kept');

    await expect(enroll(how)).rejects.toMatchObject({ code: 'TOKEN_USED' });
    expect(await files(how.stateDir)).toEqual(['other']);
  });
});

describe('when the answer is lost', () => {
  it('keeps the keys, and the next attempt asks with the same ones', async () => {
    let lost = true;
    const from = await collector((_asked, answer) => (lost ? 'hang up' : answer));
    const how = options(from);

    await expect(enroll(how)).rejects.toMatchObject({ code: 'UNREACHABLE' });
    expect(await files(how.stateDir)).toEqual([
      'identity',
      'identity/host.key',
      'runner',
      'runner/key.pem',
      'runner/trust',
    ]);
    await expect(loadIdentity(join(how.stateDir, 'identity'))).rejects.toMatchObject({ code: 'NOT_ENROLLED' });

    lost = false;
    await enroll(how);
    const [first, second] = from.asked;
    expect(readRequest(second?.csr ?? '').publicKey).toBe(readRequest(first?.csr ?? '').publicKey);
    expect(second?.runnerKey).toBe(first?.runnerKey);
  });

  it('a refusal in between does not throw those keys away', async () => {
    const ways = ['hang up', 'refuse', 'grant'];
    const from = await collector((_asked, answer) => {
      const way = ways.shift();
      if (way === 'hang up') return way;

      return way === 'refuse' ? { refuse: 'TOKEN_UNKNOWN', status: 403 } : answer;
    });
    const how = options(from);

    await expect(enroll(how)).rejects.toMatchObject({ code: 'UNREACHABLE' });
    await expect(enroll(how)).rejects.toMatchObject({ code: 'TOKEN_UNKNOWN' });
    await enroll(how);
    expect(new Set(from.asked.map(({ csr }) => readRequest(csr).publicKey)).size).toBe(1);
  });

  it('a key that others could read meanwhile is not used', async () => {
    const from = await collector(() => 'hang up');
    const how = options(from);
    await expect(enroll(how)).rejects.toMatchObject({ code: 'UNREACHABLE' });
    await chmod(join(how.stateDir, 'identity/host.key'), 0o644);

    await expect(enroll(how)).rejects.toMatchObject({ code: 'FILE_UNSAFE' });
    expect(from.asked).toHaveLength(1);
  });
});

describe('when the folder lies open', () => {
  it('the token is not spent on it', async () => {
    const from = await collector();
    const how = options(from);
    await mkdir(join(how.stateDir, 'identity'), { recursive: true });
    await chmod(join(how.stateDir, 'identity'), 0o777);

    await expect(enroll(how)).rejects.toMatchObject({ code: 'FILE_UNSAFE' });
    expect(from.asked).toEqual([]);
  });
});

describe('when the answer is a lie', () => {
  const strange = randomUUID() as HostId;
  const cases: readonly (readonly [string, Decide, string])[] = [
    ['no certificate', () => ({ ok: true }), 'FRAME_INVALID'],
    [
      'another authority',
      (_asked, answer) => ({ ...answer, authority: newAuthority().certificate }),
      'CERTIFICATE_INVALID',
    ],
    [
      'a certificate of another authority',
      (asked, answer) => ({ ...answer, certificate: grant(newAuthority(), answer.hostId, asked).certificate }),
      'CERTIFICATE_INVALID',
    ],
    [
      'a certificate that names another host',
      (_asked, answer) => ({ ...answer, hostId: strange }),
      'CERTIFICATE_INVALID',
    ],
  ];

  it.each(cases)('with %s, no identity is stored', async (_name, decide, code) => {
    const how = options(await collector(decide));

    await expect(enroll(how)).rejects.toMatchObject({ code });
    await expect(loadIdentity(join(how.stateDir, 'identity'))).rejects.toMatchObject({ code: 'NOT_ENROLLED' });
  });
});

// Newcomers that are sent away: by a collector that says when to come again, by one that has no room for a greeting, and by a
// network that is not there. Real sockets; only the waiting is not real.
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { join } from 'node:path';
import { createAuthority, issue, SERIAL_BYTES } from '@selvage/shared/pki/authority.ts';
import { generateKey } from '@selvage/shared/pki/keys.ts';
import { pinOf } from '@selvage/shared/pki/pin.ts';
import { seededRandom } from '@selvage/shared/testing/seeded-random.ts';
import { temporaryFolder } from '@selvage/shared/testing/temporary-folder.ts';
import { afterAll, describe, expect, it } from 'vitest';
import { enrollPatiently } from './patience.ts';

const ROOT = new TextEncoder().encode('{"signed":{"_type":"root"}}\n');
const TOKEN = `slv_h0000000000000000_${'a'.repeat(64)}`;
const folder = temporaryFolder('patience');
const closing: (() => void)[] = [];
afterAll(() => {
  for (const close of closing) close();
});
let made = 0;

type Answer = 'busy' | 'refuse' | 'cut';

/** Answers enrollments in this order, the last one for ever; `shed`: connections that are reset before any. */
async function collector(answers: readonly Answer[], shed = 0) {
  const at = {
    notBefore: Temporal.Now.instant().subtract({ hours: 1 }),
    notAfter: Temporal.Now.instant().add({ hours: 24 }),
  };
  const serial = () => new Uint8Array(randomBytes(SERIAL_BYTES));
  const authority = createAuthority({ name: 'hosts', ...at, serial: serial() });
  const keys = generateKey();
  const cert = issue({
    ...{ authority, publicKey: keys.publicKey, commonName: 'collector', usage: 'server', ...at, serial: serial() },
    alternativeNames: [{ type: 'ip', value: '127.0.0.1' }],
  });
  const asked: string[] = [];
  const keysSeen = new Set<string>();
  let left = [...answers];
  const server = createServer({ key: keys.privateKey, cert }, async (request, response) => {
    asked.push(`${request.method} ${request.url}`);
    let body = '';
    for await (const chunk of request) body += chunk;
    const reply = (status: number, document: object, headers = {}) =>
      response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(document));
    if (request.method === 'GET') {
      reply(200, { authority: authority.certificate, root: Buffer.from(ROOT).toString('base64') });

      return;
    }
    keysSeen.add((JSON.parse(body) as { runnerKey: string }).runnerKey);
    const [answer = 'refuse'] = left;
    if (left.length > 1) left = left.slice(1);
    if (answer === 'cut') request.socket.destroy();
    else if (answer === 'busy') reply(503, { code: 'RATE_LIMITED', message: 'too many' }, { 'retry-after': '5' });
    else reply(403, { code: 'TOKEN_REVOKED', message: 'it was revoked' });
  });
  server.prependListener('connection', (socket: Socket) => {
    if (shed-- > 0) socket.resetAndDestroy();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closing.push(() => server.close());

  return {
    url: `wss://127.0.0.1:${(server.address() as AddressInfo).port}`,
    pin: pinOf(authority.certificate, ROOT),
    asked,
    keysSeen,
  };
}

async function come(to: { readonly url: string; readonly pin: string }, forMs = 120_000, unreachable = false) {
  made += 1;
  const stateDir = join(folder, `${made}`);
  const waits: number[] = [];
  let now = 0;
  const clock = {
    now: () => Temporal.Now.instant(),
    monotonic: () => now,
    sleep: async (ms: number) => {
      now += ms;
    },
  };
  const place = { stateDir, runnerDir: join(stateDir, 'runner') };
  const code = await enrollPatiently(
    { url: to.url, pin: to.pin, token: TOKEN, name: 'web-1', mode: 'observe', machineId: 'f'.repeat(64), ...place },
    { clock, random: seededRandom(made), forMs, unreachable, onWait: (ms) => waits.push(ms) },
  ).then(
    () => 'OK',
    (error: { code: string }) => error.code,
  );

  return { code, waits, stateDir, waitedMs: now };
}

describe('when the collector is busy', () => {
  it('it comes again when it was told to, not before and spread, with the same keys, and asks first contact once', async () => {
    const busy = await collector(['busy', 'busy', 'busy', 'refuse']);
    const { code, waits, stateDir } = await come(busy);

    expect(code).toBe('TOKEN_REVOKED');
    expect(waits).toHaveLength(3);
    for (const wait of waits) expect(wait).toBeGreaterThanOrEqual(5000);
    expect(new Set(waits).size).toBe(3);
    expect(busy.asked).toEqual(['GET /v1/trust', ...Array(4).fill('POST /v1/enroll')]);
    expect(busy.keysSeen.size).toBe(1);
    // A last word leaves nothing behind.
    expect(existsSync(stateDir)).toBe(false);
  });

  it('with its connections reset before a greeting, or cut while it waits for the answer, it comes again', async () => {
    const shedding = await come(await collector(['refuse'], 3));
    const cutting = await come(await collector(['cut', 'cut', 'refuse']));

    expect(shedding).toMatchObject({ code: 'TOKEN_REVOKED', waits: { length: 3 } });
    expect(cutting).toMatchObject({ code: 'TOKEN_REVOKED', waits: { length: 2 } });
  });

  it('for longer than it waits, its last answer is what is told, and its keys stay for the next attempt', async () => {
    const { code, waitedMs, stateDir } = await come(await collector(['busy']), 60_000);

    expect(code).toBe('RATE_LIMITED');
    expect(waitedMs).toBeLessThanOrEqual(60_000);
    expect(waitedMs).toBeGreaterThan(30_000);
    expect(existsSync(join(stateDir, 'identity/host.key'))).toBe(true);
  });
});

describe('when there is no collector', () => {
  it('it says so at once, and comes again only where it was told to', async () => {
    // Nothing listens there (tcpmux); a port that was just given back may be another process's by now.
    const to = { url: 'wss://127.0.0.1:1', pin: `sha256:${'0'.repeat(64)}` };

    expect(await come(to)).toMatchObject({ code: 'UNREACHABLE', waits: [] });
    const waiting = await come(to, 60_000, true);
    expect(waiting.code).toBe('UNREACHABLE');
    expect(waiting.waits.length).toBeGreaterThan(2);
    // Decorrelated jitter, never longer than its cap.
    for (const wait of waiting.waits) expect(wait).toBeLessThanOrEqual(15_000);
  });

  it('but somebody else under another pin, nobody waits', async () => {
    const { url } = await collector(['refuse']);

    expect(await come({ url, pin: `sha256:${'0'.repeat(64)}` }, 60_000, true)).toMatchObject({
      code: 'PIN_MISMATCH',
      waits: [],
    });
  });
});

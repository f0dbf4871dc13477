// Enrollment over real TLS sockets: first contact, the token's way, and everything a stranger may try at the door.

import { connect, type TLSSocket } from 'node:tls';
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import { createRequest } from '@selvage/shared/pki/csr.ts';
import { firstContact, postJson } from '@selvage/shared/pki/first-contact.ts';
import { generateKey } from '@selvage/shared/pki/keys.ts';
import { describe, expect, it } from 'vitest';
import { MAX_BODY_BYTES } from './limits.ts';
import type { HostRequest } from './requests.ts';
import { gate, newcomer, type Office, offices, ROOT } from './testing/office.ts';

const open = offices('routes');
const enrollAt = (office: Office, url: string, body: unknown) =>
  postJson({ url, path: '/v1/enroll', authority: office.hosts.certificate, body });

/** Sends bytes as they are and gives back all that is answered until the connection ends. */
async function raw(url: string, text: string, then?: (socket: TLSSocket) => void): Promise<string> {
  const { port } = new URL(url);
  const socket = connect({ host: '127.0.0.1', port: Number(port), rejectUnauthorized: false });
  let answer = '';
  socket.on('data', (chunk) => {
    answer += chunk;
  });
  socket.write(text);
  then?.(socket);
  await new Promise<void>((resolve) => {
    socket.on('close', () => resolve());
    socket.on('error', () => resolve());
  });

  return answer;
}

const posted = (headers: string, body = '') => `POST /v1/enroll HTTP/1.1\r\nHost: x\r\n${headers}\r\n\r\n${body}`;
const JSON_TYPE = 'Content-Type: application/json';

describe('when a host enrolls at the gate', () => {
  it('sees what the pin was made of, sends the token under strict trust and gets a certificate', async () => {
    const office = await open();
    const url = await gate(office, 'hosts');
    const token = await office.hostToken();

    const trust = await firstContact({ url, pin: await office.enrollment.pin('hosts') });
    const { authority } = trust;
    const answer = await postJson({ url, path: '/v1/enroll', authority, body: newcomer().request(token) });

    expect(trust.root).toEqual(ROOT);
    expect(answer).toMatchObject({ name: 'web-1', authority: office.hosts.certificate });
  });

  it('exactly one of many that send one token at once wins', async () => {
    const office = await open();
    const url = await gate(office, 'hosts');
    const token = await office.hostToken();
    const results = await Promise.allSettled(
      Array.from({ length: 8 }, () => enrollAt(office, url, newcomer().request(token))),
    );

    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    for (const result of results) {
      if (result.status === 'rejected') expect(result.reason).toMatchObject({ code: 'TOKEN_USED' });
    }
    expect(await office.store.read.hosts.list()).toHaveLength(1);
  });

  it('is told the code and the next step of a refusal', async () => {
    const office = await open();
    const url = await gate(office, 'hosts');

    await expect(enrollAt(office, url, newcomer('web-2').request(await office.hostToken()))).rejects.toMatchObject({
      code: 'TOKEN_WRONG_HOST',
      next: 'use the token made for this host name',
    });
  });
});

describe('when an admin logs in at the other gate', () => {
  it('it shows the other authority under another pin, and gives a certificate for it', async () => {
    const office = await open();
    const [url, other] = [await gate(office, 'admins'), await gate(office, 'hosts')];
    const token = await office.adminToken('ann');
    const body = {
      token,
      name: 'ann',
      csr: createRequest({ commonName: 'ann', privateKey: generateKey().privateKey }),
    };
    const pin = await office.enrollment.pin('admins');

    expect(pin).not.toBe(await office.enrollment.pin('hosts'));
    await expect(firstContact({ url: other, pin })).rejects.toMatchObject({ code: 'PIN_MISMATCH' });
    const { authority } = await firstContact({ url, pin });
    expect(await postJson({ url, path: '/v1/login', authority, body })).toMatchObject({ authority });
  });

  it('neither gate has the other’s door', async () => {
    const office = await open();
    const admins = await gate(office, 'admins');

    expect(await raw(admins, posted(`${JSON_TYPE}\r\nConnection: close\r\nContent-Length: 2`, '{}'))).toMatch(
      /^HTTP\/1.1 404/,
    );
  });
});

describe('when a stranger knocks', () => {
  const refusal = (answer: string) => ({
    status: Number(answer.split(' ')[1]),
    code: JSON.parse(answer.slice(answer.indexOf('{'))).code,
  });

  it.each([
    ['another method', 'DELETE /v1/enroll HTTP/1.1\r\nHost: x\r\n\r\n', 405, 'FRAME_UNEXPECTED'],
    [
      'another method for trust',
      'POST /v1/trust HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n',
      405,
      'FRAME_UNEXPECTED',
    ],
    ['no content type', posted('Content-Length: 2', '{}'), 400, 'FRAME_INVALID'],
    [
      'a form',
      posted('Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 2', '{}'),
      400,
      'FRAME_INVALID',
    ],
    [
      'a compressed body',
      posted(`${JSON_TYPE}\r\nContent-Encoding: gzip\r\nContent-Length: 2`, '{}'),
      400,
      'FRAME_INVALID',
    ],
    ['no JSON', posted(`${JSON_TYPE}\r\nContent-Length: 1`, '{'), 400, 'FRAME_INVALID'],
    ['bytes that are no UTF-8', posted(`${JSON_TYPE}\r\nContent-Length: 4`, '"\xff"'), 400, 'FRAME_INVALID'],
    ['another document', posted(`${JSON_TYPE}\r\nContent-Length: 2`, '[]'), 400, 'FRAME_INVALID'],
    ['an announced flood', posted(`${JSON_TYPE}\r\nContent-Length: ${MAX_BODY_BYTES + 1}`), 413, 'FRAME_TOO_LARGE'],
  ])('with %s, it is refused', async (_name, text, status, code) => {
    const url = await gate(await open(), 'hosts');

    expect(refusal(await raw(url, text))).toEqual({ status, code });
  });

  it('with an unannounced flood, it is cut off at the limit and can still read why', async () => {
    const url = await gate(await open(), 'hosts');
    const chunk = `400\r\n${' '.repeat(1024)}\r\n`;

    const answer = await raw(url, `${posted(`${JSON_TYPE}\r\nTransfer-Encoding: chunked`)}${chunk.repeat(17)}`);
    expect(refusal(answer)).toEqual({ status: 413, code: 'FRAME_TOO_LARGE' });
  });

  it('with a body that trickles, it is cut off at the deadline', async () => {
    const url = await gate(await open(), 'hosts', { bodyDeadlineMs: 50 });

    const answer = await raw(url, posted(`${JSON_TYPE}\r\nContent-Length: 100`, '{'));
    expect(refusal(answer)).toEqual({ status: 400, code: 'FRAME_INVALID' });
  });

  it('with a request that is too large or has further fields, it learns which fields', async () => {
    const office = await open();
    const url = await gate(office, 'hosts');
    const body = newcomer().request(await office.hostToken());
    const paths = (over: object) => enrollAt(office, url, { ...body, ...over }).catch(({ details }) => details.paths);

    expect(await paths({ csr: 'x'.repeat(5000), mode: 'root', hostId: 'x' })).toEqual([
      expect.stringMatching(/^csr: /),
      expect.stringMatching(/^mode: /),
      expect.stringMatching(/hostId/),
    ]);
    expect(await paths({ token: 7 })).toEqual([expect.stringMatching(/^token: /)]);
  });

  it('a body at the limit is read, and one that goes away harms nobody', async () => {
    const office = await open();
    const url = await gate(office, 'hosts');
    const whole = posted(`${JSON_TYPE}\r\nContent-Length: ${MAX_BODY_BYTES}`, `"${'x'.repeat(MAX_BODY_BYTES - 2)}"`);

    expect(refusal(await raw(url, whole)).code).toBe('FRAME_INVALID');
    await raw(url, posted(`${JSON_TYPE}\r\nContent-Length: 100`, '{'), (socket) => socket.end());
    expect(await enrollAt(office, url, newcomer().request(await office.hostToken()))).toMatchObject({ name: 'web-1' });
  });
});

describe('when something breaks inside', () => {
  it('a stranger learns nothing of it, and the log has it', async () => {
    const office = await open();
    const lines: string[] = [];
    const write = (_fields: unknown, message: string) => void lines.push(message);
    const log = { debug: write, info: write, warn: write, error: write, child: () => log };
    const failure = new CodedError('STORE_FAILED', '/var/lib/secret/path is broken', { details: { row: 'secret' } });
    const broken = { ...office.enrollment, enrollHost: () => Promise.reject(failure) };
    const url = await gate({ ...office, enrollment: broken }, 'hosts', { log });

    const error = await enrollAt(office, url, newcomer().request('x')).catch((caught) => caught);
    expect(error).toMatchObject({ code: 'INTERNAL', message: 'the collector failed; its log says why', details: {} });
    expect(lines).toEqual(['enrollment failed']);
  });

  it('only so many are worked on at once; some wait for their turn, the others are asked to come back', async () => {
    const office = await open();
    const started = Promise.withResolvers<void>();
    const release = Promise.withResolvers<void>();
    const worked: string[] = [];
    const slow = {
      ...office.enrollment,
      enrollHost: async ({ token }: HostRequest) => {
        worked.push(token);
        started.resolve();
        await release.promise;
        throw new CodedError('TOKEN_UNKNOWN', 'late');
      },
    };
    const url = await gate({ ...office, enrollment: slow }, 'hosts', { maxConcurrent: 1, maxWaiting: 1 });
    const codeOf = (token: string) =>
      enrollAt(office, url, newcomer().request(token)).then(
        () => 'OK',
        ({ code, details }) => `${code} ${details.retryAfterMs ?? ''}`,
      );

    const first = codeOf('first');
    await started.promise;
    // Of the two one gets the place in the queue; the other is told when to come again.
    const others = [codeOf('second'), codeOf('third')];
    expect(await Promise.race(others)).toBe('RATE_LIMITED 5000');
    expect(worked).toEqual(['first']);
    release.resolve();
    expect(await first).toBe('TOKEN_UNKNOWN ');
    expect((await Promise.all(others)).sort()).toEqual(['RATE_LIMITED 5000', 'TOKEN_UNKNOWN ']);
    expect(worked).toHaveLength(2);
    expect(await codeOf('fourth')).toBe('TOKEN_UNKNOWN ');
  });
});

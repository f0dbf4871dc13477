// First contact over real TLS: what fits the pin is trusted, and nothing else, whoever stands in between.

import type { RequestListener } from 'node:http';
import { connect, createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { firstContact, postJson } from './first-contact.ts';
import { MAX_ANSWER_BYTES } from './https.ts';
import { generateKey } from './keys.ts';
import { parsePin, pinOf } from './pin.ts';
import { answering, authority, paper, serve, serverPaper, valid } from './testing/papers.ts';

const ROOT = new TextEncoder().encode('{"signed":{}}');
const ours = authority();
const theirs = authority();
const pin = pinOf(ours.certificate, ROOT);
const document = (own: { certificate: string }, root: Uint8Array = ROOT) => ({
  authority: own.certificate,
  root: Buffer.from(root).toString('base64'),
});
const SECRET = { token: 'slv_secret' };

describe('when a pin is made', () => {
  it('changes with the authority and with every byte of the root', () => {
    expect(pin).toMatch(/^sha256:[0-9a-f]{64}$/);
    expect(pinOf(ours.certificate, ROOT)).toBe(pin);
    expect(pinOf(theirs.certificate, ROOT)).not.toBe(pin);
    expect(pinOf(ours.certificate, Uint8Array.of(...ROOT, 10))).not.toBe(pin);
  });

  it('is refused in any other form', () => {
    const wrong = ['', pin.slice(7), pin.slice(0, -1), `${pin}0`, pin.toUpperCase(), ` ${pin}`, 'sha512:00'];
    for (const text of wrong) expect(() => parsePin(text)).toThrow(expect.objectContaining({ code: 'USAGE' }));
  });
});

describe('when a machine makes first contact', () => {
  it('gets the authority and the exact root that fit the pin', async () => {
    const url = await serve(serverPaper(ours), answering(document(ours)));

    expect(await firstContact({ url, pin })).toEqual({ authority: ours.certificate, root: ROOT });
    expect(await firstContact({ url: url.replace('https:', 'wss:'), pin })).toMatchObject({ root: ROOT });
  });

  it('refuses another authority or another root', async () => {
    for (const shown of [document(theirs), document(ours, new TextEncoder().encode('{}'))]) {
      const url = await serve(serverPaper(theirs), answering(shown));

      await expect(firstContact({ url, pin })).rejects.toMatchObject({ code: 'PIN_MISMATCH' });
    }
  });

  it('refuses an authority that hides behind the right one in the same text', async () => {
    const pair = { certificate: `${ours.certificate}${theirs.certificate}` };
    const url = await serve(serverPaper(theirs), answering(document(pair)));

    await expect(firstContact({ url, pin })).rejects.toMatchObject({ code: 'PIN_MISMATCH' });
  });

  it('refuses an answer that is no trust document, and one that never ends', async () => {
    const odd = await serve(serverPaper(ours), answering({ authority: 7 }));
    const broken = await serve(serverPaper(ours), answering({ ...document(ours), authority: 'x' }));
    const endless: RequestListener = (_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      const pour = () => {
        while (!response.destroyed && response.write(' '.repeat(64 * 1024)));
      };
      response.on('drain', pour);
      pour();
    };
    const flood = await serve(serverPaper(ours), endless);

    await expect(firstContact({ url: odd, pin })).rejects.toMatchObject({ code: 'PIN_MISMATCH' });
    await expect(firstContact({ url: broken, pin })).rejects.toMatchObject({ code: 'PIN_MISMATCH' });
    await expect(firstContact({ url: flood, pin })).rejects.toMatchObject({
      code: 'FRAME_TOO_LARGE',
      message: expect.stringContaining(`${MAX_ANSWER_BYTES}`),
    });
  });

  it('does not speak older TLS', async () => {
    const old = await serve(serverPaper(ours), answering(document(ours)), {
      minVersion: 'TLSv1.2',
      maxVersion: 'TLSv1.2',
    });

    await expect(firstContact({ url: old, pin })).rejects.toMatchObject({ code: 'UNREACHABLE' });
  });

  it('says so when nobody is there, nobody answers, or the address is none', async () => {
    const silent = createServer((socket) => socket.on('error', () => socket.destroy()).resume());
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const { port } = silent.address() as { port: number };

    await expect(firstContact({ url: `https://127.0.0.1:${port}`, pin, deadlineMs: 100 })).rejects.toMatchObject({
      code: 'UNREACHABLE',
      message: expect.stringContaining('100 ms'),
    });
    await new Promise((resolve) => silent.close(resolve));
    await expect(firstContact({ url: `https://127.0.0.1:${port}`, pin })).rejects.toMatchObject({
      code: 'UNREACHABLE',
    });
    for (const url of ['http://127.0.0.1', 'nonsense', 'https://user:secret@127.0.0.1']) {
      await expect(firstContact({ url, pin })).rejects.toMatchObject({ code: 'USAGE' });
    }
  });

  it('follows no redirect', async () => {
    const elsewhere = await serve(serverPaper(ours), answering(document(ours)));
    const url = await serve(serverPaper(theirs), (_request, response) =>
      response.writeHead(302, { location: `${elsewhere}/v1/trust` }).end(),
    );

    await expect(firstContact({ url, pin })).rejects.toMatchObject({ code: 'FRAME_INVALID' });
  });
});

describe('when something secret is posted', () => {
  const post = (url: string, over: object = {}) =>
    postJson({ url, path: '/v1/enroll', authority: ours.certificate, body: SECRET, ...over });

  /** A server that shows those papers and remembers every byte that it could read. */
  async function eavesdropper(own: Parameters<typeof serve>[0]): Promise<{ url: string; heard: () => string }> {
    let text = '';
    const url = await serve(own, (request, response) => {
      request.on('data', (chunk) => {
        text += chunk;
      });
      request.on('end', () => answering({})(request, response));
    });

    return { url, heard: () => text };
  }

  it('reaches the server of the pinned authority', async () => {
    const { url, heard } = await eavesdropper(serverPaper(ours));

    expect(await post(url)).toEqual({});
    expect(JSON.parse(heard())).toEqual(SECRET);
  });

  it.each([
    ['another authority of the same name', serverPaper(theirs), 'CERTIFICATE_INVALID'],
    [
      'another address',
      serverPaper(ours, { alternativeNames: [{ type: 'dns', value: 'other.example' }] }),
      'CERTIFICATE_INVALID',
    ],
    [
      'a host certificate',
      paper(ours, { alternativeNames: [{ type: 'ip', value: '127.0.0.1' }] }),
      'CERTIFICATE_INVALID',
    ],
    ['an expired certificate', serverPaper(ours, valid(-1)), 'CERTIFICATE_EXPIRED'],
    ['a key of its own as authority', { ...generateKey(), ...theirs }, 'CERTIFICATE_INVALID'],
  ])('never reaches a server with %s', async (_name, own, code) => {
    const { url, heard } = await eavesdropper(own);

    await expect(post(url)).rejects.toMatchObject({ code });
    expect(heard()).toBe('');
  });

  it('shows a client certificate when one is given', async () => {
    const client = paper(ours);
    const url = await serve(serverPaper(ours), answering({ ok: true }), {
      ca: ours.certificate,
      requestCert: true,
      rejectUnauthorized: true,
    });

    expect(await post(url, { key: client.privateKey, cert: client.certificate })).toEqual({ ok: true });
    await expect(post(url)).rejects.toMatchObject({ code: 'UNREACHABLE' });
  });

  it('turns an error document into its error, and an unknown code into INTERNAL', async () => {
    const refusal = { code: 'TOKEN_USED', message: 'used', next: 'ask', details: { tokenId: 'h1' } };
    const used = await serve(serverPaper(ours), answering(refusal, 403));
    const odd = await serve(serverPaper(ours), answering({ code: 'NO_SUCH', message: 'x' }, 500));

    await expect(post(used)).rejects.toMatchObject(refusal);
    await expect(post(odd)).rejects.toMatchObject({ code: 'INTERNAL' });
  });
});

describe('when a man in the middle passes first contact on', () => {
  it('hears everything of it and still never the secret', async () => {
    const collector = await serve(serverPaper(ours), answering(document(ours)));
    const heard: string[] = [];
    // Their own TLS outside; what they hear they could forward to the real collector.
    const middle = await serve(serverPaper(theirs), (request, response) => {
      heard.push(`${request.method} ${request.url}`);
      request.on('data', (chunk) => heard.push(String(chunk)));
      request.on('end', () => answering(document(ours))(request, response));
    });

    const trust = await firstContact({ url: middle, pin });
    await expect(
      postJson({ url: middle, path: '/v1/enroll', authority: trust.authority, body: SECRET }),
    ).rejects.toMatchObject({ code: 'CERTIFICATE_INVALID' });

    expect(heard).toEqual(['GET /v1/trust']);
    expect(await postJson({ url: collector, path: '/', authority: trust.authority, body: SECRET })).toMatchObject({});
  });

  it('that forwards bytes only, changes nothing and reads nothing', async () => {
    const collector = new URL(await serve(serverPaper(ours), answering(document(ours))));
    let bytes = '';
    const relay = createServer((socket) => {
      const onward = connect(Number(collector.port), '127.0.0.1');
      socket.on('data', (chunk) => {
        bytes += chunk.toString('latin1');
      });
      socket.pipe(onward).pipe(socket);
      socket.on('error', () => onward.destroy());
      onward.on('error', () => socket.destroy());
    });
    await new Promise<void>((resolve) => relay.listen(0, '127.0.0.1', resolve));
    const url = `https://127.0.0.1:${(relay.address() as { port: number }).port}`;

    const { authority: found } = await firstContact({ url, pin });
    await postJson({ url, path: '/v1/enroll', authority: found, body: SECRET });
    relay.close();

    expect(bytes.length).toBeGreaterThan(0);
    expect(bytes).not.toContain(SECRET.token);
  });
});

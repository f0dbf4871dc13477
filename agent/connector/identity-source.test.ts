// Renewal on disk: whatever step the process or the machine dies after, the next start finds a pair that the collector
// takes, and goes on from there.
import { chmod, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { removeDurable, renameDurable, writeDurable } from '@selvage/shared/files/durable.ts';
import { readRequest } from '@selvage/shared/pki/csr.ts';
import { endorse } from '@selvage/shared/pki/endorsement.ts';
import { generateKey, publicKeyOf } from '@selvage/shared/pki/keys.ts';
import { describe, expect, it } from 'vitest';
import { loadIdentity } from './identity.ts';
import { type IdentityDisk, type IdentitySource, openIdentitySource } from './identity-source.ts';
import { makeAuthority, NOW } from './testing/collector.ts';
import { certificateFor, certify, identityFolder } from './testing/identity-folder.ts';

const authority = makeAuthority();
const now = Temporal.Instant.from(NOW);
const read = (dir: string, name: string) => readFile(join(dir, name), 'utf8');

/** The collector's books about one host, by the rules of the protocol. */
class Books {
  current: string;
  next: string | null = null;
  renewals = 0;

  constructor(current: string) {
    this.current = current;
  }

  takes(certificate: string): boolean {
    return certificate === this.current || certificate === this.next;
  }

  renew(csr: string): string {
    this.next = certify(csr, authority);

    return this.next;
  }

  welcome(certificate: string): void {
    if (certificate !== this.next) return;
    this.current = certificate;
    this.next = null;
    this.renewals++;
  }
}

/** Connections until one has been renewed and proven. Each is opened with what is on the disk. */
async function live(source: IdentitySource, books: Books): Promise<void> {
  for (;;) {
    const used = await source.load();
    if (!books.takes(used.certificate)) throw new Error('it came with a certificate that is superseded');
    books.welcome(used.certificate);
    await source.welcomed(used);
    if (books.renewals > 0) return;
    await source.keep(books.renew(await source.request()), now);
  }
}

class Crash extends Error {}

/** A disk that dies before its step number `last + 1`; `look` sees the folder after each step that was done. */
function dyingAfter(
  last: number,
  look: () => Promise<void> = async () => undefined,
): IdentityDisk & { steps(): number } {
  let steps = 0;
  const step = async (work: () => Promise<void>) => {
    if (steps === last) throw new Crash(`after ${last} steps`);
    await work();
    steps++;
    await look();
  };

  return {
    steps: () => steps,
    write: (path, text, mode) => step(() => writeDurable(path, text, { mode })),
    rename: (from, to) => step(() => renameDurable(from, to)),
    remove: (path) => step(() => removeDurable(path)),
  };
}

const untilCrash = (work: Promise<void>) =>
  work.then(
    () => 'done' as const,
    (error: unknown) => {
      if (error instanceof Crash) return 'crashed' as const;
      throw error;
    },
  );

describe('when the process dies in a renewal', () => {
  it('after any step, and after any step of the recovery too, the host comes back and ends with the new pair alone', async () => {
    let crashes = 0;

    for (let first = 0; ; first++) {
      let ended = 'crashed';

      for (let second = 0; second <= 4; second++) {
        const dir = await identityFolder(authority);
        const books = new Books(await read(dir, 'host.crt'));
        // Whoever reads in between (`status`, a second process) gets a whole pair that is taken.
        const look = async () => {
          const identity = await loadIdentity(dir);
          expect(books.takes((identity.next ?? identity).certificate)).toBe(true);
        };
        ended = await untilCrash(live(openIdentitySource(dir, dyingAfter(first, look)), books));
        if (ended === 'crashed') {
          crashes++;
          await writeFile(join(dir, '.next.key.0123456789ab.tmp'), 'half a key', { mode: 0o600 });
        }
        await untilCrash(live(openIdentitySource(dir, dyingAfter(second, look)), books));
        await live(openIdentitySource(dir), books);
        const { isNext, certificate, key } = await openIdentitySource(dir).load();

        expect({ isNext, taken: certificate === books.current }).toEqual({ isNext: false, taken: true });
        expect(await read(dir, 'host.key')).toBe(key);
        expect((await readdir(dir)).sort()).toEqual(['authority.crt', 'enrollment.json', 'host.crt', 'host.key']);
      }
      if (ended === 'done') break;
    }
    // Fewer would mean that the matrix does not stop where it says: key, certificate, two renames, and clean-up before each.
    expect(crashes).toBeGreaterThanOrEqual(4 * 5);
  });

  it('while a refused next pair is dropped, the present one is what the next start uses', async () => {
    for (let last = 0; last < 3; last++) {
      const dir = await identityFolder(authority);
      const present = await read(dir, 'host.crt');
      const source = openIdentitySource(dir);
      await source.keep(certify(await source.request(), authority), now);
      const next = await source.load();
      expect(next.isNext).toBe(true);
      const ended = await untilCrash(openIdentitySource(dir, dyingAfter(last)).dropNext(next));
      const again = openIdentitySource(dir);
      const used = await again.load();

      expect(used.certificate).toBe(ended === 'crashed' && last === 0 ? next.certificate : present);
      if (used.isNext) await again.dropNext(used);
      await again.keep(certify(await again.request(), authority), now);
      expect((await again.load()).isNext).toBe(true);
    }
  });
});

describe('when a request is made', () => {
  it('is over a new key, which is on disk before anybody sees the request, private, and stays until it is certified', async () => {
    const dir = await identityFolder(authority);
    const source = openIdentitySource(dir);
    const first = readRequest(await source.request());
    const key = await read(dir, 'next.key');
    const again = readRequest(await openIdentitySource(dir).request());

    expect(first.publicKey).toBe(publicKeyOf(key));
    expect(again.publicKey).toBe(first.publicKey);
    expect(first.publicKey).not.toBe(publicKeyOf(await read(dir, 'host.key')));
  });

  it('a next key that is damaged or lay open to others is replaced', async () => {
    const damaged = await identityFolder(authority, { files: { 'next.key': 'nonsense' } });
    const open = await identityFolder(authority, { files: { 'next.key': generateKey().privateKey } });
    await chmod(join(open, 'next.key'), 0o644);

    for (const dir of [damaged, open]) {
      const before = await read(dir, 'next.key');
      const { publicKey } = readRequest(await openIdentitySource(dir).request());
      const after = await read(dir, 'next.key');
      expect(after).not.toBe(before);
      expect(publicKey).toBe(publicKeyOf(after));
    }
  });

  it('is refused while a renewed pair waits for its first connection: its key may be the only one that is still taken', async () => {
    const dir = await identityFolder(authority);
    const source = openIdentitySource(dir);
    await source.keep(certify(await source.request(), authority), now);
    const waiting = await read(dir, 'next.key');

    await expect(source.request()).rejects.toMatchObject({ code: 'STATE' });
    expect(await read(dir, 'next.key')).toBe(waiting);
  });
});

describe('when the answer is not what was asked for', () => {
  const past = { from: '2026-01-01T00:00:00Z', until: '2026-02-01T00:00:00Z' };
  const stranger = '00000000-0000-4000-8000-000000000002' as never;

  it.each<[string, (publicKey: string) => string]>([
    ['for another key', () => certificateFor({ authority, publicKey: generateKey().publicKey })],
    ['for another host', (publicKey) => certificateFor({ authority, publicKey, host: stranger })],
    ['of another authority', (publicKey) => certificateFor({ authority: makeAuthority(), publicKey })],
    ['for a server', (publicKey) => certificateFor({ authority, publicKey, usage: 'server' })],
    ['over already', (publicKey) => certificateFor({ authority, publicKey, dates: past })],
    ['no certificate', () => 'nonsense'],
    ['two certificates', (publicKey) => certificateFor({ authority, publicKey }) + authority.certificate],
  ])('%s: it is not kept, and the present one stays', async (_what, answer) => {
    const dir = await identityFolder(authority);
    const source = openIdentitySource(dir);
    const { publicKey } = readRequest(await source.request());

    await expect(source.keep(answer(publicKey), now)).rejects.toMatchObject({ code: 'CERTIFICATE_INVALID' });
    expect(await source.load()).toMatchObject({ isNext: false, certificate: await read(dir, 'host.crt') });
  });

  it('a next pair on disk that is of no use is passed over and cleared away', async () => {
    const { publicKey } = generateKey();
    const dir = await identityFolder(authority, { files: { 'next.crt': certificateFor({ authority, publicKey }) } });

    expect(await openIdentitySource(dir).load()).toMatchObject({ isNext: false });
    expect(await readdir(dir)).not.toContain('next.crt');
  });
});

describe('when authorities change', () => {
  const next = makeAuthority('hosts 2');
  const endorsed = {
    certificate: next.certificate,
    ...endorse({ endorser: authority, certificate: next.certificate }),
  };
  const oldest = { certificate: authority.certificate, endorsedBy: null, endorsement: new Uint8Array(0) };
  const server = async (dir: string) => {
    const { X509Certificate } = await import('node:crypto');

    return new X509Certificate(await read(dir, 'host.crt'));
  };

  it('the list is on disk, in order, and the identity still loads; the same list again changes nothing', async () => {
    const dir = await identityFolder(authority);
    const source = openIdentitySource(dir);
    const changed = await source.trust([oldest, endorsed], await server(dir));

    expect(changed).toEqual([authority.certificate, next.certificate]);
    expect((await source.load()).authorities).toEqual(changed);
    expect(await source.trust([oldest, endorsed], await server(dir))).toBeNull();
  });

  it('an authority that a renewed but unproven certificate needs stays', async () => {
    const dir = await identityFolder(authority);
    const source = openIdentitySource(dir);
    await source.trust([oldest, endorsed], await server(dir));
    await source.keep(certify(await source.request(), next), now);
    const changed = await source.trust([oldest], await server(dir));

    expect(changed).toEqual([next.certificate, authority.certificate]);
    expect(await source.load()).toMatchObject({ isNext: true });
  });
});

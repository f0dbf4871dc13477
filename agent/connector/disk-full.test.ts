// The connector's folder is full or out of inodes, on a real file system of some hundred kilobytes, with a real connection: it
// stays connected, says so, loses nothing, and goes on by itself when there is room.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { asCoded } from '@selvage/shared/errors/coded-error.ts';
import { silentLog } from '@selvage/shared/log/log.ts';
import { type Inventory, SECTION_NAMES } from '@selvage/shared/model/inventory.ts';
import { fakeClock } from '@selvage/shared/testing/fake-clock.ts';
import { needs } from '@selvage/shared/testing/needs.ts';
import { seededRandom } from '@selvage/shared/testing/seeded-random.ts';
import { SMALL_DISK_PARTS, type SmallDisk, smallDisk } from '@selvage/shared/testing/small-disk.ts';
import type { Durable } from '@selvage/shared/wire/wire.ts';
import { beforeEach, describe, expect, it } from 'vitest';
import { resendSections } from './inventory-sender.ts';
import { type Outbox, openOutbox } from './outbox.ts';
import { openPolicyMirror } from './policy-mirror.ts';
import { openResultStream } from './result-stream.ts';
import { type FakeCollector, nextDurable, type Peer, startCollector } from './testing/collector.ts';
import { sendInventory } from './testing/send-inventory.ts';
import { inTouch, message, startLink } from './testing/started-link.ts';

const NOON = Date.parse('2026-03-01T12:00:00Z');

const DISK_BYTES = 256 * 1024;
const INODES = 200;
const AGAIN_MS = 5 * 60_000;
const full = { code: 'DISK_FULL' };
const random = seededRandom('full');
const open = (dir: string) => openOutbox(dir, { random, log: silentLog });

/** Sections that can be taken hold `text`, so that an inventory has a size. */
function inventory(text: string): Inventory {
  const sections = Object.fromEntries(SECTION_NAMES.map((name) => [name, { ok: true, data: { name, text } }]));

  return { takenAt: '2026-03-01T12:00:00Z', sections } as unknown as Inventory;
}

async function names(outbox: Outbox): Promise<readonly string[]> {
  const waiting = await outbox.pending(await outbox.position(), 1000);

  return waiting.map(({ body }) => (body.type === 'section' ? body.name : body.type));
}

needs(SMALL_DISK_PARTS, 'with the connector’s folder on a small disk', () => {
  let disk: SmallDisk;
  let collector: FakeCollector;
  beforeEach(async () => {
    disk = await smallDisk({ bytes: DISK_BYTES, inodes: INODES });
    collector = await startCollector();
  });
  const at = (name: string) => join(disk.path, name);

  describe('when an inventory finds no room', () => {
    it.each([
      ['bytes', () => disk.fill()],
      ['bytes after some sections', () => disk.fill(10 * 4096)],
      ['inodes', () => disk.fillInodes()],
    ])('for want of %s: it says so, and the next one is sent whole', async (_, exhaust) => {
      const outbox = await open(at('outbox'));
      exhaust();
      expect(asCoded(await sendInventory(inventory('a'), outbox).catch((error: unknown) => error))).toMatchObject(full);
      expect(await names(outbox)).not.toContain('report');
      disk.free();
      await sendInventory(inventory('a'), outbox);
      const sent = await names(outbox);

      expect(new Set(sent)).toEqual(new Set([...SECTION_NAMES, 'report']));
      expect(sent.at(-1)).toBe('report');
      expect(await names(await open(at('outbox')))).toEqual(sent);
    });

    it('leaves no half file behind', async () => {
      const outbox = await open(at('outbox'));
      disk.fill();
      await expect(outbox.add(message('a'))).rejects.toMatchObject(full);

      expect(readdirSync(outbox.folder)).toEqual([]);
    });

    it('a section that could not be sent again is asked for again, and then sent', async () => {
      const outbox = await open(at('outbox'));
      await sendInventory(inventory('a'), outbox);
      disk.fill();
      await expect(resendSections(['packages'], outbox, NOON)).rejects.toMatchObject(full);
      disk.free();

      expect(await resendSections(['packages'], outbox, NOON)).toEqual(['packages']);
      expect(await resendSections(['packages'], outbox, NOON)).toEqual([]);
    });

    it('a new stream that cannot be begun leaves the old one as it is', async () => {
      const outbox = await open(at('outbox'));
      await outbox.add(message('a'));
      const { id } = outbox;
      disk.fill();
      await expect(outbox.restart()).rejects.toMatchObject(full);
      disk.free();
      expect(outbox.id).toBe(id);
      expect(await outbox.add(message('b'))).toBe(2n);
      expect(await names(outbox)).toEqual(['a', 'b']);
      await outbox.restart();

      expect(await outbox.add(message('c'))).toBe(1n);
      expect(await names(await open(at('outbox')))).toEqual(['c']);
    });
  });

  describe('when the collector has committed what an agent with a full disk sent', () => {
    it('stays connected, makes room by it, uses no sequence again, and settles later', async () => {
      const link = await startLink(collector, { dir: at('outbox') });
      for (const name of ['a', 'b', 'c']) await link.outbox.add(message(name));
      const peer = await collector.accept();
      disk.fill();
      peer.welcome();
      for (const _ of 'abc') await nextDurable(peer);
      peer.send({ type: 'acknowledgement', stream: link.outbox.id, sequence: 3n });
      await link.event('acknowledged');
      expect(link.outbox.size()).toBe(0);
      expect(link.events.map(({ type }) => type)).not.toContain('disconnected');
      expect(readdirSync(link.outbox.folder)).toHaveLength(1);

      // Room came from the acknowledged files alone.
      expect(await link.outbox.add(message('d'))).toBe(4n);
      expect((await nextDurable(peer)).sequence).toBe(4n);
      disk.free();
      peer.send({ type: 'acknowledgement', stream: link.outbox.id, sequence: 4n });
      await link.event('acknowledged');
      expect(readdirSync(link.outbox.folder)).toEqual([]);
      await link.stop();
    });

    it('and is killed then: it sends the last one once more, and no number means another message', async () => {
      const outbox = await open(at('outbox'));
      for (const name of ['a', 'b', 'c']) await outbox.add(message(name));
      disk.fill();
      await outbox.acknowledged(3n, outbox.id);
      const again = await open(at('outbox'));

      expect(again.id).toBe(outbox.id);
      expect(await names(again)).toEqual(['c']);
      expect(await again.position()).toBe(2n);
      disk.free();
      expect(await again.add(message('d'))).toBe(4n);
    });

    it('connects again with the disk still full', async () => {
      const link = await startLink(collector, { dir: at('outbox') });
      await link.outbox.add(message('a'));
      const first = await collector.accept();
      disk.fill();
      first.welcome();
      await nextDurable(first);
      first.socket.terminate();
      await link.event('waiting');
      await link.clock.sleeping();
      await link.clock.advance(600_000);
      const second = await collector.accept();
      second.welcome([{ stream: link.outbox.id, sequence: 1n }]);
      await link.event('connected');

      expect(link.outbox.size()).toBe(0);
      await link.stop();
    });

    it('of results: goes on, and after a restart some are sent again', async () => {
      mkdirSync(at('results'));
      const payload = Buffer.from('x').toString('base64');
      for (const number of [1, 2, 3])
        writeFileSync(at(`results/${number}.json`), JSON.stringify({ payload, signature: payload }));
      const clock = fakeClock('2026-03-01T12:00:00Z');
      const streams = () =>
        openResultStream({ results: at('results'), outbox: at('outbox'), random, clock, log: silentLog });
      const stream = await streams();
      disk.fill();
      await stream.acknowledged(2n, stream.id);
      expect(await stream.position()).toBe(2n);
      expect((await (await streams()).pending(0n, 9)).map(({ sequence }) => sequence)).toEqual([1n, 2n, 3n]);
      disk.free();
      await stream.acknowledged(3n, stream.id);

      expect(JSON.parse(readFileSync(at('outbox/acknowledged.json'), 'utf8'))).toMatchObject({ results: 3 });
    });
  });

  describe('when there is no room for the copy of the policy', () => {
    const content = new Uint8Array(
      Buffer.from(JSON.stringify({ signatures: [], signed: { _type: 'root', version: 1 } })),
    );

    it('keeps the old one, says so, and tries again by itself after some minutes', async () => {
      const wake = at('wake');
      const mirror = await openPolicyMirror({ dir: at('policy'), wake, log: silentLog });
      const link = await startLink(collector, { dir: at('outbox'), mirror });
      const peer = await collector.accept();
      disk.fill();
      peer.welcome();
      await answerPolicy(peer, content);
      expect((await link.event('problem')).error).toMatchObject(full);
      expect(readdirSync(at('policy'))).not.toContain('incoming');
      expect(link.events.map(({ type }) => type)).not.toContain('disconnected');

      disk.free();
      await link.clock.sleeping(2);
      for (let passed = 0; passed < AGAIN_MS; passed += 20_000) {
        // A collector that lives: without a word that has come the connection would be given up.
        await inTouch(link, peer);
        await link.clock.advance(20_000);
      }
      const asked = await nextPolicyRequest(peer);
      expect(asked).toBe('timestamp.json');
      await link.stop();
    });
  });
});

/** Answers what a mirror asks for until it is content or fails: a timestamp that names a snapshot, and a root. */
async function answerPolicy(peer: Peer, root: Uint8Array): Promise<void> {
  const timestamp = Buffer.from(
    JSON.stringify({
      signatures: [],
      signed: {
        _type: 'timestamp',
        version: 5,
        meta: { 'snapshot.json': { version: 5, length: 10, hashes: { sha256: 'ab'.repeat(32) } } },
      },
    }),
  );
  const files = new Map<string, Uint8Array>([
    ['timestamp.json', new Uint8Array(timestamp)],
    ['1.root.json', root],
  ]);

  for (const _ of files) {
    const name = await nextPolicyRequest(peer);
    const content = files.get(name);
    peer.send({ type: 'policyFile', name, found: content !== undefined, content: content ?? new Uint8Array(0) });
  }
}

async function nextPolicyRequest(peer: Peer): Promise<string> {
  for (;;) {
    const frame = (await peer.next()) as Durable | { readonly type: string; readonly name: string };
    if (frame.type === 'policyRequest' && 'name' in frame) return frame.name;
  }
}

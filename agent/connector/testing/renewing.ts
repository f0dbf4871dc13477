// A host and a collector in a renewal: certificates of every age, and connections that end and begin again.
import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type FakeCollector, type Peer, startCollector } from './collector.ts';
import { identityFolder } from './identity-folder.ts';
import { type StartedLink, startLink } from './started-link.ts';

/** NOW is 2026-03-01T12:00:00Z: of these thirty days 19, 21, 30 and a second are over. */
export const FRESH = { from: '2026-02-10T12:00:00Z', until: '2026-03-12T12:00:00Z' };
export const DUE = { from: '2026-02-08T12:00:00Z', until: '2026-03-10T12:00:00Z' };
export const OVER = { from: '2026-01-30T11:59:59Z', until: '2026-03-01T11:59:59Z' };
export const HOUR_MS = 3_600_000;

export const file = (link: StartedLink, name: string) => readFile(join(link.identity, name), 'utf8');
export const isOf = (peer: Peer, pem: string) => peer.certificate.raw.equals(new X509Certificate(pem).raw);

export async function started(dates: Parameters<typeof identityFolder>[1], collector?: FakeCollector) {
  const to = collector ?? (await startCollector());
  const identity = await identityFolder(to.authority, dates);
  const old = await readFile(join(identity, 'host.crt'), 'utf8');

  return { collector: to, link: await startLink(to, { identity }), old };
}

export async function greeted(collector: FakeCollector, over: Parameters<Peer['welcome']>[1] = {}): Promise<Peer> {
  const peer = await collector.accept();
  await peer.hello;
  peer.welcome([], over);

  return peer;
}

/** Waits as long as the link wants to, and takes its next connection. */
export async function comesBack(collector: FakeCollector, link: StartedLink): Promise<{ peer: Peer; ms: number }> {
  const { ms } = await link.event('waiting');
  await link.clock.sleeping();
  await link.clock.advance(ms);

  return { peer: await greeted(collector), ms };
}

// The link on a clock that the test moves, with a real outbox, against the collector of ./collector.ts.
import { join } from 'node:path';
import { silentLog } from '@selvage/shared/log/log.ts';
import type { Sha256 } from '@selvage/shared/model/ids.ts';
import type { Connect } from '@selvage/shared/pki/https.ts';
import { type FakeClock, fakeClock } from '@selvage/shared/testing/fake-clock.ts';
import { seededRandom } from '@selvage/shared/testing/seeded-random.ts';
import { temporaryFolder } from '@selvage/shared/testing/temporary-folder.ts';
import { afterAll } from 'vitest';
import { openIdentitySource } from '../identity-source.ts';
import { type LinkEvent, type Mirror, runLink } from '../link.ts';
import { type Outbox, openOutbox } from '../outbox.ts';
import type { Machine } from '../resume.ts';
import { type FakeCollector, NOW, type Peer } from './collector.ts';
import { identityFolder } from './identity-folder.ts';

const root = temporaryFolder('link');
const stops: (() => Promise<void>)[] = [];
let folders = 0;
let messages = 0;
afterAll(async () => {
  for (const stop of stops) await stop();
});

export const message = (name: string) => ({
  type: 'section' as const,
  name,
  sha256: 'ab'.repeat(32) as Sha256,
  zstdJson: new Uint8Array([1]),
});
const noMirror: Mirror = {
  sync: async (request) => {
    await request('timestamp.json');

    return null;
  },
};

export interface StartedLink {
  readonly outbox: Outbox;
  readonly clock: FakeClock;
  /** Folder of the identity. */
  readonly identity: string;
  readonly events: LinkEvent[];
  readonly wanted: string[][];
  /** Resolves with the next event of the type. */
  event<T extends LinkEvent['type']>(type: T): Promise<LinkEvent & { readonly type: T }>;
  stop(): Promise<void>;
}

export async function startLink(
  collector: FakeCollector,
  over: {
    mirror?: Mirror;
    /** Folder of the identity; default: one that was enrolled a day ago. */
    identity?: string;
    connect?: Connect;
    url?: string;
    dir?: string;
    seed?: string;
    machine?: Machine;
    /** What the host's clock says. */
    now?: string;
  } = {},
): Promise<StartedLink> {
  const random = seededRandom(over.seed ?? 'link');
  const outbox = await openOutbox(over.dir ?? join(root, String(folders++)), { random, log: silentLog });
  const identity = over.identity ?? (await identityFolder(collector.authority));
  const clock = fakeClock(over.now ?? NOW);
  const controller = new AbortController();
  const events: LinkEvent[] = [];
  const wanted: string[][] = [];
  let taken = 0;
  let arrived: () => void = () => undefined;
  const done = runLink({
    identity: openIdentitySource(identity),
    ...(over.connect ? { connect: over.connect } : {}),
    ...(over.machine ? { machine: over.machine } : {}),
    url: over.url ?? collector.url,
    streams: [outbox],
    mirror: over.mirror ?? noMirror,
    agentVersion: '0.1.0',
    machineId: 'machine-1',
    mode: 'observe',
    clock,
    random,
    log: silentLog,
    onEvent: (event) => {
      events.push(event);
      arrived();
    },
    onSectionsWanted: async (names) => void wanted.push([...names]),
    signal: controller.signal,
  });
  const stop = async () => {
    controller.abort();
    await done;
  };
  stops.push(stop);

  return {
    outbox,
    clock,
    identity,
    events,
    wanted,
    stop,
    event: async (type) => {
      for (;;) {
        const event = events[taken];
        if (event) taken += 1;
        if (event?.type === type) return event as never;
        if (!event) {
          await new Promise<void>((resolve) => {
            arrived = resolve;
          });
        }
      }
    },
  };
}

/** Passes when everything that the link was sent until now has been dealt with. */
export async function inTouch(link: StartedLink, peer: Peer): Promise<void> {
  peer.send({ type: 'problem', code: 'PARSE', message: 'in touch', next: '', fatal: false, retryAfterMs: 0 });
  for (;;) {
    const { error } = await link.event('problem');
    if (error.message.endsWith('in touch')) return;
  }
}

/** Sleepers of a connection whose policy request is not answered: heartbeat, that request, and the look at its certificate. */
const AT_REST = 3;

/** Everything works on a connection that was just welcomed, and nobody was asked for a certificate. */
export async function worksWithoutRenewal(link: StartedLink, peer: Peer): Promise<void> {
  // A request is sent before its answer is waited for: who waits for the next look has asked for nothing.
  await link.clock.sleeping(AT_REST);
  // Of its own name: what was never acknowledged comes again with each connection.
  const name = `works ${messages++}`;
  await link.outbox.add(message(name));

  for (;;) {
    const frame = await peer.next();
    if (frame.type === 'renewalRequest') throw new Error('it asked for a certificate');
    if (frame.type === 'durable' && frame.message.type === 'section' && frame.message.name === name) return;
  }
}

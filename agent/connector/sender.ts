// Sends what waits in the durable streams, in order, never more than the collector's window without an acknowledgement.
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import type { AgentFrame, Welcome } from '@selvage/shared/wire/wire.ts';
import { type DurableStream, Signal } from './stream.ts';

/** Largest window taken from a collector: so much is in memory at most, for one who does not read. */
const MAX_IN_FLIGHT = 32;

/** How far one stream is. `id` is its name when it began; a stream that starts anew gets a new track. */
interface Track {
  readonly stream: DurableStream;
  id: string;
  sent: bigint;
  acknowledged: bigint;
}

export class Sender {
  readonly #tracks: Track[];
  readonly #send: (frame: AgentFrame) => void;
  readonly #progress = new Signal();
  #window = 1;

  constructor(streams: readonly DurableStream[], send: (frame: AgentFrame) => void) {
    this.#tracks = streams.map((stream) => ({ stream, id: stream.id, sent: 0n, acknowledged: 0n }));
    this.#send = send;
  }

  /** Takes over where the collector says the streams stand. */
  async begin(welcome: Welcome): Promise<void> {
    this.#window = Math.min(MAX_IN_FLIGHT, Math.max(1, welcome.inFlight));

    for (const track of this.#tracks) {
      const known = welcome.streams.find(({ stream }) => stream === track.id);
      if (known) await track.stream.acknowledged(known.sequence, track.id);
      await restartTrack(track);
    }
  }

  /**
   * The collector has committed up to `upTo`. False for a stream that no longer exists. Throws FRAME_UNEXPECTED for what
   * was never sent.
   */
  async acknowledged(stream: string, upTo: bigint): Promise<boolean> {
    const track = this.#tracks.find(({ id }) => id === stream);
    if (!track) return false;
    if (upTo > track.sent) {
      throw new CodedError('FRAME_UNEXPECTED', `${upTo} of ${stream} acknowledged, but only ${track.sent} sent`);
    }
    if (upTo > track.acknowledged) {
      await track.stream.acknowledged(upTo, stream);
      track.acknowledged = upTo;
      this.#progress.notify();
    }

    return true;
  }

  /** Sends until the signal aborts. Throws FILE_CORRUPT for a hole in a stream. */
  async run(signal: AbortSignal): Promise<void> {
    const woken = this.#progress.changes(signal);
    const watch = async ({ stream }: Track) => {
      for await (const _ of stream.changed(signal)) this.#progress.notify();
    };
    const send = async () => {
      await this.#sendWaiting(signal);
      for await (const _ of woken) await this.#sendWaiting(signal);
    };

    await Promise.all([send(), ...this.#tracks.map(watch)]);
  }

  async #sendWaiting(signal: AbortSignal): Promise<void> {
    for (const track of this.#tracks) {
      while (!signal.aborted) {
        const room = this.#window - this.#inFlight();
        if (room <= 0) return;

        const { id } = track;
        const messages = await track.stream.pending(track.sent, room);
        if (track.stream.id !== id) {
          await restartTrack(track);
          continue;
        }
        if (messages.length === 0) {
          await refuseHole(track);
          break;
        }

        for (const { sequence, body } of messages) {
          // Counted before it is sent: an answer may come before this loop goes on.
          track.sent = sequence;
          this.#send({ type: 'durable', stream: id, sequence, message: body });
        }
      }
    }
  }

  #inFlight(): number {
    return this.#tracks.reduce((sum, track) => sum + Number(track.sent - track.acknowledged), 0);
  }
}

async function restartTrack(track: Track): Promise<void> {
  const position = await track.stream.position();
  track.id = track.stream.id;
  track.sent = position;
  track.acknowledged = position;
}

async function refuseHole({ stream, sent, id }: Track): Promise<void> {
  const position = await stream.position();
  if (position > sent && stream.id === id) {
    throw new CodedError('FILE_CORRUPT', `messages ${sent + 1n} to ${position} of ${id} are gone from the disk`);
  }
}

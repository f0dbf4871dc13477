// The door to the wire: plain frames to bytes and back. The size is checked before anything is parsed and every field
// while it is read; what comes out can be relied on, what does not fit is refused whole.
import protobuf from 'protobufjs/minimal.js';
import { CodedError } from '../errors/coded-error.ts';
import { type AgentFrame, type CollectorFrame, MAX_FRAME_BYTES } from './frames.ts';
import type { Message } from './message.ts';
import { agentFrame, collectorFrame } from './schema.ts';

export * from './frames.ts';

/** Throws FRAME_TOO_LARGE and FRAME_INVALID: this side, too, never sends what the other would refuse. */
export function encodeAgentFrame(frame: AgentFrame): Uint8Array {
  return encode(agentFrame, frame);
}

/** Throws FRAME_TOO_LARGE, FRAME_INVALID and, for a body that this side does not know, FRAME_UNEXPECTED. */
export function decodeAgentFrame(bytes: Uint8Array): AgentFrame {
  return decode<AgentFrame>(agentFrame, bytes);
}

/** Throws FRAME_TOO_LARGE and FRAME_INVALID. */
export function encodeCollectorFrame(frame: CollectorFrame): Uint8Array {
  return encode(collectorFrame, frame);
}

/** Throws FRAME_TOO_LARGE, FRAME_INVALID and, for a body that this side does not know, FRAME_UNEXPECTED. */
export function decodeCollectorFrame(bytes: Uint8Array): CollectorFrame {
  return decode<CollectorFrame>(collectorFrame, bytes);
}

function encode<T>(message: Message<{ readonly body: T }>, body: T): Uint8Array {
  const writer = protobuf.Writer.create();
  message.write(writer, { body });
  if (writer.len > MAX_FRAME_BYTES) throw tooLarge(writer.len);

  return writer.finish();
}

function decode<T>(message: Message<{ readonly body: T }>, bytes: Uint8Array): T {
  if (bytes.length > MAX_FRAME_BYTES) throw tooLarge(bytes.length);

  try {
    // A plain view, so that fields come out as Uint8Array also when the socket handed over a Buffer.
    const reader = protobuf.Reader.create(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length));

    return message.read(reader, bytes.length).body;
  } catch (error) {
    if (error instanceof CodedError) throw error;
    throw new CodedError('FRAME_INVALID', 'the bytes are not a frame', { cause: error });
  }
}

function tooLarge(length: number): CodedError {
  return new CodedError('FRAME_TOO_LARGE', `a frame of ${length} bytes, at most ${MAX_FRAME_BYTES} may be`);
}

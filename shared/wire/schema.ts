// The frames of proto/wire.proto as field tables, with the bounds of every field. A test compares the tables with the
// .proto file; a table instead of the file keeps the reflection part of protobufjs (6 MB, 20 ms) out of the connector.
import { CodedError } from '../errors/coded-error.ts';
import type { Mode, Sha256, Timestamp } from '../model/ids.ts';
import { MODES } from '../model/ids.ts';
import { MAX_UNDERSTOOD } from '../policy/understanding.ts';
import {
  MAX_AUTHORITIES,
  MAX_FRAME_BYTES,
  MAX_LIST_ENTRIES,
  MAX_POLICY_FILE_BYTES,
  MAX_STREAMS,
  MAX_STRING_BYTES,
  type SectionState,
} from './frames.ts';
import {
  bool,
  bytes,
  converted,
  invalid,
  type Message,
  many,
  message,
  one,
  oneOf,
  text,
  uint32,
  uint64,
  varints,
} from './message.ts';

const NAME_BYTES = 512;
const WORD_BYTES = 128;
const HASH_BYTES = 32;
const MAX_SIGNATURE_BYTES = 256;
const MAX_VERSIONS = 16;
/** Roles of a policy repository; see shared/policy/limits.ts. */
const MAX_ROLES = 128;
const MAX_UINT32 = 2 ** 32 - 1;
const MAX_UINT64 = 2n ** 64n - 1n;
/** Sequences are kept in signed 64-bit columns. */
const MAX_SEQUENCE = 2n ** 63n - 1n;
const HEX_HASH = /^[0-9a-f]{64}$/;
const STREAM = /^(inventory|results):[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const INSTANT = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,9})?Z$/;

const anyText = text({ max: MAX_STRING_BYTES });
const name = text({ min: 1, max: NAME_BYTES });
const word = text({ min: 1, max: WORD_BYTES });
const maybeWord = text({ max: WORD_BYTES });
const stream = text({ max: WORD_BYTES, accept: (value) => STREAM.test(value) });
const mode = text<Mode>({ max: WORD_BYTES, accept: (value) => MODES.some((known) => known === value) });
const instant = text<Timestamp>({ max: WORD_BYTES, accept: isInstant });
const maybeInstant = text<Timestamp | ''>({ max: WORD_BYTES, accept: (value) => value === '' || isInstant(value) });
const pem = text({ min: 1, max: MAX_STRING_BYTES });
const sequence = uint64(1n, MAX_SEQUENCE);
const position = uint64(0n, MAX_SEQUENCE);

const maybeHash = hashOr<Sha256 | null>(null);
const hash = hashOr<Sha256>('' as Sha256);

const streamPosition = message({ stream: one(1, stream), sequence: one(2, position) });

const hello = message({
  versions: varints(1, uint32(1, MAX_UINT32), MAX_VERSIONS),
  agentVersion: one(2, word),
  machineId: one(3, word),
  mode: one(4, mode),
  streams: many(5, streamPosition, MAX_STREAMS),
  authorities: many(6, hash, MAX_AUTHORITIES),
  now: one(7, maybeInstant),
  understands: many(8, word, MAX_UNDERSTOOD),
});

const section = message({ name: one(1, word), sha256: one(2, hash), zstdJson: one(3, bytes(1, MAX_FRAME_BYTES)) });

const sectionState = checked<SectionState>(
  message({ name: one(1, word), sha256: one(2, maybeHash), code: one(3, anyText), reason: one(4, anyText) }),
  (state) => {
    if ((state.sha256 === null) === (state.code === '')) {
      throw invalid(`section ${state.name} needs either a hash or the code of why there is none`);
    }
  },
);

const report = message({ takenAt: one(1, instant), sections: many(2, sectionState, MAX_LIST_ENTRIES) });
const result = message({
  payload: one(1, bytes(1, MAX_FRAME_BYTES)),
  signature: one(2, bytes(1, MAX_SIGNATURE_BYTES)),
});

const unchanged = message({ takenAt: one(1, instant), sha256: one(2, hash) });

const durable = message({
  stream: one(1, stream),
  sequence: one(2, sequence),
  message: oneOf({ section: [3, section], report: [4, report], result: [5, result], unchanged: [6, unchanged] }),
});

const welcome = message({
  version: one(1, uint32(1, MAX_UINT32)),
  collectorVersion: one(2, word),
  now: one(3, instant),
  streams: many(4, streamPosition, MAX_STREAMS),
  heartbeatSeconds: one(5, uint32(1, MAX_UINT32)),
  inFlight: one(6, uint32(1, MAX_UINT32)),
});

const endorsedAuthority = message({
  certificate: one(1, pem),
  endorsedBy: one(2, maybeHash),
  endorsement: one(3, bytes(0, MAX_SIGNATURE_BYTES)),
});

const ping = message({ nonce: one(1, uint64(0n, MAX_UINT64)) });

const problem = message({
  code: one(1, word),
  message: one(2, anyText),
  next: one(3, anyText),
  fatal: one(4, bool),
  retryAfterMs: one(5, uint32(0, MAX_UINT32)),
});

const roleVersion = message({ role: one(1, word), version: one(2, sequence) });

export const agentFrame = message({
  body: oneOf({
    hello: [1, hello],
    durable: [2, durable],
    policyRequest: [3, message({ name: one(1, name), sha256: one(2, maybeHash) })],
    ping: [4, ping],
    renewalRequest: [5, message({ csr: one(1, pem) })],
    policyHeld: [6, message({ roles: many(1, roleVersion, MAX_ROLES), problem: one(2, maybeWord) })],
  }),
});

export const collectorFrame = message({
  body: oneOf({
    welcome: [1, welcome],
    acknowledgement: [2, message({ stream: one(1, stream), sequence: one(2, position) })],
    sectionsWanted: [3, message({ names: many(1, word, MAX_LIST_ENTRIES) })],
    policyAvailable: [4, message({ timestampVersion: one(1, position) })],
    policyFile: [
      5,
      message({ name: one(1, name), found: one(2, bool), content: one(3, bytes(0, MAX_POLICY_FILE_BYTES)) }),
    ],
    pong: [6, ping],
    problem: [7, problem],
    renewal: [8, message({ certificate: one(1, pem) })],
    authorities: [9, message({ authorities: many(1, endorsedAuthority, MAX_AUTHORITIES) })],
  }),
});

/** 32 bytes on the wire, hex in hand; `absent` stands for no bytes and is allowed when it is null. */
function hashOr<T extends Sha256 | null>(absent: T) {
  return converted<T>({
    length: HASH_BYTES,
    absent,
    to: (value) => Buffer.from(value.buffer, value.byteOffset, value.length).toString('hex') as T,
    from: (value) => Buffer.from(value ?? '', 'hex'),
    assert: (value, field) => {
      if (value !== null && !HEX_HASH.test(value)) throw invalid(`${field} is not a SHA-256`);
    },
  });
}

/** A message with a rule over more than one field. */
function checked<T>(inner: Message<T>, assert: (value: T) => void): Message<T> {
  return {
    write: (writer, value) => {
      assert(value);
      inner.write(writer, value);
    },
    read: (reader, end) => {
      const value = inner.read(reader, end);
      assert(value);

      return value;
    },
  };
}

function isInstant(value: string): boolean {
  if (!INSTANT.test(value)) return false;

  try {
    Temporal.Instant.from(value);

    return true;
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw new CodedError('INTERNAL', 'an instant could not be read', { cause: error });
  }
}

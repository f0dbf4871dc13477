import { readFileSync } from 'node:fs';
import protobuf from 'protobufjs';
import { describe, expect, it } from 'vitest';
import { CodedError } from '../errors/coded-error.ts';
import { MODES, type Sha256, type Timestamp } from '../model/ids.ts';
import { fc } from '../testing/properties.ts';
import {
  type AgentFrame,
  type CollectorFrame,
  decodeAgentFrame,
  decodeCollectorFrame,
  encodeAgentFrame,
  encodeCollectorFrame,
  MAX_FRAME_BYTES,
} from './wire.ts';

// The full protobufjs reads the .proto file itself: an independent witness of what the field tables say.
const proto = protobuf.parse(readFileSync(new URL('../../proto/wire.proto', import.meta.url), 'utf8'), {
  keepCase: false,
}).root;
const witness = {
  agent: proto.lookupType('selvage.wire.v1.AgentFrame'),
  collector: proto.lookupType('selvage.wire.v1.CollectorFrame'),
};

const UUID = '11111111-2222-3333-4444-555555555555';
const HASH = 'ab'.repeat(32) as Sha256;

const word = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 });
const anyText = fc.string({ unit: 'grapheme', maxLength: 300 });
const hash = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((b) => Buffer.from(b).toString('hex') as Sha256);
const stream = fc.tuple(fc.constantFrom('inventory', 'results'), fc.uuid()).map(([kind, id]) => `${kind}:${id}`);
const position = fc.bigInt({ min: 0n, max: 2n ** 63n - 1n });
const sequence = fc.bigInt({ min: 1n, max: 2n ** 63n - 1n });
const uint32 = fc.integer({ min: 1, max: 2 ** 32 - 1 });
const instant = fc
  .date({ noInvalidDate: true, min: new Date(0), max: new Date('2100-01-01T00:00:00Z') })
  .map((date) => date.toISOString() as Timestamp);
const positions = fc.array(fc.record({ stream, sequence: position }), { maxLength: 16 });
const content = fc.uint8Array({ minLength: 1, maxLength: 3000 });
const state = fc.oneof(
  fc.record({ name: word, sha256: hash, code: fc.constant(''), reason: anyText }),
  fc.record({ name: word, sha256: fc.constant(null), code: word, reason: anyText }),
);

const agentFrames: fc.Arbitrary<AgentFrame> = fc.oneof(
  fc.record({
    type: fc.constant('hello' as const),
    versions: fc.array(uint32, { maxLength: 16 }),
    agentVersion: word,
    machineId: word,
    mode: fc.constantFrom(...MODES),
    streams: positions,
    authorities: fc.array(hash, { maxLength: 4 }),
    now: fc.oneof(instant, fc.constant('' as const)),
    understands: fc.array(word, { maxLength: 256 }),
  }),
  fc.record({
    type: fc.constant('durable' as const),
    stream,
    sequence,
    message: fc.oneof(
      fc.record({ type: fc.constant('section' as const), name: word, sha256: hash, zstdJson: content }),
      fc.record({ type: fc.constant('report' as const), takenAt: instant, sections: fc.array(state) }),
      fc.record({ type: fc.constant('unchanged' as const), takenAt: instant, sha256: hash }),
      fc.record({
        type: fc.constant('result' as const),
        payload: content,
        signature: fc.uint8Array({ minLength: 1, maxLength: 256 }),
      }),
    ),
  }),
  fc.record({ type: fc.constant('policyRequest' as const), name: word, sha256: fc.option(hash) }),
  fc.record({ type: fc.constant('ping' as const), nonce: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }) }),
  fc.record({ type: fc.constant('renewalRequest' as const), csr: word }),
  fc.record({
    type: fc.constant('policyHeld' as const),
    roles: fc.array(fc.record({ role: word, version: sequence }), { maxLength: 128 }),
    problem: fc.oneof(word, fc.constant('')),
  }),
);

const collectorFrames: fc.Arbitrary<CollectorFrame> = fc.oneof(
  fc.record({
    type: fc.constant('welcome' as const),
    version: uint32,
    collectorVersion: word,
    now: instant,
    streams: positions,
    heartbeatSeconds: uint32,
    inFlight: uint32,
  }),
  fc.record({ type: fc.constant('acknowledgement' as const), stream, sequence: position }),
  fc.record({ type: fc.constant('sectionsWanted' as const), names: fc.array(word) }),
  fc.record({ type: fc.constant('policyAvailable' as const), timestampVersion: position }),
  fc.record({ type: fc.constant('policyFile' as const), name: word, found: fc.boolean(), content: fc.uint8Array() }),
  fc.record({ type: fc.constant('pong' as const), nonce: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }) }),
  fc.record({
    type: fc.constant('problem' as const),
    code: word,
    message: anyText,
    next: anyText,
    fatal: fc.boolean(),
    retryAfterMs: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
  }),
  fc.record({ type: fc.constant('renewal' as const), certificate: word }),
  fc.record({
    type: fc.constant('authorities' as const),
    authorities: fc.array(
      fc.record({
        certificate: word,
        endorsedBy: fc.option(hash),
        endorsement: fc.uint8Array({ maxLength: 256 }),
      }),
      { maxLength: 4 },
    ),
  }),
);

/** What the witness reads, with plain values: numbers of 64 bits and bytes as text. */
function witnessed(type: protobuf.Type, bytes: Uint8Array): unknown {
  return type.toObject(type.decode(bytes), { longs: String, bytes: String, arrays: true });
}

const HASHES = new Set(['sha256', 'endorsedBy', 'authorities']);

/** The same frame in the words of wire.proto; defaults are absent there, and hashes are bytes. */
function named(value: unknown, key = ''): unknown {
  if (typeof value === 'bigint') return `${value}`;
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  if (Array.isArray(value)) return value.map((item) => named(item, key));
  if (HASHES.has(key) && typeof value === 'string') return Buffer.from(value, 'hex').toString('base64');
  if (typeof value !== 'object' || value === null) return value;

  const { type, message, ...rest } = value as Record<string, unknown>;
  const nested = typeof message === 'object' ? (named(message) as object) : { message };
  const entries = Object.entries(rest).map(([field, item]) => [field, named(item, field)]);
  const fields = Object.entries({ ...Object.fromEntries(entries), ...nested });
  const plain = Object.fromEntries(
    fields.filter(([, item]) => ![undefined, null, '', 0, '0', false].includes(item as never)),
  );

  return typeof type === 'string' ? { [type]: plain } : plain;
}

/** The code that the call throws; fails when it does not throw or throws anything else. */
function codeOf(call: () => unknown): string {
  try {
    call();
  } catch (error) {
    if (error instanceof CodedError) return error.code;
    throw error;
  }

  return 'nothing thrown';
}

const asWitness = (value: Record<string, unknown>) => witness.agent.encode(witness.agent.fromObject(value)).finish();
const tag = (field: number, wireType: number) => (field << 3) | wireType;

describe('when a frame is encoded and decoded', () => {
  it('is the same frame, for every frame of the agent', () => {
    fc.assert(
      fc.property(agentFrames, (frame) => {
        expect(decodeAgentFrame(encodeAgentFrame(frame))).toEqual(frame);
      }),
    );
  });

  it('is the same frame, for every frame of the collector', () => {
    fc.assert(
      fc.property(collectorFrames, (frame) => {
        expect(decodeCollectorFrame(encodeCollectorFrame(frame))).toEqual(frame);
      }),
    );
  });

  it('is what wire.proto says: protobufjs with the .proto file reads the same fields under the same names', () => {
    fc.assert(
      fc.property(agentFrames, (frame) => {
        expect(witnessed(witness.agent, encodeAgentFrame(frame))).toEqual(named(frame));
      }),
    );
    fc.assert(
      fc.property(collectorFrames, (frame) => {
        expect(witnessed(witness.collector, encodeCollectorFrame(frame))).toEqual(named(frame));
      }),
    );
  });

  it('is read as protobufjs with the .proto file writes it', () => {
    fc.assert(
      fc.property(agentFrames, (frame) => {
        const bytes = witness.agent.encode(witness.agent.decode(encodeAgentFrame(frame))).finish();

        expect(decodeAgentFrame(bytes)).toEqual(frame);
      }),
    );
    fc.assert(
      fc.property(collectorFrames, (frame) => {
        const bytes = witness.collector.encode(witness.collector.decode(encodeCollectorFrame(frame))).finish();

        expect(decodeCollectorFrame(bytes)).toEqual(frame);
      }),
    );
  });

  it('every field of wire.proto comes out under its own name', () => {
    const frame = decodeAgentFrame(
      asWitness({
        durable: {
          stream: `results:${UUID}`,
          sequence: 9,
          result: { payload: Buffer.from('p').toString('base64'), signature: Buffer.from('s').toString('base64') },
        },
      }),
    );

    expect(frame).toEqual({
      type: 'durable',
      stream: `results:${UUID}`,
      sequence: 9n,
      message: {
        type: 'result',
        payload: new Uint8Array(Buffer.from('p')),
        signature: new Uint8Array(Buffer.from('s')),
      },
    });
  });
});

describe('when bytes are not what they should be', () => {
  it('any bytes at all give a frame or a frame code, nothing else', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 500 }), (bytes) => {
        for (const decode of [decodeAgentFrame, decodeCollectorFrame]) {
          expect(['FRAME_INVALID', 'FRAME_UNEXPECTED', 'nothing thrown']).toContain(codeOf(() => decode(bytes)));
        }
      }),
      { numRuns: 2000 },
    );
  });

  it('a true frame with one byte changed gives a frame or a frame code', () => {
    fc.assert(
      fc.property(agentFrames, fc.nat(), fc.nat(255), (frame, at, byte) => {
        const bytes = encodeAgentFrame(frame);
        bytes[at % bytes.length] = byte;

        expect(['FRAME_INVALID', 'FRAME_UNEXPECTED', 'nothing thrown']).toContain(
          codeOf(() => decodeAgentFrame(bytes)),
        );
      }),
      { numRuns: 1000 },
    );
  });

  it('a truncated frame is FRAME_INVALID at every length', () => {
    const bytes = encodeAgentFrame({
      type: 'durable',
      stream: `inventory:${UUID}`,
      sequence: 300n,
      message: { type: 'section', name: 'packages', sha256: HASH, zstdJson: new Uint8Array(50) },
    });

    expect(codeOf(() => decodeAgentFrame(bytes.subarray(0, 0)))).toBe('FRAME_UNEXPECTED');
    for (let length = 1; length < bytes.length; length++) {
      expect(codeOf(() => decodeAgentFrame(bytes.subarray(0, length)))).toBe('FRAME_INVALID');
    }
  });

  it('a frame over 1 MiB is FRAME_TOO_LARGE before it is parsed', () => {
    // Not protobuf: had it been parsed, it would be FRAME_INVALID.
    expect(codeOf(() => decodeAgentFrame(new Uint8Array(MAX_FRAME_BYTES + 1).fill(255)))).toBe('FRAME_TOO_LARGE');
    expect(codeOf(() => decodeCollectorFrame(new Uint8Array(MAX_FRAME_BYTES + 1)))).toBe('FRAME_TOO_LARGE');
  });

  it('a frame over 1 MiB is not sent either', () => {
    const payload = new Uint8Array(MAX_FRAME_BYTES);
    const message = { type: 'result' as const, payload, signature: new Uint8Array(8) };

    expect(codeOf(() => encodeAgentFrame({ type: 'durable', stream: `results:${UUID}`, sequence: 1n, message }))).toBe(
      'FRAME_TOO_LARGE',
    );
  });

  it('a body that this side does not know is FRAME_UNEXPECTED', () => {
    expect(codeOf(() => decodeAgentFrame(new Uint8Array([tag(15, 2), 0])))).toBe('FRAME_UNEXPECTED');
  });

  it('an unknown field is skipped', () => {
    const ping = encodeAgentFrame({ type: 'ping', nonce: 7n });

    expect(decodeAgentFrame(new Uint8Array([...ping, tag(15, 2), 2, 1, 1]))).toEqual({ type: 'ping', nonce: 7n });
  });

  it('two bodies, or a field twice, are FRAME_INVALID', () => {
    const ping = encodeAgentFrame({ type: 'ping', nonce: 7n });
    const other = encodeAgentFrame({ type: 'policyRequest', name: 'timestamp.json', sha256: null });

    expect(codeOf(() => decodeAgentFrame(new Uint8Array([...ping, ...other])))).toBe('FRAME_INVALID');
    expect(codeOf(() => decodeAgentFrame(new Uint8Array([tag(4, 2), 4, tag(1, 0), 1, tag(1, 0), 2])))).toBe(
      'FRAME_INVALID',
    );
  });

  it('groups nested without end are FRAME_INVALID, not a stack overflow', () => {
    expect(codeOf(() => decodeAgentFrame(new Uint8Array(100_000).fill(tag(15, 3))))).toBe('FRAME_INVALID');
  });

  it('a nested message may not reach past the one it lies in', () => {
    // ping of 2 bytes whose nonce varint continues behind it
    expect(codeOf(() => decodeAgentFrame(new Uint8Array([tag(4, 2), 2, tag(1, 0), 0x80, 0x01])))).toBe('FRAME_INVALID');
  });
});

describe('when a field is out of bounds', () => {
  const hello = { versions: [1], agentVersion: '1', machineId: 'm', mode: 'observe', streams: [] };
  const section = { name: 'os', sha256: Buffer.alloc(32).toString('base64'), zstdJson: 'AAAA' };
  const inStream = { stream: `inventory:${UUID}`, sequence: 1 };

  it('the values used below are fine as they are', () => {
    expect(codeOf(() => decodeAgentFrame(asWitness({ hello })))).toBe('nothing thrown');
    expect(codeOf(() => decodeAgentFrame(asWitness({ durable: { ...inStream, section } })))).toBe('nothing thrown');
  });

  it.each([
    ['a mode nobody knows', { hello: { ...hello, mode: 'root' } }],
    ['no machine id', { hello: { ...hello, machineId: '' } }],
    ['too many streams', { hello: { ...hello, streams: Array(17).fill(inStream) } }],
    ['too many versions', { hello: { ...hello, versions: Array(17).fill(1) } }],
    ['a version of 129 bytes', { hello: { ...hello, agentVersion: 'x'.repeat(129) } }],
    ['a stream with another name', { durable: { ...inStream, stream: '../../etc', section } }],
    ['sequence 0', { durable: { ...inStream, sequence: 0, section } }],
    ['a sequence beyond 63 bits', { durable: { ...inStream, sequence: '9223372036854775808', section } }],
    [
      'a hash of 31 bytes',
      { durable: { ...inStream, section: { ...section, sha256: Buffer.alloc(31).toString('base64') } } },
    ],
    ['no hash', { durable: { ...inStream, section: { ...section, sha256: '' } } }],
    ['an empty section', { durable: { ...inStream, section: { ...section, zstdJson: '' } } }],
    ['a time that is none', { durable: { ...inStream, report: { takenAt: '2026-02-30T00:00:00Z' } } }],
    ['a time in another zone', { durable: { ...inStream, report: { takenAt: '2026-02-03T00:00:00+01:00' } } }],
    [
      'a section with neither hash nor code',
      { durable: { ...inStream, report: { takenAt: '2026-01-01T00:00:00Z', sections: [{ name: 'os' }] } } },
    ],
    [
      '4,097 sections',
      {
        durable: {
          ...inStream,
          report: { takenAt: '2026-01-01T00:00:00Z', sections: Array(4097).fill({ name: 'os', code: 'PARSE' }) },
        },
      },
    ],
    [
      'a reason over 4 KiB',
      {
        durable: {
          ...inStream,
          report: {
            takenAt: '2026-01-01T00:00:00Z',
            sections: [{ name: 'os', code: 'PARSE', reason: 'x'.repeat(4097) }],
          },
        },
      },
    ],
    ['a file name of 513 bytes', { policyRequest: { name: 'x'.repeat(513) } }],
    ['a policy request without a name', { policyRequest: {} }],
  ])('%s is FRAME_INVALID', (_what, value) => {
    expect(codeOf(() => decodeAgentFrame(asWitness(value)))).toBe('FRAME_INVALID');
  });

  it('text that is not UTF-8 is FRAME_INVALID', () => {
    expect(codeOf(() => decodeAgentFrame(new Uint8Array([tag(3, 2), 4, tag(1, 2), 2, 0xc3, 0x28])))).toBe(
      'FRAME_INVALID',
    );
  });

  it('a policy file over 512 KiB is FRAME_INVALID', () => {
    const frame = { type: 'policyFile' as const, name: 'x', found: true, content: new Uint8Array(512 * 1024 + 1) };

    expect(codeOf(() => encodeCollectorFrame(frame))).toBe('FRAME_INVALID');
  });
});

// What must hold for any bytes at all: a frame or one of the frame codes, for a known reason; a frame that encodes and
// decodes to itself; and the same facts that protobufjs' own decoder reads from the same bytes with wire.proto in hand.
import { isDeepStrictEqual } from 'node:util';
import protobuf from 'protobufjs';
import { CodedError } from '../../errors/coded-error.ts';
import {
  type AgentFrame,
  type CollectorFrame,
  decodeAgentFrame,
  decodeCollectorFrame,
  encodeAgentFrame,
  encodeCollectorFrame,
} from '../wire.ts';
import { type Kind, TYPES } from './forge.ts';

export const CODES = ['FRAME_INVALID', 'FRAME_UNEXPECTED', 'FRAME_TOO_LARGE'] as const;
export type Verdict = { readonly frame: AgentFrame | CollectorFrame } | { readonly code: (typeof CODES)[number] };

/** Why protobufjs and the platform refuse bytes. Any other cause is an error of ours that was taken for a bad frame. */
const KNOWN_CAUSES = [
  /^RangeError: index out of range/,
  /^Error: (invalid varint encoding|invalid tag encoding|invalid length encoding|illegal tag|invalid end group tag)/,
  /^Error: (invalid wire type|max depth exceeded)/,
  /^TypeError: The encoded data was not valid for encoding utf-8/,
];

/** Throws an Error that says what does not hold. */
export function judge(kind: Kind, bytes: Uint8Array): Verdict {
  const frame = decoded(kind, bytes);
  if ('code' in frame) return frame;

  const again = encode(kind, frame.frame);
  const back = decoded(kind, again);
  if (!('frame' in back) || !isDeepStrictEqual(back.frame, frame.frame)) {
    throw new Error(`decoded, encoded and decoded is another frame: ${shown(frame)} became ${shown(back)}`);
  }
  const difference = differs(TYPES[kind], TYPES[kind].decode(bytes), frame.frame, kind);
  if (difference !== null) throw new Error(`protobufjs reads ${difference}: ours is ${shown(frame)}`);

  return frame;
}

function decoded(kind: Kind, bytes: Uint8Array): Verdict {
  try {
    return { frame: kind === 'AgentFrame' ? decodeAgentFrame(bytes) : decodeCollectorFrame(bytes) };
  } catch (error) {
    const code = error instanceof CodedError ? CODES.find((known) => known === error.code) : undefined;
    if (code === undefined) throw new Error('something else than a frame code was thrown', { cause: error });
    const { cause } = error as CodedError;
    if (cause !== undefined && !KNOWN_CAUSES.some((known) => known.test(String(cause)))) {
      throw new Error(`${code} hides an error of the decoder: ${String(cause)}`, { cause });
    }

    return { code };
  }
}

function encode(kind: Kind, frame: AgentFrame | CollectorFrame): Uint8Array {
  return kind === 'AgentFrame' ? encodeAgentFrame(frame as AgentFrame) : encodeCollectorFrame(frame as CollectorFrame);
}

/** The first field that the witness reads otherwise, null when all agree. */
function differs(type: protobuf.Type, theirs: unknown, ours: unknown, path: string): string | null {
  const [them, us] = [theirs as Readonly<Record<string, unknown>>, ours as Readonly<Record<string, unknown>>];

  for (const each of type.fieldsArray) {
    const where = `${path}.${each.name}`;
    const value = them[each.name];

    if (each.partOf) {
      // The union stands at the top of a frame, and under its own name inside a message.
      const union = (each.partOf.name === 'body' ? us : us[each.partOf.name]) as { readonly type?: string };
      const set = Object.hasOwn(them, each.name);
      if (set !== (union.type === each.name)) return `${where} ${set ? 'set' : 'not set'}`;
      const inner = set ? differs(each.resolvedType as protobuf.Type, value, union, where) : null;
      if (inner !== null) return inner;
    } else if (each.repeated) {
      const [list, mine] = [value as readonly unknown[], us[each.name] as readonly unknown[]];
      if (list.length !== mine.length) return `${where} with ${list.length} entries`;
      for (const [index, item] of list.entries()) {
        const inner = differsAt(each, item, mine[index], `${where}[${index}]`);
        if (inner !== null) return inner;
      }
    } else {
      const inner = differsAt(each, value, us[each.name], where);
      if (inner !== null) return inner;
    }
  }

  return null;
}

function differsAt(each: protobuf.Field, theirs: unknown, ours: unknown, path: string): string | null {
  if (each.resolvedType instanceof protobuf.Type) return differs(each.resolvedType, theirs, ours, path);

  return same(theirs, ours) ? null : `${path} as ${String(theirs)}, not ${String(ours)}`;
}

function same(theirs: unknown, ours: unknown): boolean {
  if (typeof ours === 'bigint') return String(theirs) === String(ours);
  if (typeof theirs !== 'object' || theirs === null) return theirs === ours;
  // An absent bytes field of protobufjs is an empty array.
  const bytes = theirs instanceof Uint8Array ? theirs : new Uint8Array(0);
  if (ours instanceof Uint8Array) return Buffer.compare(bytes, ours) === 0;

  // Hashes are hex in hand; no hash is null.
  return Buffer.from(bytes).toString('hex') === (ours ?? '');
}

function shown(value: unknown): string {
  return JSON.stringify(value, (_key, item: unknown) => (typeof item === 'bigint' ? `${item}n` : item)).slice(0, 600);
}

// What a durable message means, worked out before the write transaction begins: unpacking, decoding and verifying are
// slow and need no lock. A message that can never be accepted comes out as a refusal with its reason.
import { CodedError, hasCode } from '@selvage/shared/errors/coded-error.ts';
import { type Code, isCode } from '@selvage/shared/errors/codes.ts';
import type { Sha256, Timestamp } from '@selvage/shared/model/ids.ts';
import type { SectionName } from '@selvage/shared/model/inventory.ts';
import { type RunResult, runResult } from '@selvage/shared/model/result.ts';
import { verifyBytes } from '@selvage/shared/pki/keys.ts';
import type { Durable, SectionState } from '@selvage/shared/wire/wire.ts';
import type { HostRecord } from '../store/ports.ts';
import { issues } from './fault.ts';
import type { SectionParser } from './parser.ts';
import { checkSection, isSectionName, parseJson, type Unpacked } from './section.ts';

export type Prepared =
  | {
      readonly type: 'section';
      readonly name: SectionName;
      readonly sha256: Sha256;
      readonly zstdJson: Uint8Array;
    }
  | { readonly type: 'report'; readonly takenAt: Timestamp; readonly sections: readonly PreparedState[] }
  | { readonly type: 'unchanged'; readonly takenAt: Timestamp; readonly sha256: Sha256 }
  | {
      readonly type: 'result';
      readonly result: RunResult;
      readonly signed: { readonly payload: Uint8Array; readonly signature: Uint8Array };
    }
  | { readonly type: 'refused'; readonly error: CodedError };

export interface PreparedState {
  readonly name: SectionName;
  readonly sha256: Sha256 | null;
  readonly problem: { readonly code: Code; readonly reason: string } | null;
}

/** Bytes of a result without a good signature that are looked into, for what it claims to be. */
const MAX_UNSIGNED_BYTES = 16 * 1024;
/** Codes that no repetition of the same message will ever cure. */
const REFUSALS: readonly Code[] = ['FRAME_INVALID', 'FRAME_UNEXPECTED', 'FRAME_WRONG_HOST', 'RESULT_SIGNATURE'];

/**
 * A message of an inventory stream; it means the same whoever sends it. Other errors than refusals (a bug, no memory) are
 * thrown, here and below: the message is not acknowledged and comes again.
 */
export function prepareInventory(durable: Durable, parser: SectionParser, unpacked?: Unpacked): Promise<Prepared> {
  return orRefused(async () => {
    const { message } = durable;

    switch (message.type) {
      case 'section': {
        const name = await checkSection(message.name, message.sha256, message.zstdJson, parser, unpacked);

        return { type: 'section', name, sha256: message.sha256, zstdJson: message.zstdJson };
      }
      case 'report':
        return { type: 'report', takenAt: message.takenAt, sections: states(message.sections) };
      case 'unchanged':
        return message;
      case 'result':
        throw elsewhere(durable);
    }
  });
}

/** A message of a stream of results. */
export function prepareResult(host: HostRecord, durable: Durable): Promise<Prepared> {
  return orRefused(async () => {
    const { message, sequence } = durable;
    if (message.type !== 'result') throw elsewhere(durable);

    return decodeResult(host, sequence, message);
  });
}

async function orRefused(decode: () => Promise<Prepared>): Promise<Prepared> {
  try {
    return await decode();
  } catch (error) {
    if (hasCode(error) && REFUSALS.includes(error.code)) return { type: 'refused', error };
    throw error;
  }
}

function elsewhere({ stream, message }: Durable): CodedError {
  return new CodedError('FRAME_UNEXPECTED', `a ${message.type} in stream ${stream}`);
}

function states(sections: readonly SectionState[]): readonly PreparedState[] {
  const seen = new Set<string>();

  return sections.map(({ name, sha256, code, reason }) => {
    if (!isSectionName(name)) throw new CodedError('FRAME_INVALID', `no section is called ${JSON.stringify(name)}`);
    if (seen.has(name)) throw new CodedError('FRAME_INVALID', `the report names section ${name} twice`);
    seen.add(name);
    if (sha256 !== null) return { name, sha256, problem: null };

    // A code that a newer agent knows and this collector does not is kept as text.
    const problem = isCode(code) ? { code, reason } : { code: 'INTERNAL' as const, reason: `${code}: ${reason}` };

    return { name, sha256, problem };
  });
}

function decodeResult(
  host: HostRecord,
  sequence: bigint,
  signed: { readonly payload: Uint8Array; readonly signature: Uint8Array },
): Prepared {
  const unsigned = () =>
    new CodedError('RESULT_SIGNATURE', `result ${sequence} of ${host.name} is not signed by its runner`);
  const isSigned = verifyBytes(signed.payload, signed.signature, host.runnerKey);
  // JSON of a megabyte can cost 150 ms: so much is spent on the runner's word only.
  if (!isSigned && signed.payload.length > MAX_UNSIGNED_BYTES) throw unsigned();

  const json = parseJson('the result', signed.payload);
  // Looked at before the rest: whoever speaks for another host is told so, whatever else is wrong.
  const claimed = typeof json === 'object' && json !== null && 'hostId' in json ? json.hostId : null;
  if (typeof claimed === 'string' && claimed !== host.id) {
    throw new CodedError('FRAME_WRONG_HOST', `host ${host.name} sent a result of host ${claimed.slice(0, 100)}`, {
      details: { host: host.id, claimed: claimed.slice(0, 100) },
    });
  }
  if (!isSigned) throw unsigned();

  const parsed = runResult.safeParse(json);
  if (!parsed.success) throw new CodedError('FRAME_INVALID', `result ${sequence}: ${issues(parsed.error)}`);
  if (BigInt(parsed.data.number) !== sequence) {
    throw new CodedError('FRAME_INVALID', `result ${parsed.data.number} came as number ${sequence}`);
  }

  return { type: 'result', result: parsed.data, signed: { payload: signed.payload, signature: signed.signature } };
}

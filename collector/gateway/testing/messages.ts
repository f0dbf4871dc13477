// Durable messages as true agents send them, and false ones, for tests of intake and gateway.
import { zstdCompressSync } from 'node:zlib';
import { canonicalJson, sha256 } from '@selvage/shared/files/canonical.ts';
import type { Timestamp } from '@selvage/shared/model/ids.ts';
import { signBytes } from '@selvage/shared/pki/keys.ts';
import type { Durable, DurableBody, SectionState } from '@selvage/shared/wire/wire.ts';
import { resultSample } from '../../store/samples.ts';
import { NOW, type TestHost, uuid } from './world.ts';

export const INVENTORY = `inventory:${uuid(901)}`;
export const RESULTS = `results:${uuid(902)}`;

export const REBOOT = { required: false, reasons: [] };

export function section(name = 'reboot', data: unknown = REBOOT): DurableBody & { readonly type: 'section' } {
  const json = canonicalJson(data);

  return { type: 'section', name, sha256: sha256(json), zstdJson: new Uint8Array(zstdCompressSync(json)) };
}

export function report(sections: readonly SectionState[], takenAt: Timestamp = NOW): DurableBody {
  return { type: 'report', takenAt, sections };
}

/** The report of one section as it was sent. */
export function reportOf({ name, sha256: hash }: { name: string; sha256: SectionState['sha256'] }): DurableBody {
  return report([{ name, sha256: hash, code: '', reason: '' }]);
}

export function result(
  host: TestHost,
  number: number,
  over: { readonly claims?: string; readonly key?: string; readonly extra?: Record<string, unknown> } = {},
): DurableBody {
  const facts = { ...resultSample(number, { hostId: over.claims ?? host.id }), ...over.extra };
  const payload = new Uint8Array(Buffer.from(JSON.stringify(facts)));

  return { type: 'result', payload, signature: signBytes(payload, over.key ?? host.runner.privateKey) };
}

export function durable(stream: string, sequence: number, message: DurableBody): Durable {
  return { type: 'durable', stream, sequence: BigInt(sequence), message };
}

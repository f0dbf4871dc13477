// The hosts that a benchmark connects: certificates of a real hosts authority, all over one key (making keys is not what
// is measured), and the rows they have in a collector's store.

import type { Timestamp } from '@selvage/shared/model/ids.ts';
import { type Authority, issue } from '@selvage/shared/pki/authority.ts';
import { fingerprint, hostUri } from '@selvage/shared/pki/certificate.ts';
import { generateKey } from '@selvage/shared/pki/keys.ts';
import { UNDERSTOOD } from '@selvage/shared/policy/understanding.ts';
import { encodeAgentFrame } from '@selvage/shared/wire/wire.ts';
import type { HostRecord } from '../../../collector/store/ports.ts';
import { hostId, hostSample } from '../../../collector/store/samples.ts';

const SERIAL_BYTES = 16;
const DAYS_30 = { hours: 24 * 30 };

export interface Fleet {
  /** PEM, of every host. */
  readonly key: string;
  /** PEM, one per host. */
  readonly certificates: readonly string[];
  /** Each host's Hello, base64. */
  readonly hellos: readonly string[];
  readonly records: readonly HostRecord[];
}

export function makeFleet(authority: Authority, count: number): Fleet {
  const { privateKey, publicKey } = generateKey();
  const runner = generateKey();
  const now = Temporal.Now.instant();
  const validity = { notBefore: now.subtract({ hours: 1 }), notAfter: now.add(DAYS_30) };
  const certificates: string[] = [];
  const records: HostRecord[] = [];
  const hellos: string[] = [];

  for (let number = 1; number <= count; number++) {
    const id = hostId(number);
    const machineId = `machine-${number}`;
    const certificate = issue({
      authority,
      publicKey,
      commonName: id,
      alternativeNames: [{ type: 'uri', value: hostUri(id) }],
      usage: 'client',
      ...validity,
      serial: Buffer.alloc(SERIAL_BYTES, number % 251 || 1),
    });
    certificates.push(certificate);
    records.push(
      hostSample(number, {
        machineId,
        certificate: fingerprint(certificate),
        certificateExpires: validity.notAfter.toString() as Timestamp,
        runnerKey: runner.publicKey,
      }),
    );
    hellos.push(base64(hello(machineId, now)));
  }

  return { key: privateKey, certificates, hellos, records };
}

export const PING = base64(encodeAgentFrame({ type: 'ping', nonce: 1n }));

function hello(machineId: string, now: Temporal.Instant): Uint8Array {
  return encodeAgentFrame({
    type: 'hello',
    versions: [1],
    agentVersion: '0.1.0',
    machineId,
    mode: 'observe',
    streams: [],
    authorities: [],
    now: now.toString() as Timestamp,
    understands: UNDERSTOOD,
  });
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64');
}

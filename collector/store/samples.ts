// Records that tests of the store put in; every field that matters is given by the test. For tests only.
import { zstdCompressSync } from 'node:zlib';
import { canonicalJson, sha256 } from '@selvage/shared/files/canonical.ts';
import type { HostId, Sha256, Timestamp } from '@selvage/shared/model/ids.ts';
import type { RunResult } from '@selvage/shared/model/result.ts';
import type { AdminRecord, HostRecord, TokenRecord } from './ports.ts';

export const AT = '2026-03-01T12:00:00Z' as Timestamp;
export const LATER = '2026-03-02T12:00:00Z' as Timestamp;
export const hashOf = (value: string): Sha256 => sha256(value);
export const hostId = (number: number): HostId =>
  `00000000-0000-4000-8000-${String(number).padStart(12, '0')}` as HostId;

/** The identity of a host that has never connected. */
const UNTOUCHED = {
  ...{ key: null, authority: null, next: null, authorities: [], quarantine: null, readmit: null, settledAt: null },
  ...{ knock: null, lastAddress: null, clockSkewMs: null, understands: null },
  ...{ acceptedAt: AT, retiredAt: null, owner: null, labels: {}, token: null, replaces: null },
} as const;

export function hostSample(number: number, over: Partial<HostRecord> = {}): HostRecord {
  return {
    id: hostId(number),
    name: `host-${number}`,
    state: 'active',
    mode: 'managed',
    machineId: `machine-${number}`,
    enrolledAt: AT,
    revokedAt: null,
    certificate: hashOf(`certificate-${number}`),
    certificateExpires: LATER,
    runnerKey: 'PEM',
    agentVersion: null,
    lastSeen: null,
    ...UNTOUCHED,
    ...over,
  };
}

export function tokenSample(id: string, over: Partial<TokenRecord> = {}): TokenRecord {
  return {
    id,
    kind: 'host',
    secretHash: hashOf(id),
    boundTo: null,
    createdBy: 'admin:ann',
    createdAt: AT,
    expiresAt: LATER,
    revokedAt: null,
    usedAt: null,
    usedByKey: null,
    usedFor: null,
    ...{ uses: 1, used: 0, networks: [], labels: {}, mode: null, replaces: false },
    ...over,
  };
}

export function adminSample(name: string, over: Partial<AdminRecord> = {}): AdminRecord {
  return {
    name,
    role: 'admin',
    state: 'active',
    certificate: hashOf(`admin-${name}`),
    certificateExpires: LATER,
    keyId: hashOf(`key-${name}`),
    addedAt: AT,
    revokedAt: null,
    ...over,
  };
}

export function resultSample(number: number, over: Partial<RunResult> = {}): RunResult {
  return {
    format: 1,
    number,
    hostId: hostId(1),
    run: `openssl-3/${number}`,
    approval: 'openssl-3',
    approvalSha256: hashOf('approval'),
    provider: 'apt',
    fix: { source: 'openssl', version: '3' },
    outcome: 'installed',
    problem: null,
    startedAt: AT,
    finishedAt: AT,
    window: null,
    transaction: null,
    evidence: null,
    log: '',
    ...over,
  };
}

/** A section as the agent sends it: the hash is over the JSON before compression. */
export function packed(data: unknown): { readonly sha256: Sha256; readonly zstdJson: Uint8Array } {
  const json = canonicalJson(data);

  return { sha256: sha256(json), zstdJson: new Uint8Array(zstdCompressSync(json)) };
}

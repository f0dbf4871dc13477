// Documents that are right in every field; a test changes the one it is about. For tests of every room.
import type { ApprovalDocument, HostGroupDocument, PatchPolicyDocument, WindowDocument } from '../documents.ts';

export function windowSample(over: Partial<WindowDocument> = {}): WindowDocument {
  return {
    kind: 'Window',
    name: 'weekday-nights',
    days: ['mon', 'tue', 'wed', 'thu'],
    start: '01:00',
    for: '3h',
    timezone: 'host',
    freeze: [],
    ...over,
  };
}

export function patchPolicySample(over: Partial<PatchPolicyDocument> = {}): PatchPolicyDocument {
  return {
    kind: 'PatchPolicy',
    name: 'linux-servers',
    select: { os: 'linux' },
    allow: { from: ['security', 'updates'] },
    hold: [],
    lanes: {
      scheduled: { approve: 'manual', delay: '3d', window: 'weekday-nights', rings: [{ rest: true }] },
      urgent: { approve: 'manual', delay: '0h', window: 'any', rings: [{ rest: true }] },
    },
    offline: { actUntil: '1d' },
    ...over,
  };
}

export function hostGroupSample(over: Partial<HostGroupDocument> = {}): HostGroupDocument {
  return { kind: 'HostGroup', name: 'web-servers', hosts: ['web-1'], labels: { tier: ['web'] }, ...over };
}

export function approvalSample(over: Partial<ApprovalDocument> = {}): ApprovalDocument {
  return {
    kind: 'Approval',
    name: 'linux-servers.openssl-3.0.22',
    decision: 'approve',
    policy: 'linux-servers',
    lane: 'scheduled',
    fix: { provider: 'apt', source: 'openssl', version: '3.0.22-1~deb12u2' },
    packages: [{ name: 'openssl', version: '3.0.22-1~deb12u2', arch: 'amd64' }],
    adds: [],
    removes: [],
    approvedAt: '2026-11-20T10:00:00Z',
    expires: '2026-12-20T10:00:00Z',
    ...over,
  };
}

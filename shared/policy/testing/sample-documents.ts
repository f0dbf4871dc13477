// Documents that are right in every field; a test changes the one it is about. For tests of every room.
import type {
  AdvisoryDocument,
  ApprovalDocument,
  HostGroupDocument,
  PatchPolicyDocument,
  RiskAcceptanceDocument,
  WindowDocument,
} from '../documents.ts';

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

export function riskAcceptanceSample(over: Partial<RiskAcceptanceDocument> = {}): RiskAcceptanceDocument {
  return {
    kind: 'RiskAcceptance',
    name: 'ssh-of-the-plant',
    cves: ['CVE-2024-6387'],
    package: 'openssh',
    select: 'role=plc',
    reason: 'the vendor has not released the fix',
    control: 'port 22 is reachable from the maintenance network only',
    requester: 'plant-2',
    approver: 'ann',
    from: '2026-11-01',
    review: '2027-01-15',
    until: '2027-04-30',
    ...over,
  };
}

export function advisorySample(over: Partial<AdvisoryDocument> = {}): AdvisoryDocument {
  return {
    kind: 'Advisory',
    name: 'own-2026-001',
    summary: 'a backdoor that is not public yet',
    link: 'https://intel.example.org/own-2026-001',
    published: '2026-11-20T08:00:00Z',
    affected: [{ ecosystem: 'Debian:12', package: 'xz-utils', ranges: [{ introduced: '5.6.0', fixed: '5.6.2-1' }] }],
    decision: 'immediate',
    ...over,
  };
}

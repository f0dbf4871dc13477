// Machines, software and words that are right in every field; a test changes what it is about. For tests.
import type { HostId, Timestamp } from '@selvage/shared/model/ids.ts';
import type { Software } from '../../matching/software.ts';
import type { VexProduct, VexStatement } from '../../store/vex-ports.ts';
import type { SuppressedMachine } from '../suppress.ts';

export function machineSample(over: Partial<SuppressedMachine> = {}): SuppressedMachine {
  return {
    key: 'host:9a1b0a3e-0000-4000-8000-000000000001',
    id: '9a1b0a3e-0000-4000-8000-000000000001' as HostId,
    name: 'plc-1',
    os: { id: 'debian', version: '12' },
    ownLabels: { role: ['plc'] },
    ...over,
  };
}

export function softwareSample(over: Partial<Software> = {}): Software {
  return {
    ...{ ecosystem: 'Debian:12', name: 'openssh', source: 'openssh', version: '1:9.2p1-2+deb12u1' },
    ...{ module: null, kernel: null, origin: null },
    ...over,
  };
}

export function productSample(purl: string, over: Partial<VexProduct> = {}): VexProduct {
  return { id: purl, purl, ecosystem: null, machine: null, ...over };
}

export function statementSample(over: Partial<VexStatement> = {}): VexStatement {
  return {
    vulnerabilities: ['CVE-2024-6387'],
    status: 'not_affected',
    justification: 'vulnerable_code_not_in_execute_path',
    detail: null,
    products: [productSample('pkg:deb/debian/openssh?distro=debian-12')],
    at: '2026-11-10T00:00:00Z' as Timestamp,
    ...over,
  };
}

import type { Timestamp } from '@selvage/shared/model/ids.ts';
import { describe, expect, it } from 'vitest';
import { hostId, hostSample } from '../store/samples.ts';
import { packagesOf, unknownHosts, updatesOf, whyUnknown } from './hosts.ts';

const AT = '2026-03-01T12:00:00Z' as Timestamp;
const known = { known: true as const, asOf: AT, pending: [] };
const problem = { code: 'PARSE' as const, reason: 'line 3 of the list' };
const hosts = [hostSample(1), hostSample(2), hostSample(3), hostSample(4, { state: 'revoked', revokedAt: AT })];
const sections = [
  { host: hostId(1), takenAt: AT, data: known, problem: null },
  { host: hostId(2), takenAt: AT, data: null, problem },
];

describe('when the store knows some of the hosts', () => {
  it('keeps every active host, those without a report as unknown', () => {
    const updates = updatesOf(hosts, sections);

    expect(updates.map(({ name, takenAt }) => [name, takenAt])).toEqual([
      ['host-1', AT],
      ['host-2', AT],
      ['host-3', null],
    ]);
    expect(updates.map(whyUnknown)).toEqual([null, 'line 3 of the list', 'the host has not reported yet']);
    expect(unknownHosts(updates).map(({ name }) => name)).toEqual(['host-2', 'host-3']);
  });

  it('says every reason of lists that cannot be believed', () => {
    const reasons = [
      { repository: 'security', code: 'REPOSITORY_OLD' as const, reason: 'older than 24 h' },
      { repository: null, code: 'PARSE' as const, reason: 'unreadable' },
    ];
    const data = { known: false as const, asOf: null, reasons };

    expect(unknownHosts(updatesOf([hostSample(1)], [{ host: hostId(1), takenAt: AT, data, problem: null }]))).toEqual([
      { id: hostId(1), name: 'host-1', reason: 'security: older than 24 h; unreadable' },
    ]);
  });

  it('knows packages only where they were taken', () => {
    const packages = packagesOf(hosts, [{ host: hostId(1), takenAt: AT, data: [], problem: null }]);

    expect(packages).toEqual([
      { id: hostId(1), packages: [] },
      { id: hostId(2), packages: null },
      { id: hostId(3), packages: null },
    ]);
  });
});

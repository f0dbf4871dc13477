// When signed documents let an approved fix start at the latest, also where they ask for what nobody will live to see.
import { approvalSample, patchPolicySample } from '@selvage/shared/policy/testing/sample-documents.ts';
import { describe, expect, it } from 'vitest';
import type { MachineKey } from '../store/software-ports.ts';
import { createOutlook, type OutlookHost } from './outlook.ts';

const NOW = Temporal.Instant.from('2026-11-23T12:00:00Z');
const KEY = 'host:1' as MachineKey;
const slot = (delay: string) => {
  const lane = { approve: 'manual' as const, delay, window: 'any', rings: [{ rest: true as const }] };
  const policy = patchPolicySample({ select: {}, lanes: { scheduled: lane } });
  const host = { id: '1', name: 'a', os: null, labels: {}, zone: 'UTC' } as unknown as OutlookHost;

  return createOutlook([policy], () => host, NOW).of(approvalSample(), KEY);
};

describe('when a lane waits', () => {
  it('it starts after its delay, and now at the earliest', () => {
    expect(slot('4d')).toMatchObject({ opens: Temporal.Instant.from('2026-11-24T10:00:00Z') });
    expect(slot('1h')).toMatchObject({ opens: NOW });
  });

  it.each(['30d', '999999999w'])('for %s it is too late for its approval', (delay) => {
    expect(slot(delay)).toBe('its approval expires before a window opens');
  });
});

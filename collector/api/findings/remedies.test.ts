// What is offered, whether it really closes the finding, and what the new version is open to.
import { describe, expect, it } from 'vitest';
import type { Machine, Offer } from '../../findings/fleet.ts';
import type { Open } from '../../findings/join.ts';
import { rule } from '../../findings/testing/findings-lab.ts';
import { sampleMatch, sampleSoftware } from '../../findings/testing/sample-fleet.ts';
import type { PackageRules } from '../../store/feed-ports.ts';
import { FLEET_SETTINGS } from '../../triage/settings.ts';
import { createTriage } from '../../triage/triage.ts';
import { pendingSample } from '../testing/inventories.ts';
import { remediesOf } from './remedies.ts';

const openssl = sampleSoftware({ name: 'openssl', version: '3.0.11-1' });
const RULES: PackageRules[] = [
  {
    ...{ feed: 'osv-debian', asOf: null, ecosystem: 'Debian:12', package: 'openssl' },
    rules: [
      rule('CVE-2026-1', 'openssl', '3.0.15-1'),
      rule('CVE-2026-2', 'openssl', '3.0.19-1'),
      rule('CVE-2026-3', 'openssl', null),
    ],
  },
];
const triage = createTriage({
  knowledge: { kev: '' },
  settings: FLEET_SETTINGS,
  facts: new Map(),
  policiesOf: () => [],
});

function ask(
  version: string | null,
  over: { readonly open?: Partial<Open>; readonly machine?: Partial<Machine>; readonly held?: boolean } = {},
) {
  const offer: Offer[] =
    version === null ? [] : [{ provider: 'apt', source: 'openssl', version, security: true, held: over.held ?? false }];
  const machine = {
    key: 'host:1',
    name: 'web',
    labels: {},
    listening: [],
    offers: offer,
    ...over.machine,
  } as unknown as Machine;
  const match = sampleMatch({ cve: 'CVE-2026-1', fixed: '3.0.15-1' });
  const open = {
    software: openssl,
    cve: 'CVE-2026-1',
    match,
    state: 'fixable',
    note: null,
    ...over.open,
  } as unknown as Open;

  return remediesOf([open], {
    ...{ machine, triage, factsOf: async () => new Map() },
    updates: {
      known: true,
      asOf: '2026-11-24T00:00:00Z',
      pending: [pendingSample({ name: 'libssl3' }), pendingSample({ source: 'other' })],
    },
    rules: { of: () => RULES },
  });
}

describe('when it is asked what fixes a finding', () => {
  it('names the version, its packages, and what that is open to', async () => {
    expect(await ask('3.0.15-1')).toMatchObject([
      {
        ...{ source: 'openssl', from: '3.0.11-1', to: '3.0.15-1', provider: 'apt', security: true, note: null },
        packages: [{ name: 'libssl3' }],
        openTo: { total: 2, byDecision: { immediate: 0, defer: 0, scheduled: 2 } },
      },
    ]);
    expect((await ask('3.0.19-1'))[0]?.openTo?.total).toBe(1);
  });

  it('says that an offer does not close it, and where the fix is', async () => {
    expect((await ask('3.0.13-1'))[0]?.note).toBe(
      'the host is offered 3.0.13-1 only, the fix is in 3.0.15-1: its lists may be old, or lack a repository',
    );
    const unfixed = { cve: 'CVE-2026-3', match: sampleMatch({ cve: 'CVE-2026-3' }) };
    expect((await ask('3.0.19-1', { open: unfixed }))[0]?.note).toBe('3.0.19-1 does not close it');
  });

  it('says that the host holds it back', async () => {
    expect((await ask('3.0.15-1', { held: true }))[0]).toMatchObject({ held: true, note: 'the host holds it back' });
  });

  it.each([
    ['nothing of it is offered', {}, 'fixed in 3.0.15-1; the host is offered nothing of openssl'],
    ['offers are not known', { machine: { offers: null } }, 'what this machine is offered is not known'],
    [
      'there is no fix',
      { open: { match: sampleMatch({ cve: 'CVE-2026-1', status: 'ignored' }) } },
      'no fix exists (ignored)',
    ],
    [
      'only some get it',
      { open: { match: sampleMatch({ cve: 'CVE-2026-1', fixed: '3.1', pocket: 'esm-infra' }) } },
      'served by esm-infra only',
    ],
    ['a kernel runs', { open: { software: { ...openssl, kernel: 'running' as const } } }, 'comes as another package'],
    ['the old code runs', { open: { state: 'still-running' as const, note: 'apache2 (812)' } }, 'apache2 (812)'],
  ])('says why there is none, where %s', async (_what, over, note) => {
    expect((await ask(null, over))[0]).toMatchObject({ to: null, openTo: null, note: expect.stringContaining(note) });
  });
});

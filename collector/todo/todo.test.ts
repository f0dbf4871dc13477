import type { HostId } from '@selvage/shared/model/ids.ts';
import type { ApprovalDocument } from '@selvage/shared/policy/documents.ts';
import { describe, expect, it } from 'vitest';
import { type Sample, type SampleMachine, sampleFleet } from '../findings/testing/sample-fleet.ts';
import { totalOf } from './counting.ts';
import { createOutlook } from './outlook.ts';
import { type Given, TODO_AT, todoDeps } from './testing/todo-deps.ts';
import { CRITICAL, EPSS, KEV, NEW, OLD, offer, word } from './testing/todo-samples.ts';
import { todoOf } from './todo-steps.ts';

const web = (name: string, over: Partial<SampleMachine> = {}): SampleMachine => ({
  name,
  software: [{ name: 'openssl', version: OLD }],
  offers: [offer()],
  listening: [],
  ...over,
});
const OPENSSL = {
  ...{ name: 'openssl', version: OLD },
  matches: [
    { cve: 'CVE-2023-1', fixed: '3.0.12-1' },
    { cve: 'CVE-2023-2', fixed: '3.0.19-1~deb12u1' },
    { cve: 'CVE-2023-3' },
  ],
};
const todo = (sample: Sample, given: Given = {}) => todoOf(sampleFleet(sample), todoDeps(given));
const approval = (over: Partial<ApprovalDocument> = {}): ApprovalDocument => ({
  ...{ kind: 'Approval', name: 'a', decision: 'approve', policy: 'servers', lane: 'scheduled' },
  ...{ fix: { provider: 'apt', source: 'openssl', version: NEW }, packages: [], adds: [], removes: [] },
  ...{ approvedAt: '2026-03-10T00:00:00Z', expires: '2026-03-20T00:00:00Z' },
  ...over,
});

describe('when hosts are offered a fix', () => {
  it('is one row with what it closes on all of them; what has no fix is only counted', () => {
    const { fixes, noFix, notOffered, open } = todo({ machines: [web('a'), web('b')], matches: [OPENSSL] });

    expect(fixes).toMatchObject([
      { id: `openssl@${NEW}`, provider: 'apt', from: 'offer', machines: 2, closes: 4, cves: 2, some: ['a', 'b'] },
    ]);
    expect(notOffered).toEqual([]);
    expect(noFix).toMatchObject({ findings: 2, machines: 2 });
    expect(totalOf(open)).toBe(6);
  });

  it('counts a fix of exactly the offered version as closed, and one of the next as not offered, with what is', () => {
    const matches = [
      {
        ...OPENSSL,
        matches: [
          { cve: 'CVE-1', fixed: NEW },
          { cve: 'CVE-2', fixed: '3.0.19-1~deb12u2' },
        ],
      },
    ];
    const { fixes, notOffered } = todo({ machines: [web('a')], matches });

    expect(fixes).toMatchObject([{ closes: 1 }]);
    expect(notOffered).toMatchObject([
      { kind: 'older-offered', fixed: '3.0.19-1~deb12u2', findings: 1, why: expect.stringContaining(NEW) },
    ]);
  });

  it('says the strongest reason first: KEV, then EPSS, then what listens, then the severity', () => {
    const listening = [
      { source: 'openssl', address: '0.0.0.0', port: 443, protocol: 'tcp' as const, pid: 1, program: 'nginx' },
    ];
    const { fixes } = todo(
      { machines: [web('a', { listening })], matches: [OPENSSL] },
      { facts: { 'CVE-2023-1': KEV, 'CVE-2023-2': EPSS } },
    );

    expect(fixes[0]?.why.map(({ text }) => text)).toEqual(['KEV CVE-2023-1', 'EPSS 5 %', '0.0.0.0:443']);
    expect(fixes[0]).toMatchObject({ decision: 'out-of-cycle', due: { date: '2026-01-23', by: 'KEV' } });
  });

  it('says where it comes from: a point release only, or the security repository', () => {
    const machines = [web('a', { offers: [offer({ security: false }), offer({ source: 'tzdata', version: '2' })] })];
    const { fixes } = todo({ machines, matches: [OPENSSL] });

    expect(fixes.map(({ source, why, closes }) => [source, closes, why.at(-1)?.kind])).toEqual([
      ['openssl', 2, 'point-release'],
      ['tzdata', 0, 'security-repository'],
    ]);
  });

  it('keeps a security update that no feed knows, as decision unknown', () => {
    const { fixes } = todo({ machines: [web('a', { software: [] })] });

    expect(fixes).toMatchObject([{ source: 'openssl', decision: 'unknown', closes: 0, machines: 1 }]);
  });

  it('only counts updates that close nothing and are no security', () => {
    const { fixes, otherUpdates } = todo({
      machines: [web('a', { software: [], offers: [offer({ security: false })] })],
    });

    expect(fixes).toEqual([]);
    expect(otherUpdates).toEqual({ fixes: 1, machines: 1 });
  });

  it('is unknown, not mild, while nobody knows what is exploited', () => {
    const { fixes } = todo({ machines: [web('a')], matches: [OPENSSL] }, { kev: null });

    expect(fixes).toMatchObject([{ decision: 'unknown' }]);
  });

  it('orders by decision, then by what is due first', () => {
    const software = ['curl', 'zlib', 'bash'].map((name) => ({ name, version: '1' }));
    const offers = ['curl', 'zlib', 'bash'].map((source) => offer({ source, version: '2' }));
    const cve = (name: string, id: string) => ({ name, version: '1', matches: [{ cve: id, fixed: '2' }] });
    const matches = [cve('curl', 'CVE-C'), cve('zlib', 'CVE-Z'), cve('bash', 'CVE-B')];
    const later = { kev: { dateAdded: '2026-01-02', dueDate: '2026-02-01', ransomware: null } };
    const facts = { 'CVE-Z': later, 'CVE-B': KEV };

    expect(
      todo({ machines: [web('a', { software, offers })], matches }, { facts }).fixes.map(({ source }) => source),
    ).toEqual(['bash', 'zlib', 'curl']);
  });
});

describe('when nothing that is offered closes it', () => {
  it('is said to be missing from the repositories', () => {
    const { fixes, notOffered } = todo({ machines: [web('a', { offers: [] })], matches: [OPENSSL] });

    expect(fixes).toEqual([]);
    expect(notOffered).toMatchObject([
      { kind: 'not-offered', findings: 2, cves: 2, machines: 1, some: ['a'], fixed: NEW },
    ]);
  });

  it('names the pocket that the machine has not', () => {
    const matches = [{ ...OPENSSL, matches: [{ cve: 'CVE-1', fixed: '9', pocket: 'esm-infra' }] }];

    expect(todo({ machines: [web('a')], matches }).notOffered).toMatchObject([
      { kind: 'pocket', why: expect.stringContaining('esm-infra') },
    ]);
  });

  it('is closed all the same where the pocket is offered', () => {
    const matches = [{ ...OPENSSL, matches: [{ cve: 'CVE-1', fixed: NEW, pocket: 'esm-infra' }] }];

    expect(todo({ machines: [web('a')], matches })).toMatchObject({ fixes: [{ closes: 1 }], notOffered: [] });
  });

  it('never takes versions that cannot be compared for closed', () => {
    const matches = [{ name: 'x', version: '1', ecosystem: 'Nowhere', matches: [{ cve: 'CVE-1', fixed: '2' }] }];
    const machines = [
      web('a', {
        software: [{ name: 'x', version: '1', ecosystem: 'Nowhere' }],
        offers: [offer({ source: 'x', version: '3' })],
      }),
    ];

    expect(todo({ machines, matches })).toMatchObject({ fixes: [{ closes: 0 }], notOffered: [{ findings: 1 }] });
  });
});

describe('when it is not known what a machine is offered', () => {
  it('takes the lowest version that has all fixes from the feed, and says so', () => {
    const machines = [web('file', { import: true, offers: null })];
    const { fixes } = todo({ machines, matches: [OPENSSL] });

    expect(fixes).toMatchObject([
      {
        version: NEW,
        from: 'feed',
        closes: 2,
        standings: { imported: 1 },
        lastHost: { at: null, reason: '1 imported' },
      },
    ]);
  });

  it('is unknown on a host with an agent, and one row with those that are offered it', () => {
    const { fixes } = todo({ machines: [web('a'), web('b', { offers: null })], matches: [OPENSSL] });

    expect(fixes).toMatchObject([
      { from: 'offer', machines: 2, closes: 4, standings: { 'needs-approval': 1, unknown: 1 } },
    ]);
  });

  it('counts a machine whose packages are not known as unknown, never as clean', () => {
    const { machines, open } = todo({
      machines: [web('a', { unknown: 'dpkg could not be read' })],
      matches: [OPENSSL],
    });

    expect(machines).toMatchObject({ counted: 1, unknown: [{ name: 'a', reason: 'dpkg could not be read' }] });
    expect(totalOf(open)).toBe(0);
  });
});

describe('when it was decided upon', () => {
  const at = (given: Given, over: Partial<SampleMachine> = {}) =>
    todo({ machines: [web('a', over)], matches: [OPENSSL] }, given).fixes[0];

  it.each<[string, Given, Partial<SampleMachine>, string]>([
    ['nobody decided', {}, {}, 'needs-approval'],
    ['it is approved', { approvals: [approval()] }, {}, 'approved'],
    ['the approval has ended', { approvals: [approval({ expires: '2026-03-10T12:00:00Z' })] }, {}, 'needs-approval'],
    ['it is rejected', { approvals: [approval({ decision: 'reject', reason: 'breaks php' })] }, {}, 'refused'],
    ['the host holds it', { approvals: [approval()] }, { offers: [offer({ held: true })] }, 'held'],
    [
      'nobody hears of the host',
      { approvals: [approval()], standings: () => ({ imported: false, silentDays: 9, managed: true }) },
      {},
      'silent',
    ],
    [
      'the host only observes',
      { approvals: [approval()], standings: () => ({ imported: false, silentDays: false, managed: false }) },
      {},
      'observing',
    ],
    [
      'another version is approved',
      { approvals: [approval({ fix: { provider: 'apt', source: 'openssl', version: OLD } })] },
      {},
      'needs-approval',
    ],
  ])('%s', (_, given, over, standing) => {
    expect(at(given, over)?.standings).toEqual({ [standing]: 1 });
  });

  it('expects the last host at the window of its policy, and nobody while nothing is approved', () => {
    const documents = [
      approval(),
      {
        ...{ kind: 'Window' as const, name: 'nights', days: ['wed' as const], start: '01:00', for: '3h' },
        ...{ timezone: 'host', freeze: [] },
      },
      {
        ...{ kind: 'PatchPolicy' as const, name: 'servers', select: {}, allow: { from: ['security' as const] } },
        ...{ hold: [], offline: { actUntil: '1d' } },
        lanes: {
          scheduled: {
            ...{ approve: 'manual' as const, delay: '0h', window: 'nights' },
            rings: [{ size: '10%', soak: '1d' }, { rest: true as const }],
          },
        },
      },
    ];
    const host = { id: '1' as HostId, name: 'a', os: null, labels: {}, zone: 'Europe/Berlin' };
    const outlook = createOutlook(documents, () => host, TODO_AT);

    expect(at({})?.lastHost).toEqual({ at: null, reason: '1 not approved' });
    const { fixes, nextWindow } = todo(
      { machines: [web('a')], matches: [OPENSSL] },
      { approvals: [approval()], outlook },
    );
    expect(fixes[0]?.lastHost).toEqual({ at: '2026-03-11T00:00:00Z', reason: null });
    expect(nextWindow).toMatchObject({ window: 'nights', machines: 1, fixes: 1 });
  });
});

describe('when people have spoken of a finding', () => {
  it('counts it apart, on the machines that are meant', () => {
    const judgements = {
      concerns: () => true,
      of: ({ name }: { readonly name: string }, _: unknown, cve: string) =>
        cve === 'CVE-2023-1' && name === 'a' ? word('accepted') : null,
    };
    const { fixes, accepted, noFix } = todo({ machines: [web('a'), web('b')], matches: [OPENSSL] }, { judgements });

    expect(fixes).toMatchObject([{ closes: 3 }]);
    expect(accepted).toMatchObject({ findings: 1 });
    expect(noFix.findings).toBe(2);
  });
});

describe('when a kernel is fixed on disk', () => {
  const KERNEL = { running: '6.1.0-1', newest: '6.1.0-9' };
  const linux = (version: string, kernel: 'running' | 'installed') => ({ name: 'linux', version, kernel });
  const matches = [
    { ...linux('6.1.1-1', 'running'), matches: [{ cve: 'CVE-K', fixed: '6.1.9-1' }] },
    { ...linux('6.1.2-1', 'installed'), matches: [{ cve: 'CVE-K', fixed: '6.1.9-1' }] },
  ];

  it('still runs, until it is started anew', () => {
    const software = [linux('6.1.1-1', 'running'), linux('6.1.9-1', 'installed')];
    const { fixes, stillRunning } = todo({ machines: [web('a', { software, offers: [], kernel: KERNEL })], matches });

    expect(fixes).toEqual([]);
    expect(stillRunning).toMatchObject({ findings: 1, machines: 1 });
  });

  it('is to be installed while what lies beside it has no fix either, and needs a reboot', () => {
    const software = [linux('6.1.1-1', 'running'), linux('6.1.2-1', 'installed')];
    const offers = [offer({ source: 'linux', version: '6.1.9-1' })];
    const { fixes, notRunning } = todo({ machines: [web('a', { software, offers, kernel: KERNEL })], matches });

    expect(fixes).toMatchObject([{ source: 'linux', closes: 1, reboot: true }]);
    expect(notRunning.findings).toBe(1);
  });
});

describe('when only headers of a kernel are installed', () => {
  const headers = { name: 'linux', version: '6.1.1-1' };
  const matches = [
    { ...headers, matches: [{ cve: 'CVE-K', fixed: '6.1.9-1' }, { cve: 'CVE-O' }] },
    { name: 'vim', version: '1', matches: [{ cve: 'CVE-V', fixed: '2' }] },
  ];
  const offers = [
    offer({ source: 'linux', version: '6.1.9-1', security: true }),
    offer({ source: 'vim', version: '2', security: true }),
  ];
  const software = [headers, { name: 'vim', version: '1' }];
  const facts = { 'CVE-K': { ...KEV, ...CRITICAL } };

  it('their fix comes last and is due by nobody, though a kernel that ran would be urgent', () => {
    const { fixes, noFix, open } = todo({ machines: [web('a', { software, offers })], matches }, { facts });

    expect(fixes.map(({ source, decision, due, closes }) => [source, decision, due, closes])).toEqual([
      ['vim', 'scheduled', null, 1],
      ['linux', 'defer', null, 1],
    ]);
    expect(fixes[1]?.why[0]).toMatchObject({ kind: 'kernel-sources', text: 'no kernel of these sources runs' });
    expect(noFix).toMatchObject({ findings: 1, kernelSources: 1 });
    expect(totalOf(open)).toBe(3);
  });

  it('is as urgent as the kernel that runs beside them', () => {
    const both = [...software, { ...headers, kernel: 'running' as const }];
    const more = [
      ...matches,
      { ...headers, kernel: 'running' as const, matches: [{ cve: 'CVE-K', fixed: '6.1.9-1' }] },
    ];
    const kernel = { running: '6.1.0-1', newest: '6.1.0-1' };
    const { fixes } = todo({ machines: [web('a', { software: both, offers, kernel })], matches: more }, { facts });

    expect(fixes[0]).toMatchObject({ source: 'linux', closes: 2, reboot: true });
    expect(fixes[0]?.decision).not.toBe('defer');
    expect(fixes[0]?.why[0]?.kind).toBe('kev');
  });
});

describe('when something is immediate, and nobody has fixed it', () => {
  const open = { source: 'openssl', address: '0.0.0.0', port: 443, protocol: 'tcp' as const, pid: 1, program: 'nginx' };
  const labels = { criticality: ['high'], exposure: ['open'] };
  const facts = { 'CVE-N': { ...KEV, ...CRITICAL } };
  const none = (name: string) => ({ name, version: '1', matches: [{ cve: 'CVE-N' }] });
  const machine = (name: string) =>
    web('a', { software: [{ name, version: '1' }], offers: [], listening: [open], labels, ownLabels: labels });

  it('is counted for a person to mitigate, but in sources of a kernel that does not run', () => {
    const openssl = todo({ machines: [machine('openssl')], matches: [none('openssl')] }, { facts });
    const linux = todo({ machines: [machine('linux')], matches: [none('linux')] }, { facts });

    expect(openssl.noFix).toMatchObject({ findings: 1, byDecision: { immediate: 1 }, urgent: 1 });
    expect(linux.noFix).toMatchObject({ findings: 1, kernelSources: 1, urgent: 0 });
  });
});

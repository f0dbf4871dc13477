// Findings of a machine: where each stands, since when, and that code which still runs keeps a finding open.
import { describe, expect, it } from 'vitest';
import { openOf, runningUnknown, whoRuns } from './join.ts';
import { type Sample, type SampleMachine, sampleFleet } from './testing/sample-fleet.ts';

const NOW = Temporal.Instant.from('2026-03-05T00:00:00Z');
const day = (number: number) => `2026-02-${String(number).padStart(2, '0')}T00:00:00Z`;

const join = (machine: Omit<SampleMachine, 'name'>, matches: Sample['matches'] = [], since: Sample['since'] = {}) => {
  const fleet = sampleFleet({ machines: [{ name: 'a', ...machine }], matches, since });
  const [shown] = fleet.machines.values();
  if (!shown) throw new Error('no machine');

  return { fleet, shown, open: openOf(fleet, shown, { now: NOW }) };
};
const lines = ({ open }: ReturnType<typeof join>) =>
  open.map(({ cve, software, state }) => `${cve} ${software.version} ${state}`).sort();

const old = { name: 'openssl', version: '3.0.9-1' };
const middle = { name: 'openssl', version: '3.0.10-1' };
const fixed = { name: 'openssl', version: '3.0.12-1' };
const MATCHES = [
  { ...old, matches: [{ cve: 'CVE-1', fixed: '3.0.10-1' }, { cve: 'CVE-3' }] },
  { ...middle, matches: [{ cve: 'CVE-2', fixed: '3.0.12-1' }, { cve: 'CVE-3' }] },
  { ...fixed, matches: [{ cve: 'CVE-3' }] },
];
const running = (pids: readonly number[]) => [
  {
    ...{ package: 'libssl3', source: 'openssl' },
    processes: pids.map((pid) => ({ pid, program: 'nginx', service: 'nginx.service' })),
  },
];

describe('when replaced code still runs', () => {
  const episodes = [
    { ...old, since: day(1), until: day(10) },
    { ...middle, since: day(10), until: day(20) },
  ];
  const machine = { software: [{ ...fixed, since: day(20) }], episodes, bootedAt: day(5) as never };

  it('what the installed version fixes stays open until nobody runs it, and says who has to be restarted', () => {
    const { open } = join({ ...machine, stillRunning: running([812, 813]) }, MATCHES);
    expect(open.map(({ cve, state, note }) => [cve, state, note])).toEqual([
      ['CVE-3', 'no-fix', null],
      ['CVE-1', 'still-running', 'nginx (812, 813; restart nginx.service)'],
      ['CVE-2', 'still-running', 'nginx (812, 813; restart nginx.service)'],
    ]);
    expect(lines(join({ ...machine, stillRunning: [] }, MATCHES))).toEqual(['CVE-3 3.0.12-1 no-fix']);
  });

  it('of several packages of one source everybody is named who has to be restarted', () => {
    const more = {
      ...{ package: 'openssl', source: 'openssl' },
      processes: [
        { pid: 812, program: 'nginx', service: 'nginx.service' },
        { pid: 900, program: 'sshd', service: 'ssh.service' },
      ],
    };
    const { open } = join({ ...machine, stillRunning: [...running([812, 813]), more] }, MATCHES);

    expect(open.filter(({ state }) => state === 'still-running').map(({ cve, note }) => [cve, note])).toEqual([
      ['CVE-1', 'nginx (812, 813; restart nginx.service), sshd (900; restart ssh.service)'],
      ['CVE-2', 'nginx (812, 813; restart nginx.service), sshd (900; restart ssh.service)'],
    ]);
  });

  it('versions that were gone before the machine was started run no more', () => {
    const after = { ...machine, bootedAt: day(15) as never, stillRunning: running([812]) };
    expect(lines(join(after, MATCHES))).toEqual(['CVE-2 3.0.10-1 still-running', 'CVE-3 3.0.12-1 no-fix']);
  });

  it('where it is not known when it was started, any of them may', () => {
    const unknown = { ...machine, bootedAt: null, stillRunning: running([812]) };
    expect(lines(join(unknown, MATCHES))).toHaveLength(3);
  });

  it('where no earlier version is known, that is said', () => {
    const { fleet, shown } = join({ software: [fixed], stillRunning: running([812]) }, MATCHES);
    expect(runningUnknown(fleet, shown).map((one) => one.package)).toEqual(['libssl3']);
    const known = join({ ...machine, stillRunning: running([812]) }, MATCHES);
    expect(runningUnknown(known.fleet, known.shown)).toEqual([]);
  });

  it('thousands of processes make no note that is longer than a page', () => {
    const processes = Array.from({ length: 2000 }, (_, pid) => ({
      ...{ pid, program: pid % 2 === 0 ? 'worker' : `p${pid}`, service: null },
    }));
    const text = whoRuns({ package: 'bash', source: 'bash', processes });

    expect(text).toContain('worker (0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22 and 988 more)');
    expect(text).toMatch(/ and 989 other programs$/);
    expect(text.length).toBeLessThan(1000);
  });

  it('programs without a service are named by themselves', () => {
    expect(
      whoRuns({
        ...{ package: 'bash', source: 'bash' },
        processes: [
          { pid: 1, program: 'bash', service: null },
          { pid: 2, program: 'cron', service: 'cron.service' },
          { pid: 3, program: 'bash', service: null },
        ],
      }),
    ).toBe('bash (1, 3), cron (2; restart cron.service)');
  });
});

describe('when kernels are installed', () => {
  const kernel = (version: string, state: 'running' | 'installed') => ({ name: 'linux', version, kernel: state });
  const matches = [
    { ...kernel('6.1.100-1', 'running'), matches: [{ cve: 'CVE-1', fixed: '6.1.119-1' }, { cve: 'CVE-2' }] },
    { ...kernel('6.1.119-1', 'installed'), matches: [{ cve: 'CVE-2' }] },
    { ...kernel('6.1.90-1', 'installed'), matches: [{ cve: 'CVE-0', fixed: '6.1.100-1' }] },
  ];
  const facts = { kernel: { running: '6.1.0-26-amd64', newest: '6.1.0-28-amd64' } };

  it('what an installed one fixes is open while the old one runs; what lies there is listed apart', () => {
    const software = matches.map(({ matches: _none, ...one }) => one);
    const joined = join({ ...facts, software }, matches);
    expect(lines(joined)).toEqual([
      'CVE-0 6.1.90-1 not-running',
      'CVE-1 6.1.100-1 still-running',
      'CVE-2 6.1.100-1 no-fix',
      'CVE-2 6.1.119-1 not-running',
    ]);
    expect(joined.open.find(({ state }) => state === 'still-running')?.note).toBe(
      'kernel 6.1.100-1 runs, 6.1.119-1 is installed: reboot',
    );
  });

  it('an older one that lies there and never had the hole fixes nothing', () => {
    const software = [kernel('6.1.100-1', 'running'), kernel('5.10.1-1', 'installed')];
    expect(lines(join({ ...facts, software }, matches))).toEqual(['CVE-1 6.1.100-1 fixable', 'CVE-2 6.1.100-1 no-fix']);
  });
});

describe('when only headers or tools of kernel sources are installed', () => {
  const headers = { name: 'linux', version: '6.1.100-1' };
  const matches = [{ ...headers, matches: [{ cve: 'CVE-1', fixed: '6.1.119-1' }, { cve: 'CVE-2' }] }];

  it('their findings are listed apart, and say why', () => {
    const joined = join({ software: [headers] }, matches);

    expect(lines(joined)).toEqual(['CVE-1 6.1.100-1 not-running', 'CVE-2 6.1.100-1 not-running']);
    expect(joined.open[0]?.note).toMatch(/^only headers or tools of the kernel sources/);
  });

  it('a server whose source begins alike is none of them', () => {
    const server = { name: 'linux-ftpd', version: '0.17-36' };
    const joined = join({ software: [server] }, [{ ...server, matches: [{ cve: 'CVE-1' }] }]);

    expect(lines(joined)).toEqual(['CVE-1 0.17-36 no-fix']);
  });
});

describe('when findings are dated', () => {
  it('versions with the same hole, one after the other, are one time; a break begins anew', () => {
    const episodes = [
      { ...old, since: day(1), until: day(3) },
      { ...fixed, version: '3.0.9-2', since: day(3), until: day(5) },
      { ...old, since: day(5), until: day(8) },
    ];
    const { open } = join(
      { software: [{ ...middle, since: day(8) }], episodes },
      [...MATCHES, { ...fixed, version: '3.0.9-2', matches: [] }],
      { 'Debian:12 openssl': { 'CVE-2': day(9), 'CVE-3': day(2) } },
    );
    expect(Object.fromEntries(open.map(({ cve, firstSeen }) => [cve, firstSeen]))).toEqual({
      // Known here only since then.
      'CVE-2': day(9),
      'CVE-3': day(5),
    });
  });
});

describe('when somebody has signed that it need not be fixed now', () => {
  it('it is in its own state with whose word and until when, and is still there', () => {
    const fleet = sampleFleet({ machines: [{ name: 'a', software: [fixed] }], matches: MATCHES });
    const [machine] = fleet.machines.values();
    if (!machine) throw new Error('no machine');
    const until = '2026-06-01T00:00:00Z' as never;
    const suppressions = () => ({ state: 'accepted' as const, note: 'ann and bob: behind a proxy', until });
    expect(openOf(fleet, machine, { now: NOW, suppressions })).toMatchObject([
      { cve: 'CVE-3', state: 'accepted', note: 'ann and bob: behind a proxy, until 2026-06-01T00:00:00Z' },
    ]);
  });

  it('a machine whose packages are not known has no findings, and says why', () => {
    const { open, shown } = join({ software: [old], unknown: 'dpkg was interrupted' }, MATCHES);
    expect(open).toEqual([]);
    expect(shown.unknown).toBe('dpkg was interrupted');
  });
});

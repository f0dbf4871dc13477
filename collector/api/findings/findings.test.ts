// Findings through the real API: a real store, the real keeper and matching, real rules of triage.
import { silentLog } from '@selvage/shared/log/log.ts';
import type { Timestamp } from '@selvage/shared/model/ids.ts';
import { patchPolicySample } from '@selvage/shared/policy/testing/sample-documents.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { z } from 'zod';
import { keepFindings } from '../../findings/keeper.ts';
import { sampleFleet } from '../../findings/testing/sample-fleet.ts';
import { hostId } from '../../store/samples.ts';
import { explanation, findings } from '../contract/findings.ts';
import { type ApiLab, apiLab, type ClientIdentity } from '../testing/api-lab.ts';
import { APACHE, NEW, OLD, putSampleFeeds, putSampleHosts } from '../testing/finding-samples.ts';

let lab: ApiLab;
let rita: ClientIdentity;
let now: string;

beforeAll(async () => {
  lab = await apiLab();
  rita = await lab.admin('rita', 'reader');
  now = lab.clock.now().toString();
  await putSampleFeeds(lab.store);
  await putSampleHosts(lab.store, now as Timestamp);
  const { store, clock, events } = lab;
  const keeper = keepFindings(
    { ...{ store, clock, events, fleet: lab.findings.fleet, log: silentLog }, documents: async () => [] },
    { pauseMs: 0 },
  );
  await keeper.idle();
  await keeper.close();
});
afterAll(() => lab.close());

const ask = (path: string) => lab.call('GET', path, { as: rita });

async function list(query: Readonly<Record<string, string>> = {}): Promise<z.output<typeof findings>> {
  const { json } = await ask(`/v1/findings?${new URLSearchParams(query)}`);

  return findings.parse(json);
}

async function explain(host: string, cve: string): Promise<z.output<typeof explanation>> {
  return explanation.parse((await ask(`/v1/findings/${host}/${cve}`)).json);
}

const lines = ({ findings: rows }: z.output<typeof findings>) =>
  rows.map(
    ({ decision, machine, package: { name }, cve, state }) => `${decision} ${machine.name} ${name} ${cve} ${state}`,
  );

describe('when findings are listed', () => {
  it('shows them by decision, date and EPSS, those without a score last', async () => {
    expect(lines(await list())).toEqual([
      `out-of-cycle web-old apache2 ${APACHE} fixable`,
      'scheduled db openssl CVE-2026-0200 fixable',
      'scheduled web-old openssl CVE-2026-0200 fixable',
      'scheduled db apache2 CVE-2026-0100 no-fix',
      'scheduled web-old apache2 CVE-2026-0100 no-fix',
      'scheduled lap vim CVE-2026-0300 no-fix',
      'scheduled web-old vim CVE-2026-0300 no-fix',
    ]);
  });

  it('counts all, says which tree decided, and which machines are not known', async () => {
    const answer = await list({ limit: '1' });

    expect(answer).toMatchObject({
      ...{ total: 7, byDecision: { immediate: 0, 'out-of-cycle': 1, scheduled: 6, defer: 0, unknown: 0 } },
      byState: { fixable: 3, 'no-fix': 4 },
      machines: { with: 3, lookedAt: 4 },
      unknown: { count: 1, some: [{ name: 'unknown', reason: expect.stringContaining('not known') }] },
      tree: { name: 'deployer', version: '2.1', definition: 'ssvc:DT_DP:1.0.0' },
      ...{ complete: true, kev: { asOf: '2026-11-24T02:10:00Z' } },
    });
    expect(answer.findings[0]).toMatchObject({
      ...{
        severity: 'critical',
        score: 9.1,
        kev: true,
        epss: 0.9996,
        fixed: NEW,
        due: { date: '2025-05-22', by: 'KEV' },
      },
      ...{ path: 'active / open / yes / medium', package: { version: OLD, ecosystem: 'Debian:12' } },
    });
  });

  it('counts a part among all machines, also among those that cannot have it', async () => {
    expect((await list({ package: 'vim' })).machines).toEqual({ with: 2, lookedAt: 4 });
    expect((await list({ cve: 'CVE-1999-0001' })).machines).toEqual({ with: 0, lookedAt: 4 });
  });

  it('says also of a part which machines are not known', async () => {
    expect((await list({ package: 'vim' })).unknown.count).toBe(1);
    expect((await list({ cve: APACHE })).unknown.count).toBe(1);
  });

  it('gives the same list in pages', async () => {
    const whole = lines(await list());
    const pages: string[] = [];
    for (let after: string | null = ''; after !== null; ) {
      const answer = await list({ limit: '2', ...(after === '' ? {} : { after }) });
      expect(answer.total).toBe(7);
      pages.push(...lines(answer));
      after = answer.next;
    }

    expect(pages).toEqual(whole);
  });

  it.each([
    [{ cve: 'CVE-2026-0200' }, 2],
    [{ cve: ' cve-2026-0200 ' }, 2],
    [{ cve: 'CVE-1999-0001' }, 0],
    [{ package: 'vim' }, 2],
    [{ package: 'nothing' }, 0],
    [{ decision: 'out-of-cycle' }, 1],
    [{ state: 'no-fix' }, 4],
    [{ olderThan: '1d' }, 0],
    [{ olderThan: '999999999d' }, 0],
    [{ select: 'name=web-*' }, 4],
    [{ select: 'tier=db and standing=fixable' }, 1],
    [{ select: 'kev' }, 1],
    [{ select: 'severity in (high, critical) and package=openssl' }, 2],
    [{ select: 'cvss>=9' }, 1],
    [{ select: 'epss>50' }, 1],
    [{ select: 'found<1d and due<1h' }, 1],
    [{ select: 'os=debian-12 and not kev' }, 6],
  ])('takes %j', async (query, total) => {
    expect((await list(query as Readonly<Record<string, string>>)).total).toBe(total);
  });

  it('leaves out by a text what is not known of a finding, and says how many', async () => {
    expect((await list({ select: 'severity=low' })).selection).toMatchObject({
      ...{ of: 7, selected: 0, unknown: 4, because: [{ field: 'severity', count: 4 }] },
    });
  });

  it.each([
    ['select=decision%3Dsoon', 'SELECT_INVALID'],
    ['after=nonsense', 'REQUEST_INVALID'],
    ['olderThan=yesterday', 'DOCUMENT_INVALID'],
    ['decision=soon', 'REQUEST_INVALID'],
    ['limit=100000', 'REQUEST_INVALID'],
    ['nothing=1', 'REQUEST_INVALID'],
  ])('refuses %s with %s', async (query, code) => {
    expect((await ask(`/v1/findings?${query}`)).json.code).toBe(code);
  });

  it('tells nobody without a certificate', async () => {
    expect((await lab.call('GET', '/v1/findings')).status).toBe(401);
    expect((await lab.call('GET', `/v1/findings/db/${APACHE}`)).status).toBe(401);
  });
});

describe('when one that is here is explained', () => {
  it('says what, on whose word, and that it runs', async () => {
    const { answer, here, running } = await explain('web-old', APACHE);

    expect(answer).toEqual({ here: 'yes', reason: null });
    expect(here).toMatchObject([
      {
        ...{ package: { name: 'apache2', version: OLD }, says: 'affected', state: 'fixable', fixed: NEW },
        evidence: [{ feed: 'osv-debian', record: APACHE, rule: `deb: ${OLD} < ${NEW}`, says: 'affected' }],
        coverage: 'covered by feed osv-debian',
      },
    ]);
    expect(running).toMatchObject({
      answer: 'yes',
      listening: [{ port: 443, pid: 812 }, { port: 80 }],
      old: [],
      unseen: 0,
    });
  });

  it('says why in words, whose word was overruled, and every date', async () => {
    const { decision, due, overdue } = await explain('web-old', APACHE);

    expect(decision?.points.map(({ name, value, overruled }) => [name, value, overruled])).toEqual([
      ['exploitation', 'active', 'vulnrichment of 2024-07-10 says "none": older, overruled'],
      ['exposure', 'open', null],
      ['automatable', 'yes', null],
      ['human impact', 'medium', null],
    ]);
    expect(overdue).toBe(true);
    expect(due.map(({ by, afterDays }) => [by, afterDays])).toEqual([
      ['KEV', null],
      ['severity rule critical 15d', 15],
    ]);
  });

  it('says what fixes it with which packages, and what the new version is open to', async () => {
    const { remedies } = await explain('web-old', APACHE);

    expect(remedies).toMatchObject([
      {
        ...{ source: 'apache2', from: OLD, to: NEW, provider: 'apt', note: null },
        packages: [{ name: 'apache2' }, { name: 'apache2-bin' }],
        openTo: { total: 1, byDecision: { scheduled: 1, immediate: 0 } },
      },
    ]);
  });

  it('is found by name, by id, and by the CVE in small letters', async () => {
    const byName = await explain('web-old', APACHE);

    expect((await explain(hostId(1), APACHE.toLowerCase())).here).toEqual(byName.here);
  });

  it('counts the other machines that have it', async () => {
    expect((await explain('db', 'CVE-2026-0200')).others).toEqual({
      ...{ machines: 1, imported: 0 },
      some: [{ name: 'web-old', imported: false, state: 'fixable', note: null }],
    });
  });

  it('says what scanners said the last time, and which do not name it', async () => {
    const report = {
      machine: `host:${hostId(1)}`,
      file: 'x',
      sha256: 'a'.repeat(64),
      comparedAt: now,
      comparedBy: 'admin:ann',
    };
    const row = { cve: APACHE, package: 'apache2', group: 'agreed', answer: null };
    await lab.store.transaction(({ scanners }) =>
      scanners.put([
        { ...report, scanner: 'nessus', scannedAt: now, rows: [row] },
        { ...report, scanner: 'qualys', scannedAt: null, rows: [] },
      ] as never),
    );

    expect((await explain('web-old', APACHE)).scanners).toEqual([
      { scanner: 'nessus', scannedAt: now, says: 'agreed', answer: null },
      { scanner: 'qualys', scannedAt: null, says: 'silent', answer: null },
    ]);
  });
});

describe('when one that is not here is explained', () => {
  it('says since which version it is fixed, with the evidence', async () => {
    const { answer, here, decision, running, remedies, when } = await explain('db', APACHE);

    expect(answer).toEqual({ here: 'no', reason: `apache2 ${NEW} has the fix, which came in ${NEW}` });
    expect(here).toMatchObject([
      { says: 'fixed', state: null, evidence: [{ feed: 'osv-debian', rule: `deb: ${NEW} = ${NEW}` }] },
    ]);
    expect([decision, running, remedies, when]).toEqual([null, null, [], null]);
  });

  it('says whose word it is that the package is not affected', async () => {
    expect((await explain('web-old', 'CVE-2020-9999')).answer).toEqual({
      ...{ here: 'no', reason: 'vim 2:9.0.1378-2 is not affected, says osv-debian' },
    });
  });

  it('says that nothing here is connected with it, once some feed has heard of it', async () => {
    expect((await explain('lap', 'CVE-2026-0200')).answer).toMatchObject({
      ...{ here: 'no', reason: expect.stringContaining('no source connects CVE-2026-0200') },
    });
  });

  it.each(['CVE-1999-0001', 'CVE-20260200', 'nonsense'])(
    'never says no of %s, which no feed here has heard of',
    async (id) => {
      expect((await explain('db', id)).answer).toMatchObject({
        ...{ here: 'unknown', reason: expect.stringContaining(`no feed here has heard of ${id}`) },
      });
    },
  );

  it('never says no of a machine whose packages are not known', async () => {
    expect((await explain('unknown', APACHE)).answer).toMatchObject({
      here: 'unknown',
      reason: expect.stringContaining('not known'),
    });
  });

  it('answers NOT_FOUND for a machine that is not there', async () => {
    expect((await ask(`/v1/findings/nobody/${APACHE}`)).json.code).toBe('NOT_FOUND');
  });
});

describe('when policies say what happens', () => {
  const documents = (...all: readonly unknown[]) => {
    lab.policy.current = {
      ...lab.policy.current,
      timestampVersion: lab.policy.current.timestampVersion + 1,
      documents: all.map((document, index) => ({ path: `${index}`, sha256: '0'.repeat(64), document })) as never,
    };
  };
  const policy = (over: object) => ({ ...patchPolicySample(), hold: [], ...over });

  it('names what is missing where none selects the host', async () => {
    documents(policy({ name: 'databases', select: { labels: { tier: ['db'] } } }));

    expect((await explain('web-old', APACHE)).when).toMatchObject({
      ...{ answer: 'never', why: ['no policy selects this host', 'policy databases: label tier is missing'] },
    });
  });

  it('counts the date of the policy that selects it, and asks for an approval', async () => {
    documents(policy({ name: 'all', select: {}, due: { 'out-of-cycle': '7d', kev: 'theirs' } }));
    const { due, when } = await explain('web-old', APACHE);

    expect(due.map(({ by }) => by)).toEqual(['KEV', 'policy all', 'severity rule critical 15d']);
    expect(when).toMatchObject({
      ...{ answer: 'needs-approval', policies: ['all'] },
      next: [expect.stringContaining(`selvage fix approve apache2@${NEW} --policy all --lane`)],
    });
    expect((await list({ cve: 'CVE-2026-0200' })).findings[0]?.due?.by).toBe('severity rule high 30d');
  });

  it('says NEVER of a host whose own settings install nothing', async () => {
    expect((await explain('lap', 'CVE-2026-0300')).when).toMatchObject({
      answer: 'never',
      why: ['no fix exists (minor)'],
    });
  });
});

describe('when people have said something of a finding', () => {
  it('keeps counting it, under its state and with whose word it is', async () => {
    const { suppress } = lab.findings;
    lab.findings.suppress = (_machine, _software, cve) =>
      cve === APACHE ? { state: 'accepted', note: 'risk acceptance web by bob', until: null } : null;
    const answer = await list();
    const { here, when } = await explain('web-old', APACHE);
    lab.findings.suppress = suppress;

    expect(answer).toMatchObject({ total: 7, byState: { accepted: 1, fixable: 2 } });
    expect(answer.findings[0]).toMatchObject({ cve: APACHE, state: 'accepted', note: 'risk acceptance web by bob' });
    expect(here[0]).toMatchObject({ state: 'accepted', note: 'risk acceptance web by bob' });
    expect(when?.why).toEqual(['nothing is to be done: see its state']);
  });
});

describe('when machines are known from a file, and old code still runs', () => {
  const OPENSSL = { name: 'openssl', version: '3.0.11' };
  const processes = [{ pid: 812, program: 'nginx', service: 'nginx.service' }];

  it('lists and explains both', async () => {
    const { fleet } = lab.findings;
    lab.findings.fleet = sampleFleet({
      machines: [
        { name: 'plant-7', import: true, software: [OPENSSL], labels: { zone: ['isolated'] } },
        {
          ...{ name: 'web-17', software: [{ name: 'openssl', version: '3.0.22' }] },
          episodes: [{ ...OPENSSL, since: '2026-02-01T00:00:00Z', until: '2026-03-01T12:00:00Z' }],
          stillRunning: [{ package: 'openssl', source: 'openssl', processes }],
        },
      ],
      matches: [{ ...OPENSSL, matches: [{ cve: 'CVE-2026-0200', fixed: '3.0.22' }] }],
    });
    const [answer, file, old] = [
      await list({ cve: 'CVE-2026-0200' }),
      await explain('plant-7', 'CVE-2026-0200'),
      await explain('web-17', 'CVE-2026-0200'),
    ];
    lab.findings.fleet = fleet;

    expect(answer.findings.map(({ machine, state }) => [machine.name, machine.imported, state])).toEqual([
      // Seen first, and so due first.
      ['web-17', false, 'still-running'],
      ['plant-7', true, 'fixable'],
    ]);
    expect(file.when).toMatchObject({ answer: 'never', why: [expect.stringContaining('no agent')] });
    expect(file.others.some).toMatchObject([{ name: 'web-17', state: 'still-running' }]);
    expect(old.running).toMatchObject({ answer: 'old', old: processes });
    expect(old.others).toMatchObject({ machines: 1, imported: 1 });
  });
});

describe('when KEV was never imported', () => {
  it('decides nothing, and says so', async () => {
    const other = await apiLab();
    const reader = await other.admin('rita', 'reader');
    await putSampleFeeds(other.store, { kev: false });
    await putSampleHosts(other.store, now as Timestamp);
    const { store, clock, events } = other;
    const keeper = keepFindings(
      { ...{ store, clock, events, fleet: other.findings.fleet, log: silentLog }, documents: async () => [] },
      { pauseMs: 0 },
    );
    await keeper.idle();
    await keeper.close();
    const answer = findings.parse((await other.call('GET', '/v1/findings', { as: reader })).json);
    await other.close();

    expect(answer).toMatchObject({ kev: null, byDecision: { unknown: 7, scheduled: 0 } });
    expect(answer.findings[0]?.path).toMatch(/^\? \//);
  });
});

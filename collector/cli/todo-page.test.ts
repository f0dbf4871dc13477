// The screen over a real API and a sample fleet, at 80 and 120 columns.
import type { HostId, Timestamp } from '@selvage/shared/model/ids.ts';
import { systemRandom } from '@selvage/shared/random.ts';
import { fakeClock } from '@selvage/shared/testing/fake-clock.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findings } from '../api/contract/findings.ts';
import { triageReport } from '../api/contract/reports.ts';
import { todo } from '../api/contract/todo.ts';
import { type ApiLab, apiLab, type ClientIdentity } from '../api/testing/api-lab.ts';
import { putFeed } from '../findings/testing/put-feed.ts';
import { type Sample, type SampleMachine, sampleFleet } from '../findings/testing/sample-fleet.ts';
import { hostSample } from '../store/samples.ts';
import type { Cli } from './cli.ts';
import { createScreen } from './screen.ts';
import { type Answer, showTodo } from './todo-page.ts';

const OLD = '3.0.11-1~deb12u2';
const NEW = '3.0.19-1~deb12u1';
const HOSTS = [1, 2].map((number) => hostSample(number, { mode: 'managed' }).id as HostId);

let lab: ApiLab;
let reader: ClientIdentity;

beforeAll(async () => {
  lab = await apiLab();
  reader = await lab.admin('rita', 'reader');
  const at = lab.clock.now().toString() as Timestamp;
  for (const number of [1, 2]) {
    const record = hostSample(number, { mode: 'managed', lastSeen: at, acceptedAt: at });
    await lab.store.transaction((writers) => writers.hosts.add(record));
  }
});
afterAll(() => lab.close());

const machine = (index: number, over: Partial<SampleMachine> = {}): SampleMachine => ({
  ...{ name: `host-${index}`, id: HOSTS[index - 1] as HostId, listening: [], stillRunning: [] },
  software: [{ name: 'openssl', version: OLD }],
  offers: [{ provider: 'apt', source: 'openssl', version: NEW, security: true, held: false }],
  ...over,
});
const OPENSSL = {
  ...{ name: 'openssl', version: OLD },
  matches: [{ cve: 'CVE-2023-1', fixed: '3.0.12-1' }, { cve: 'CVE-2023-3' }],
};

async function ask(sample: Sample, query = ''): Promise<Answer> {
  lab.findings.fleet = sampleFleet(sample);

  return todo.parse((await lab.call('GET', `/v1/todo${query}`, { as: reader })).json);
}

function printed(answer: Answer, columns: number, all = false): string {
  let text = '';
  const stdout = {
    columns,
    write: (more: string) => {
      text += more;
    },
  };
  const screen = createScreen({ stdout, stderr: stdout, env: {} });
  showTodo({ screen, clock: fakeClock(answer.now), zone: 'UTC', random: systemRandom } as unknown as Cli, answer, all);

  return text;
}

describe('when two hosts are offered a fix', () => {
  it('is a row with hosts, what it closes and what is to be done; the rest is one line', async () => {
    const answer = await ask({ machines: [machine(1), machine(2)], matches: [OPENSSL] });
    const text = printed(answer, 120);

    expect(answer.fixes).toMatchObject([
      { id: `openssl@${NEW}`, machines: 2, closes: 2, standings: { 'needs-approval': 2 } },
    ]);
    expect(text).toMatch(/openssl 3\.0\.19-1~deb12u1 +2 +2 +.*to approve/);
    expect(text).toMatch(/NO FIX EXISTS +2 findings on 2 hosts: 0 immediate/);
    expect(text).toContain(`next: selvage fix approve openssl@${NEW} --policy NAME --lane`);
  });

  it.each([80, 120])('fits %i columns, with no colour where there is no terminal', async (columns) => {
    const reason = 'x'.repeat(200);
    const machines = [machine(1), machine(2, { unknown: reason }), machine(1, { name: 'a'.repeat(300), import: true })];
    const text = printed(await ask({ machines, matches: [OPENSSL] }), columns, true);

    // A command is never broken, so that it can be copied.
    for (const line of text.split('\n').filter((each) => !each.startsWith('next: ')))
      expect([...line].length).toBeLessThanOrEqual(columns);
    expect(text).not.toContain('\u001b');
  });

  it('prints nothing that a host could steer a terminal with', async () => {
    const version = '1\u001b[31m~2\r\nFAKE';
    const offers = [{ provider: 'apt' as const, source: 'op\u0007enssl', version, security: true, held: false }];
    const text = printed(await ask({ machines: [machine(1, { offers })], matches: [OPENSSL] }), 120, true);

    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not be there
    expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f]/);
    expect(text.split('\n').some((line) => line.startsWith('FAKE'))).toBe(false);
  });
});

describe('when there is one of a thing', () => {
  it('it is not called many', async () => {
    const offers = ['openssl', 'a', 'b'].map((source) => ({
      ...{ provider: 'apt' as const, source, version: NEW, security: false, held: false },
    }));
    const answer = await ask({
      machines: [machine(1, { offers, stillRunning: [{ package: 'z', source: 'z', processes: [] }] })],
      matches: [{ ...OPENSSL, matches: [{ cve: 'CVE-2023-1', fixed: '9:9' }, { cve: 'CVE-2023-3' }] }],
    });
    const text = printed(answer, 120);

    expect(text).toContain('NOT OFFERED HERE  1 finding\n');
    expect(text).toMatch(/openssl 9:9 +1 host +1 finding {2}/);
    expect(text).toMatch(/NO FIX EXISTS +1 finding on 1 host:/);
    expect(text).toMatch(/OLD CODE RUNS +1 host waits: /);
    expect(text).not.toMatch(/\b1 (?:findings|hosts|fixes|machines)\b/);
  });
});

describe('when nothing is known', () => {
  it('does not say that none is exploited while nobody could know', async () => {
    const answer = await ask({ machines: [machine(1)], matches: [OPENSSL] });

    expect(answer.fixes).toMatchObject([{ decision: 'unknown' }]);
    expect(printed(answer, 120)).toContain('not known if exploited');
    expect(printed(answer, 120)).not.toContain('none exploited');
  });

  it('says so, and never that there is nothing to do', async () => {
    const answer = await ask({ machines: [] });

    expect(answer.needs.map(({ kind }) => kind)).toEqual(expect.arrayContaining(['no-feed', 'unknown']));
    expect(printed(answer, 80)).toContain('NO FIX IS KNOWN, because no feed was imported');
  });

  it('names hosts of which nothing has arrived, and those whose packages could not be read', async () => {
    const { needs } = await ask({ machines: [machine(1, { unknown: 'PARSE: the status file ends early' })] });

    expect(needs).toContainEqual(
      expect.objectContaining({ kind: 'unknown', count: 1, message: expect.stringContaining('ends early') }),
    );
    expect(needs).toContainEqual(
      expect.objectContaining({ kind: 'unknown', message: expect.stringContaining('no inventory has arrived yet') }),
    );
  });

  it('is said while the fleet is still being matched', async () => {
    const fleet = sampleFleet({ machines: [machine(1)] });
    fleet.complete = false;
    lab.findings.fleet = fleet;
    const { needs } = todo.parse((await lab.call('GET', '/v1/todo', { as: reader })).json);

    expect(needs.map(({ kind }) => kind)).toContain('not-ready');
  });

  it('says of a release that no feed speaks of that nobody watches it', async () => {
    const { feeds, needs } = await ask({
      machines: [machine(1, { os: { id: 'alpine', version: '3.19' } }), machine(2)],
    });

    expect(feeds).toEqual([]);
    expect(needs.map(({ kind }) => kind)).not.toContain('unwatched');
  });
});

describe('when a feed has other releases of a distribution than are here', () => {
  it('says that nobody watches those that it has not, also where we wrote one advisory about them', async () => {
    const machines = [machine(1), machine(2, { os: { id: 'debian', version: '11' } })];
    const rule = (ecosystem: string) => ({
      ...{
        record: 'CVE-2023-1',
        cves: ['CVE-2023-1'],
        ecosystem,
        package: 'xz-utils',
        ranges: [],
        status: 'open' as const,
      },
      published: '2023-01-01T00:00:00Z' as Timestamp,
    });
    const at = lab.clock.now().toString() as Timestamp;
    await putFeed(lab.store, 'osv-debian', [rule('Debian:12')], at);
    await putFeed(lab.store, 'advisory', [rule('Debian:11')], at);
    const answer = await ask({ machines });

    expect(answer.needs.filter(({ kind }) => kind === 'unwatched')).toMatchObject([
      { count: 1, some: ['host-2'], message: expect.stringContaining('Debian:11') },
    ]);
    expect(printed(answer, 80)).toMatch(/UNWATCHED +1 machine of Debian:11/);
    const get = async (path: string) => (await lab.call('GET', path, { as: reader })).json;
    const unknown = { count: 1, some: [{ name: 'host-2', reason: 'no feed that was imported speaks of Debian:11' }] };
    expect(findings.parse(await get('/v1/findings'))).toMatchObject({ total: 0, unknown });
    expect(findings.parse(await get('/v1/findings?cve=CVE-2023-1'))).toMatchObject({ total: 0, unknown });
    expect(triageReport.parse(await get('/v1/reports/triage'))).toMatchObject({ unwatched: 1 });
  });
});

describe('when only some are asked for', () => {
  it('counts those, and says how many were chosen', async () => {
    const sample = { machines: [machine(1), machine(2)], matches: [OPENSSL] };
    const { name } = hostSample(2);
    const answer = await ask(sample, `?select=${encodeURIComponent(`name=${name}`)}`);

    expect(answer).toMatchObject({ machines: { counted: 1 }, fixes: [{ machines: 1 }], selection: { selected: 1 } });
  });

  it('refuses a text that is none', async () => {
    const { status, json } = await lab.call('GET', '/v1/todo?select=name%3D%3D', { as: reader });

    expect([status, json.code]).toEqual([400, 'SELECT_INVALID']);
  });

  it('answers nobody without a certificate', async () => {
    expect((await lab.call('GET', '/v1/todo')).status).toBe(401);
  });
});

// Every list of the API takes a select text, with words of its own.
import type { Timestamp } from '@selvage/shared/model/ids.ts';
import { approvalSample, hostGroupSample, windowSample } from '@selvage/shared/policy/testing/sample-documents.ts';
import { evaluate } from '@selvage/shared/select/evaluate.ts';
import { parseSelect } from '@selvage/shared/select/parse.ts';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { hostId, hostSample, resultSample, tokenSample } from '../../store/samples.ts';
import { tokens } from '../contract/tokens.ts';
import * as contract from '../contract.ts';
import { type ApiLab, apiLab, type ClientIdentity } from '../testing/api-lab.ts';
import { OS_SECTION, pendingSample, putInventory } from '../testing/inventories.ts';
import { POLICY_WORDS } from './documents.ts';

let lab: ApiLab;
let ann: ClientIdentity;
const ago = (time: string) => lab.clock.now().subtract(time).toString() as Timestamp;
const ahead = (time: string) => lab.clock.now().add(time).toString() as Timestamp;

beforeEach(async () => {
  lab = await apiLab();
  ann = await lab.admin('ann', 'admin');
});
afterEach(() => lab.close());

const get = async (path: string, select: string, more: Record<string, string> = {}) => {
  const { json, status } = await lab.call('GET', `${path}?${new URLSearchParams({ select, ...more })}`, { as: ann });
  expect([status, json.code]).toEqual([200, undefined]);

  return json;
};

describe('when other things than hosts are listed', () => {
  it('tokens by state, life and labels', async () => {
    await lab.store.transaction(async ({ tokens: writer }) => {
      await writer.add(
        tokenSample('a', { createdAt: ago('PT1H'), expiresAt: ahead('PT30M'), labels: { tier: ['web'] } }),
      );
      await writer.add(tokenSample('b', { createdAt: ago('PT100H'), expiresAt: ago('PT1H') }));
    });
    const ids = async (text: string) => tokens.parse(await get('/v1/tokens', text)).tokens.map(({ id }) => id);

    expect(await ids('state=open and expires<1h and tier=web')).toEqual(['a']);
    expect(await ids('created>1d')).toEqual(['b']);
    expect(await ids('expires<=0s or kind=admin')).toEqual(['b']);
    expect(await ids('uses=1 and used=0 and pending=0 and not came=* and not for=*')).toEqual(['a', 'b']);
  });

  it('admins by role and by what is left to their certificate', async () => {
    await lab.admin('bob', 'reader');
    const names = async (text: string) =>
      contract.admins.parse(await get('/v1/admins', text)).admins.map(({ name }) => name);

    expect(await names('role=reader')).toEqual(['bob']);
    expect(await names('certificate<30d and name=a*')).toEqual(['ann']);
    expect(await names('key=*')).toEqual([]);
  });

  it('results of a host by outcome and fix', async () => {
    const signed = { payload: new Uint8Array(), signature: new Uint8Array() };
    await lab.store.transaction(async ({ hosts, results }) => {
      await hosts.add(hostSample(1));
      for (const [number, outcome] of [
        [1, 'installed'],
        [2, 'failed'],
      ] as const) {
        const result = resultSample(number, { outcome, hostId: hostId(1), finishedAt: ago('PT2H') });
        await results.put(hostId(1), ago('PT1H'), result, signed);
      }
    });
    const numbers = async (text: string) => {
      const answer = contract.results.parse(await get(`/v1/hosts/${hostId(1)}/results`, text));

      return answer.results.map(({ result }) => result.number);
    };

    expect(await numbers('outcome=failed')).toEqual([2]);
    expect(await numbers('fix=openssl@* and finished>1h and received<=1h and not code=*')).toHaveLength(2);
  });

  it('entries of the ledger, page by page, none twice and none left out', async () => {
    await lab.store.transaction(async ({ audit }) => {
      for (let number = 1; number <= 25; number += 1) {
        const action = number % 2 === 0 ? 'host.accepted' : 'policy.pushed';
        await audit.append({ at: ago('PT1H'), actor: 'admin:ann', action, subject: `s-${number}` });
      }
    });
    const subjects: string[] = [];
    let of = 0;
    for (let after: number | null = 0; after !== null; ) {
      const query = { limit: '5', after: String(after) };
      const page = contract.auditPage.parse(await get('/v1/audit', 'action=host.* and at<2h', query));
      expect(page.entries.length).toBeLessThanOrEqual(5);
      subjects.push(...page.entries.map(({ subject }) => subject));
      of += page.selection?.of ?? 0;
      after = page.next;
    }

    expect(subjects).toEqual(Array.from({ length: 12 }, (_, index) => `s-${2 * (index + 1)}`));
    expect(of).toBe(25);
    const plain = contract.auditPage.parse((await lab.call('GET', '/v1/audit', { as: ann })).json);
    expect([plain.entries.length, plain.next, plain.selection]).toEqual([25, null, null]);
  });

  it('documents, which the command line asks itself', () => {
    const all = [windowSample(), hostGroupSample(), approvalSample({ expires: ahead('PT24H') })];
    const names = (text: string) => {
      const select = parseSelect(text, POLICY_WORDS);

      return all.filter((one) => evaluate(select, one, lab.clock.now()) === 'selected').map(({ kind }) => kind);
    };

    expect(names('kind=window or kind=HostGroup')).toEqual(['Window', 'HostGroup']);
    expect(names('expires<7d')).toEqual(['Approval']);
    expect(names('fix=openssl@* and lane=scheduled and policy=linux-*')).toEqual(['Approval']);
  });
});

describe('when fixes are listed', () => {
  beforeEach(async () => {
    await lab.store.transaction(async ({ hosts }) => {
      for (const number of [1, 2, 3]) await hosts.add(hostSample(number, { labels: { rack: [`r${number}`] } }));
    });
    const agent = (tier: string) => ({
      version: '0',
      mode: 'managed' as const,
      labels: { tier: [tier] },
      components: [],
    });
    const at = ago('PT1H');
    const curl = pendingSample({ name: 'curl', source: 'curl', candidateSourceVersion: '2', security: false });
    const known = (...pending: ReturnType<typeof pendingSample>[]) => ({ known: true as const, asOf: at, pending });
    await putInventory(lab.store, hostId(1), at, {
      os: OS_SECTION,
      agent: agent('web'),
      updates: known(pendingSample(), curl),
    });
    await putInventory(lab.store, hostId(2), at, { os: OS_SECTION, agent: agent('db'), updates: known(curl) });
  });

  const list = async (text: string) => {
    const { fixes, unknown, selection } = contract.fixes.parse(await get('/v1/fixes', text));

    return {
      fixes: fixes.map(({ source, hosts }) => `${source}: ${hosts.map(({ name }) => name)}`),
      silent: unknown.map(({ name }) => name),
      selection,
    };
  };

  it.each<[string, readonly string[], readonly string[]]>([
    ['tier=web', ['curl: host-1', 'openssl: host-1'], ['host-3']],
    ['tier=web and why=security', ['openssl: host-1'], ['host-3']],
    ['source=curl', ['curl: host-1,host-2,host-3'], ['host-3']],
    ['rack=r2', ['curl: host-2'], ['host-3']],
    ['name=host-2', ['curl: host-2'], []],
    ['package=open* and decision=open and standing=open', ['openssl: host-1'], ['host-3']],
    ['fix=curl@2 and not policy=* and provider=apt and not standing=unknown', ['curl: host-1,host-2'], ['host-3']],
    ['name=host-3', ['curl: host-3', 'openssl: host-3'], ['host-3']],
  ])('%s: %j; of %j it is not known', async (text, fixes, silent) => {
    const answer = await list(text);

    expect(answer.fixes.toSorted()).toEqual(fixes);
    expect(answer.silent).toEqual(silent);
  });

  it('what is counted are fixes on hosts', async () => {
    expect((await list('tier=web')).selection).toMatchObject({
      ...{ of: 5, selected: 2, unknown: 2, select: 'tier=web' },
      because: [{ field: 'tier', count: 2 }],
    });
  });

  it('the status counts the hosts selected', async () => {
    const { hosts, selection } = contract.status.parse(await get('/v1/status', 'tier=db or rack=r3'));

    expect(hosts).toMatchObject({ active: 2, unknown: 1 });
    expect(selection).toMatchObject({ of: 3, selected: 2 });
  });
});

it('a wrong text is refused on every list before anything is read, and the document of the API tells of the parameter', async () => {
  const { json } = await lab.call('GET', '/v1/openapi.json', { as: ann });
  interface Shown {
    readonly parameters?: readonly { readonly name: string; readonly description?: string }[];
    readonly responses?: Record<
      string,
      { content?: Record<string, { schema?: { properties?: Record<string, { type?: string }> } }> }
    >;
  }
  const paths = json.paths as Record<string, { readonly get?: Shown }>;
  const taking = Object.entries(paths).flatMap(([path, { get: route }]) => {
    const parameter = route?.parameters?.find(({ name }) => name === 'select');

    return parameter ? [{ path, description: parameter.description ?? '' }] : [];
  });
  // A list without it would be the odd one out. Not lists of things to choose from: the whole repository as it verifies.
  // Documents and what is worked out over all feeds: nothing in them is chosen one by one.
  const NO_LISTS = ['/v1/policy', '/v1/policy/proposals/{number}/files', '/v1/feeds/calendar', '/v1/reports/vendors'];
  const lists = Object.entries(paths).flatMap(([path, { get: route }]) => {
    const properties = route?.responses?.['200']?.content?.['application/json']?.schema?.properties ?? {};
    const one = /\{[a-z]+\}$/.test(path);

    return !one && Object.values(properties).some(({ type }) => type === 'array') ? [path] : [];
  });
  expect(lists.length).toBeGreaterThan(8);
  expect(lists.filter((path) => !taking.some((each) => each.path === path)).sort()).toEqual(NO_LISTS.sort());
  const known = ['/v1/hosts', '/v1/tokens', '/v1/admins', '/v1/alarms', '/v1/audit', '/v1/fixes', '/v1/status'];

  expect(taking.map(({ path }) => path)).toEqual(expect.arrayContaining([...known, '/v1/authorities/hosts']));
  for (const { path, description } of taking) {
    expect(description).toContain('docs/select.md');
    const concrete = path.replace('{host}', hostId(9));
    const { json: answer } = await lab.call('GET', `${concrete}?select=${encodeURIComponent('nonsense==x')}`, {
      as: ann,
    });
    expect([path, answer.code, answer.details]).toEqual([path, 'SELECT_INVALID', { column: 9, text: 'nonsense==x' }]);
  }
});

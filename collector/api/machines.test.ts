// Who may bring files and lists, how much, and what metrics say of coverage: on a real API.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hostSample } from '../store/samples.ts';
import { FILE_TYPE } from './contract/imports.ts';
import { type ApiLab, apiLab, type ClientIdentity } from './testing/api-lab.ts';
import { OS_SECTION, putInventory } from './testing/inventories.ts';

let lab: ApiLab;
let ann: ClientIdentity;
let rita: ClientIdentity;
const NOW = Temporal.Now.instant().toString();

beforeAll(async () => {
  lab = await apiLab();
  ann = await lab.admin('ann', 'admin');
  rita = await lab.admin('rita', 'reader');
  const host = hostSample(1, { name: 'web-1' });
  await lab.store.transaction(({ hosts }) => hosts.add(host));
  await putInventory(lab.store, host.id, NOW, { os: { ...OS_SECTION, hostname: 'web-1.example.org' } });
  lab.connected.add(host.id);
});
afterAll(() => lab.close());

const bring = (path: string, raw: string, as: ClientIdentity) => lab.call('POST', path, { as, raw, type: FILE_TYPE });

describe('when files and lists are brought', () => {
  it.each(['/v1/imports?name=x', '/v1/assets?file=x.csv', '/v1/assets/csv/remove', '/v1/imports/x/retire'])(
    'a reader may not: %s',
    async (path) => {
      expect(await bring(path, 'name\nx\n', rita)).toMatchObject({ status: 403, json: { code: 'FORBIDDEN' } });
    },
  );

  it('another kind of body, or none, is refused', async () => {
    expect((await lab.call('POST', '/v1/imports?name=x', { as: ann, body: {} })).json.code).toBe('REQUEST_INVALID');
    expect((await bring('/v1/imports?name=x', '', ann)).json.code).toBe('REQUEST_INVALID');
    expect((await bring('/v1/imports?name=..%2Fx', 'x', ann)).json.code).toBe('REQUEST_INVALID');
    expect((await bring('/v1/imports?name=x&label=broken', 'x', ann)).json.code).toBe('USAGE');
    expect((await bring('/v1/imports?name=x&owner=a%0Ab', 'x', ann)).json.code).toBe('REQUEST_INVALID');
    expect((await bring('/v1/assets?file=x.csv&format=xls', 'x', ann)).json.code).toBe('REQUEST_INVALID');
  });

  it('routes that take no files take no large bodies of that kind', async () => {
    const large = 'x'.repeat(100_000);

    expect(await bring('/v1/tokens', large, ann)).toMatchObject({ status: 413, json: { code: 'REQUEST_TOO_LARGE' } });
  });
});

describe('when a Prometheus asks', () => {
  const sample = async (name: string) => {
    const { text } = await lab.call('GET', '/v1/metrics', { as: rita });

    return text.split('\n').filter((line) => line.startsWith(`selvage_${name}`));
  };

  it('without a list it is told that the whole is what is known', async () => {
    expect(await sample('machines_expected')).toEqual(['selvage_machines_expected{basis="known"} 1']);
    expect(await sample('machines_list')).toEqual([]);
  });

  it('with one, every row and the age of the list; the rows add up', async () => {
    const date = '2026-11-20T00:00:00Z';
    const answer = await bring(`/v1/assets?file=x.csv&fileDate=${date}`, 'name\nweb-1\nlost-1\n', ann);
    expect(answer.status).toBe(200);
    expect(await sample('machines_expected')).toEqual(['selvage_machines_expected{basis="listed"} 2']);
    const rows = await sample('machines{');
    expect(rows).toContain('selvage_machines{row="agent"} 1');
    expect(rows).toContain('selvage_machines{row="missing"} 1');
    expect(rows.reduce((sum, line) => sum + Number(line.split(' ')[1]), 0)).toBe(2);
    expect(await sample('machines_list')).toEqual([
      `selvage_machines_list_timestamp_seconds ${Date.parse(date) / 1000}`,
    ]);
  });

  it('what a reader sees of it is matched by what the host says of itself', async () => {
    const { json } = await lab.call('GET', '/v1/coverage', { as: rita });

    expect(json).toMatchObject({ basis: 'listed', expected: 2, counts: { agent: 1, missing: 1 }, unexpected: 0 });
  });
});

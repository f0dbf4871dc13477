import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { reportText } from '../compare/testing/reports.ts';
import { OPENVEX_SAMPLE } from '../vex/testing/documents.ts';
import { type ApiLab, apiLab, type ClientIdentity } from './testing/api-lab.ts';

let lab: ApiLab;
let ann: ClientIdentity;
let rita: ClientIdentity;
const type = 'application/octet-stream';
const vex = JSON.stringify(OPENVEX_SAMPLE);
/** It would be its author's last word until then. */
const ahead = JSON.stringify({ ...OPENVEX_SAMPLE, '@id': 'urn:example:ahead', last_updated: '2099-01-01T00:00:00Z' });
beforeAll(async () => {
  lab = await apiLab();
  ann = await lab.admin('ann', 'admin');
  rita = await lab.admin('rita', 'reader');
});
afterAll(() => lab.close());

describe('when words of others come by the API', () => {
  it('a reader may look and may bring nothing', async () => {
    const upload = { as: rita, raw: vex, type };

    expect((await lab.call('GET', '/v1/vex', { as: rita })).json).toEqual({ documents: [], selection: null });
    expect((await lab.call('GET', '/v1/vex/export', { as: rita })).json).toMatchObject({ statements: 0 });
    expect((await lab.call('POST', '/v1/vex?file=x', upload)).json.code).toBe('FORBIDDEN');
    expect((await lab.call('POST', '/v1/findings/compare?file=x', upload)).json.code).toBe('FORBIDDEN');
    expect((await lab.call('POST', '/v1/vex/abc/remove', { as: rita, body: {} })).json.code).toBe('FORBIDDEN');
    expect(await lab.store.read.vex.documents()).toEqual([]);
  });

  it('what is imported is in the ledger with its hash, once, also when two bring it at the same moment', async () => {
    const upload = { as: ann, raw: vex, type };
    const answers = await Promise.all([1, 2].map(() => lab.call('POST', '/v1/vex?file=vendor.json', upload)));
    const [document] = await lab.store.read.vex.documents();
    const entries = (await lab.store.read.audit.after(0, 100)).filter(({ action }) => action === 'vex.imported');

    expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 409]);
    expect(entries).toMatchObject([{ actor: 'admin:ann', details: { sha256: document?.sha256, file: 'vendor.json' } }]);
    expect(await lab.store.read.vex.statements()).toHaveLength(2);
  });

  it.each([
    ['a body of another kind', '/v1/vex?file=x', { body: {} }, 'REQUEST_INVALID'],
    ['a file without a name', '/v1/vex', { raw: vex, type }, 'REQUEST_INVALID'],
    ['an output that there is not', '/v1/findings/compare?file=x&as=pdf', { raw: vex, type }, 'REQUEST_INVALID'],
    ['a report that is none', '/v1/findings/compare?file=x', { raw: vex, type }, 'SCAN_REPORT_INVALID'],
    ['a word from the future', '/v1/vex?file=x', { raw: ahead, type }, 'VEX_INVALID'],
    ['a document that is a report', '/v1/vex?file=x', { raw: reportText('trivy'), type }, 'VEX_INVALID'],
    [
      'a machine that there is not',
      '/v1/findings/compare?file=x&host=y',
      { raw: reportText('trivy'), type },
      'NOT_FOUND',
    ],
  ])('%s is refused', async (_what, path, options, code) => {
    expect((await lab.call('POST', path, { as: ann, ...options })).json.code).toBe(code);
  });

  it('whatever can be read can be kept, and is read from the store again', async () => {
    const [, fixed] = OPENVEX_SAMPLE.statements;
    const many = Array.from({ length: 12_000 }, (_, n) => ({ '@id': `pkg:deb/debian/p${n}` }));
    const long = { '@id': `urn:selvage:machine:${'x'.repeat(2000)}`, subcomponents: [{ '@id': 'pkg:deb/debian/x' }] };
    const text = JSON.stringify({
      ...OPENVEX_SAMPLE,
      statements: [
        { ...fixed, products: [{ '@id': 'urn:selvage:machine:host:1', subcomponents: many.slice(0, 9000) }, ...many] },
        { ...fixed, products: [long, { '@id': 'urn:selvage:machine:' }] },
      ].map((each) => ({ ...each, products: each.products.slice(0, 10_000) })),
    });
    const before = (await lab.store.read.vex.statements()).length;

    const kept = await lab.call('POST', '/v1/vex?file=long', { as: ann, raw: text, type });
    expect([kept.status, kept.json.document]).toMatchObject([200, { statements: 2 }]);
    expect((await lab.store.read.vex.statements()).length).toBe(before + 20);
    const statements = [{ ...fixed, vulnerability: { name: 'x'.repeat(1025) } }];
    const refused = JSON.stringify({ ...OPENVEX_SAMPLE, statements });
    expect((await lab.call('POST', '/v1/vex?file=x', { as: ann, raw: refused, type })).json.code).toBe('VEX_INVALID');
  });

  it('a text that selects nothing readable is refused', async () => {
    const path = `/v1/vex/export?select=${encodeURIComponent('tier==')}`;

    expect((await lab.call('GET', path, { as: rita })).json.code).toBe('SELECT_INVALID');
  });
});

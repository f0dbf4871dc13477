import { request } from 'node:https';
import { hasCode } from '@selvage/shared/errors/coded-error.ts';
import { createRequest } from '@selvage/shared/pki/csr.ts';
import { generateKey } from '@selvage/shared/pki/keys.ts';
import { approvalSample } from '@selvage/shared/policy/testing/sample-documents.ts';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { hashOf, hostId, hostSample, resultSample } from '../store/samples.ts';
import * as tokenShapes from './contract/tokens.ts';
import * as contract from './contract.ts';
import { type ApiLab, apiLab, type ClientIdentity } from './testing/api-lab.ts';
import { OS_SECTION, pendingSample, putInventory } from './testing/inventories.ts';

let lab: ApiLab;
let ann: ClientIdentity;
beforeEach(async () => {
  lab = await apiLab();
  ann = await lab.admin('ann', 'admin');
});
afterEach(() => lab.close());

const get = (path: string) => lab.call('GET', path, { as: ann });
const post = (path: string, body: unknown = {}) => lab.call('POST', path, { as: ann, body });
const lastEntry = async () => await lab.store.read.audit.head();

describe('when hosts are asked for', () => {
  beforeEach(async () => {
    await lab.store.transaction(async ({ hosts }) => {
      for (const number of [1, 2, 3]) await hosts.add(hostSample(number));
    });
    const agent = { version: '0.1.0', mode: 'managed' as const, labels: { tier: ['web'] }, components: [] };
    const at = '2026-11-23T10:00:00Z';
    const held = pendingSample({ name: 'curl', source: 'curl', held: true, security: false, phased: 10 });
    await putInventory(lab.store, hostId(1), at, {
      os: OS_SECTION,
      agent,
      updates: { known: true, asOf: at, pending: [pendingSample(), held] },
      reboot: { required: true, reasons: ['linux'] },
      kernel: { running: '6.1.0-41', runningVersion: '6.1.190', installed: [], newest: null },
      staleProcesses: { complete: false, unreadable: 3, processes: [] },
    });
    const reason = 'not refreshed for 10 days';
    await putInventory(lab.store, hostId(2), at, {
      updates: { known: false, asOf: null, reasons: [{ repository: 'main', code: 'REPOSITORY_OLD', reason }] },
    });
    lab.connected.add(hostId(1));
  });

  it('counts are of the newest inventory', async () => {
    const { hosts } = contract.hosts.parse((await get('/v1/hosts')).json);

    expect(hosts[0]).toMatchObject({
      ...{ name: 'host-1', connected: true, upgradable: 2, security: 1, held: 1, phased: 1, rebootRequired: true },
      labels: { tier: ['web'] },
      unknown: [],
    });
  });

  it('what is unknown is null with its reason, never 0', async () => {
    const { hosts } = contract.hosts.parse((await get('/v1/hosts')).json);

    expect(hosts[1]).toMatchObject({
      ...{ upgradable: null, security: null, held: null, phased: null, rebootRequired: null },
      unknown: ['main: not refreshed for 10 days'],
    });
    expect(hosts[2]).toMatchObject({ upgradable: null, security: null, unknown: ['no inventory has arrived yet'] });
    const status = contract.status.parse((await get('/v1/status')).json);
    expect(status.hosts).toEqual({ active: 3, pending: 0, revoked: 0, retired: 0, connected: 1, unknown: 2 });
  });

  it('one host is found by name and by id, whole', async () => {
    const detail = contract.hostDetail.parse((await get('/v1/hosts/host-1')).json);

    expect(detail).toMatchObject({
      ...{ id: hostId(1), hostname: 'web-1.example.org', packages: null, staleProcesses: 0 },
      ...{ staleProcessesComplete: false, kernel: { running: '6.1.0-41', installed: [] } },
    });
    expect(detail.pending).toHaveLength(2);
    expect((await get(`/v1/hosts/${hostId(2)}`)).json).toMatchObject({
      packageLists: { asOf: null, stale: [{ repository: 'main', code: 'REPOSITORY_OLD' }] },
      pending: null,
    });
  });

  it('one that does not exist is not found', async () => {
    expect(await get('/v1/hosts/host-9')).toMatchObject({ status: 404, json: { code: 'NOT_FOUND' } });
  });

  it('revoking one ends its trust, says so to the gateway, and is in the ledger under the admin', async () => {
    const answer = await post('/v1/hosts/host-1/revoke', { reason: 'stolen' });

    expect(answer).toMatchObject({ status: 200, json: { state: 'revoked' } });
    expect(lab.disconnected).toEqual([hostId(1)]);
    expect(await lastEntry()).toMatchObject({
      ...{ actor: 'admin:ann', action: 'host.revoked', subject: `host:${hostId(1)}` },
      details: { reason: 'stolen' },
    });
    const active = contract.hosts.parse((await get('/v1/hosts')).json).hosts;
    expect(active.map(({ name }) => name)).toEqual(['host-2', 'host-3']);
    expect(contract.hosts.parse((await get('/v1/hosts?state=all')).json).hosts).toHaveLength(3);
  });

  it('results come newest first', async () => {
    const signed = { payload: new Uint8Array([1]), signature: new Uint8Array([2]) };
    await lab.store.transaction(async ({ results }) => {
      for (const number of [1, 2]) {
        const result = resultSample(number, { hostId: hostId(1) });
        await results.put(hostId(1), hostSample(1).enrolledAt, result, signed);
      }
    });
    const { results } = contract.results.parse((await get('/v1/hosts/host-1/results?limit=1')).json);

    expect(results.map(({ result }) => result.number)).toEqual([2]);
  });

  it('fixes are made of what hosts report, and hosts nothing is known of are named', async () => {
    const approval = approvalSample({ expires: lab.clock.now().add({ hours: 1 }).round('second').toString() });
    const path = 'approvals/2026-11/x.json';
    const documents = [{ path, sha256: hashOf('x'), document: approval, role: 'approvals-2026-11' }];
    lab.policy.current = { ...lab.policy.current, documents };
    const { fixes, unknown } = contract.fixes.parse((await get('/v1/fixes')).json);

    expect(unknown.map(({ name }) => name)).toEqual(['host-2', 'host-3']);
    expect(fixes.find(({ source }) => source === 'openssl')).toMatchObject({
      ...{ id: 'openssl@3.0.22-1~deb12u2', security: true },
      approval: { policy: 'linux-servers' },
    });
    const one = await get(`/v1/fixes/${encodeURIComponent('openssl@3.0.22-1~deb12u2')}`);
    expect(contract.fix.parse(one.json).hosts.find(({ name }) => name === 'host-1')?.state).toBe('approved');
    expect(await get('/v1/fixes/none@1')).toMatchObject({ status: 404, json: { code: 'NOT_FOUND' } });
  });
});

describe('when tokens are made', () => {
  it('the secret is in that answer only, and the ledger names the admin', async () => {
    const made = tokenShapes.createdHostToken.parse((await post('/v1/tokens', { host: 'Web-1', expires: '1h' })).json);
    const listed = await get('/v1/tokens');

    expect(made).toMatchObject({ boundTo: 'web-1', collector: 'wss://c:1', pin: 'sha256:a' });
    expect(listed.text).not.toContain(made.token);
    expect(tokenShapes.tokens.parse(listed.json).tokens).toMatchObject([
      { id: made.id, state: 'open', boundTo: 'web-1' },
    ]);
    expect(await lastEntry()).toMatchObject({ actor: 'admin:ann', action: 'token.created' });
    expect(JSON.stringify(await lab.store.read.audit.after(0, 10))).not.toContain(made.token);
  });

  it('a revoked or expired one says so', async () => {
    const first = tokenShapes.createdHostToken.parse((await post('/v1/tokens', { host: 'a', expires: '1h' })).json);
    await post('/v1/tokens', { host: 'b', expires: '1h' });
    expect(await post(`/v1/tokens/${first.id}/revoke`)).toMatchObject({
      status: 200,
      json: { token: { state: 'revoked' } },
    });
    await lab.clock.advance(2 * 3_600_000);

    const { tokens } = tokenShapes.tokens.parse((await get('/v1/tokens')).json);
    expect(tokens.map(({ state }) => state).toSorted()).toEqual(['expired', 'revoked']);
    expect(await post('/v1/tokens/none/revoke')).toMatchObject({ status: 404, json: { code: 'NOT_FOUND' } });
  });

  it.each(['0h', '31d', 'soon'])('a life of %s is refused', async (expires) => {
    expect(await post('/v1/tokens', { host: 'a', expires })).toMatchObject({
      status: 400,
      json: { code: 'REQUEST_INVALID' },
    });
    expect(await lab.store.read.tokens.list()).toEqual([]);
  });
});

describe('when admins are added', () => {
  const login = async (token: string, name: string) => {
    const csr = createRequest({ commonName: name, privateKey: generateKey().privateKey });

    return lab.call('POST', '/v1/login', { body: { token, name, csr } });
  };

  it('a one-time token bound to the name becomes a certificate, once, with the role it was made for', async () => {
    const made = contract.createdToken.parse((await post('/v1/admins', { name: 'rita', role: 'reader' })).json);

    expect(await login(made.token, 'other')).toMatchObject({ json: { code: 'TOKEN_WRONG_HOST' } });
    expect(await login(made.token, 'rita')).toMatchObject({ status: 200 });
    expect(await login(made.token, 'rita')).toMatchObject({ json: { code: 'TOKEN_USED' } });
    expect((await get('/v1/admins')).json).toMatchObject({
      admins: [
        { name: 'ann', role: 'admin' },
        { name: 'rita', role: 'reader', state: 'active' },
      ],
    });
  });

  it('revoking one is in the ledger, and ends that admin', async () => {
    const bob = await lab.admin('bob', 'admin');
    expect(await post('/v1/admins/bob/revoke')).toMatchObject({ status: 200, json: { state: 'revoked' } });

    expect(await lastEntry()).toMatchObject({ actor: 'admin:ann', action: 'admin.revoked', subject: 'admin:bob' });
    expect(await lab.call('GET', '/v1/hosts', { as: bob })).toMatchObject({
      status: 401,
      json: { code: 'ADMIN_REVOKED' },
    });
  });
});

describe('when the last admin is to be revoked', () => {
  it('is refused, also when readers are left', async () => {
    await lab.admin('rita', 'reader');

    expect(await post('/v1/admins/ann/revoke')).toMatchObject({ status: 403, json: { code: 'FORBIDDEN' } });
    expect(await get('/v1/hosts')).toMatchObject({ status: 200 });
  });
});

describe('when policy is pushed', () => {
  it('the files arrive as their bytes and the ledger names the admin', async () => {
    const body = { metadata: [{ name: '2.policy.json', content: '{"ö":1}' }], targets: [] };

    expect(await post('/v1/policy', body)).toMatchObject({ status: 200, json: { timestampVersion: 2 } });
    expect(await lastEntry()).toMatchObject({ actor: 'admin:ann', action: 'policy.pushed', subject: '2.policy.json' });
  });
});

describe('when a request is wrong', () => {
  it('every wrong path is named at once', async () => {
    const answer = await post('/v1/admins', { name: 'UPPER', role: 'king', extra: 1 });

    expect(answer).toMatchObject({ status: 400, json: { code: 'REQUEST_INVALID' } });
    expect(answer.json.details).toMatchObject({
      errors: [{ path: 'body.name' }, { path: 'body.role' }, { path: 'body' }],
    });
  });

  it.each([
    ['not JSON', { raw: '{' }, 400, 'REQUEST_INVALID'],
    ['too large', { raw: JSON.stringify({ host: 'x'.repeat(70_000) }) }, 413, 'REQUEST_TOO_LARGE'],
    ['no body', {}, 400, 'REQUEST_INVALID'],
  ])('%s', async (_name, options, status, code) => {
    const answer = await lab.call('POST', '/v1/tokens', { as: ann, ...options });

    expect([answer.status, answer.json.code]).toEqual([status, code]);
    expect(answer.text).not.toMatch(/node_modules|at .*\.ts/);
  });

  it('an unknown address is not found, for admins only', async () => {
    expect(await get('/v1/nothing')).toMatchObject({ status: 404, json: { code: 'NOT_FOUND' } });
    expect(await lab.call('GET', '/v1/nothing')).toMatchObject({ status: 401, json: { code: 'UNAUTHENTICATED' } });
  });

  it('what breaks inside is told to the log, not to the client', async () => {
    lab.deps.store.read.hosts.list = async () => {
      throw new TypeError('secret path /var/lib');
    };
    const answer = await get('/v1/hosts');

    expect([answer.status, answer.json.code]).toEqual([500, 'INTERNAL']);
    expect(answer.text).not.toContain('secret');
  });
});

describe('when the ledger is read', () => {
  it('comes in pages with its head', async () => {
    for (const host of ['a', 'b', 'c']) await post('/v1/tokens', { host });
    const page = contract.auditPage.parse((await get('/v1/audit?after=1&limit=1')).json);
    const { head } = contract.auditHead.parse((await get('/v1/audit/head')).json);

    expect(page.entries.map(({ sequence }) => sequence)).toEqual([2]);
    expect(head).toMatchObject({ sequence: 3 });
    expect(await get('/v1/audit?limit=100000')).toMatchObject({ status: 400, json: { code: 'REQUEST_INVALID' } });
  });
});

describe('when the OpenAPI document is read', () => {
  it('describes every route with its schemas', async () => {
    const { json } = await get('/v1/openapi.json');
    const paths = json.paths as Record<string, Record<string, { requestBody?: object; responses?: object }>>;

    expect(json.openapi).toBe('3.1.0');
    expect(Object.keys(paths)).toContain('/v1/hosts/{host}/revoke');
    expect(paths['/v1/tokens']?.post?.requestBody).toBeDefined();
    expect(JSON.stringify(paths['/v1/status']?.get?.responses)).toContain('gatewayPin');
  });
});

describe('when events are followed', () => {
  const follow = async (as: ClientIdentity) => {
    const chunks: string[] = [];
    let heard: () => void = () => undefined;
    const response = await new Promise<import('node:http').IncomingMessage>((resolve, reject) => {
      const options = { host: '127.0.0.1', port: lab.port, path: '/v1/events', ca: lab.admins.certificate };
      request({ ...options, ...as, agent: false }, resolve)
        .on('error', reject)
        .end();
    });
    const ended = new Promise<void>((resolve) => {
      response.on('close', () => resolve());
    });
    response.on('data', (chunk: Buffer) => {
      chunks.push(chunk.toString('utf8'));
      heard();
    });
    const until = async (text: string) => {
      while (!chunks.join('').includes(text)) {
        await new Promise<void>((resolve) => {
          heard = resolve;
        });
      }
    };

    return { until, ended, text: () => chunks.join('') };
  };

  it('they arrive as they happen', async () => {
    const stream = await follow(ann);
    await stream.until('connected');
    lab.events.publish({ type: 'policy.changed', timestampVersion: 7 });
    await stream.until('policy.changed');

    expect(stream.text()).toContain('data: {"type":"policy.changed","timestampVersion":7}');
  });

  it('who is revoked while listening is cut off', async () => {
    const bob = await lab.admin('bob', 'admin');
    const stream = await follow(bob);
    await stream.until('connected');
    await post('/v1/admins/bob/revoke');
    await lab.clock.sleeping(1);
    await lab.clock.advance(15_000);
    await stream.ended;
    lab.events.publish({ type: 'policy.changed', timestampVersion: 8 });

    expect(stream.text()).not.toContain('policy.changed');
  });

  it('closing the API ends them', async () => {
    const other = await apiLab();
    const stream = await new Promise<import('node:http').IncomingMessage>((resolve) => {
      void other.admin('ann', 'admin').then((as) => {
        const options = { host: '127.0.0.1', port: other.port, path: '/v1/events', ca: other.admins.certificate };
        request({ ...options, ...as, agent: false }, resolve).end();
      });
    });
    stream.resume();
    const ended = new Promise((resolve) => stream.on('close', resolve));
    await other.close();

    await ended;
  });
});

describe('when a client asks for first contact', () => {
  it('needs no certificate and is bounded', async () => {
    expect(await lab.call('GET', '/v1/trust')).toMatchObject({ status: 200, json: { root: expect.any(String) } });
    const large = await lab
      .call('POST', '/v1/login', { raw: JSON.stringify({ token: 'x'.repeat(20_000) }) })
      .catch((error: unknown) => error);
    expect(await lab.call('GET', '/v1/trust?x')).toMatchObject({ status: 404, json: { code: 'NOT_FOUND' } });
    expect(hasCode(large) ? large.code : (large as { json: { code: string } }).json.code).toBe('FRAME_TOO_LARGE');
  });
});

import type { HostId, Timestamp } from '@selvage/shared/model/ids.ts';
import { adminUri, hostUri } from '@selvage/shared/pki/certificate.ts';
import { systemRandom } from '@selvage/shared/random.ts';
import type { RouteOptions } from 'fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeAuthority } from '../enrollment/authorities.ts';
import { hostSample } from '../store/samples.ts';
import { buildApi } from './server.ts';
import { type ApiLab, apiLab, type ClientIdentity } from './testing/api-lab.ts';

interface Listed {
  readonly method: string;
  readonly url: string;
  readonly guard: string | undefined;
}

/** Every route that fastify really serves, asked of fastify itself. */
async function routesOf(lab: ApiLab): Promise<readonly Listed[]> {
  const routes: Listed[] = [];
  const app = await buildApi(lab.deps, (route: RouteOptions) => {
    for (const method of [route.method].flat()) {
      routes.push({ method, url: route.url, guard: route.config?.guard });
    }
  });
  await app.close();

  return routes;
}

/** What changes nothing but the caller's own certificate, and what only reads a body. */
const CHANGING_NOTHING = ['/v1/admins/self/renew', '/v1/scan'];

const filled = (url: string) => url.replace(':host', 'web-1').replace(':id', 'x').replace(':name', 'nobody');

describe('when the routes of the API are listed', () => {
  let lab: ApiLab;
  let routes: readonly Listed[];
  let reader: ClientIdentity;
  beforeAll(async () => {
    lab = await apiLab();
    routes = await routesOf(lab);
    reader = await lab.admin('rita', 'reader');
  });
  afterAll(() => lab.close());

  it('each has a guard', () => {
    expect(routes.length).toBeGreaterThan(15);
    expect(routes.filter(({ guard }) => !['public', 'reader', 'admin'].includes(String(guard)))).toEqual([]);
  });

  it('only first contact is public', () => {
    expect(routes.filter(({ guard }) => guard === 'public').map(({ method, url }) => `${method} ${url}`)).toEqual([
      'GET /v1/trust',
      'POST /v1/login',
    ]);
  });

  it('every route that changes something needs the role admin', () => {
    const changing = routes.filter(
      ({ method, url, guard }) => method !== 'GET' && guard !== 'public' && !CHANGING_NOTHING.includes(url),
    );

    expect(changing.length).toBeGreaterThan(4);
    expect(changing.filter(({ guard }) => guard !== 'admin')).toEqual([]);
  });

  it('none answers a client without a certificate', async () => {
    for (const { method, url, guard } of routes) {
      if (guard === 'public') continue;
      const answer = await lab.call(method, filled(url), method === 'POST' ? { body: {} } : {});

      expect([method, url, answer.status, answer.json.code]).toEqual([method, url, 401, 'UNAUTHENTICATED']);
    }
  });

  it('none that needs an admin answers a reader', async () => {
    for (const { method, url, guard } of routes) {
      if (guard !== 'admin') continue;
      const answer = await lab.call(method, filled(url), { as: reader, ...(method === 'GET' ? {} : { body: {} }) });

      expect([method, url, answer.status, answer.json.code]).toEqual([method, url, 403, 'FORBIDDEN']);
    }
    expect(await lab.store.read.audit.head()).toBeNull();
  });

  it('a route that was added without a guard answers nobody', async () => {
    const app = await buildApi(lab.deps, () => undefined, [(bare) => void bare.get('/v1/bare', async () => ({}))]);
    await app.listen({ host: '127.0.0.1', port: 0 });
    const address = app.server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const admin = await lab.admin('bo', 'admin');
    const answer = await lab.call('GET', '/v1/bare', { as: admin, port });
    await app.close();

    expect([answer.status, answer.json.code]).toEqual([403, 'FORBIDDEN']);
  });
});

describe('when a client shows a certificate', () => {
  let lab: ApiLab;
  beforeAll(async () => {
    lab = await apiLab();
  });
  afterAll(() => lab.close());
  const ask = async (as: ClientIdentity) => {
    const { status, json } = await lab.call('GET', '/v1/hosts', { as });

    return [status, json.code];
  };

  it('an active admin is let in', async () => {
    expect(await ask(await lab.admin('ann', 'admin'))).toEqual([200, undefined]);
  });

  it('a host certificate is refused, also for an enrolled host', async () => {
    const id = '00000000-0000-4000-8000-000000000001' as HostId;
    await lab.store.transaction((writers) => writers.hosts.add(hostSample(1, { id })));

    expect(await ask(lab.certificate(lab.hosts, hostUri(id)))).toEqual([401, 'CERTIFICATE_INVALID']);
  });

  it('a host certificate that names an admin is refused', async () => {
    expect(await ask(lab.certificate(lab.hosts, adminUri('ann')))).toEqual([401, 'CERTIFICATE_INVALID']);
  });

  it('one of another authority of the same name is refused', async () => {
    const other = makeAuthority('admins', { now: Temporal.Now.instant(), random: systemRandom });

    expect(await ask(lab.certificate(other, adminUri('ann')))).toEqual([401, 'CERTIFICATE_INVALID']);
  });

  it('one of the right authority that the store does not know is refused', async () => {
    expect(await ask(lab.certificate(lab.admins, adminUri('ann')))).toEqual([401, 'UNAUTHENTICATED']);
  });

  it('a revoked admin is refused at once', async () => {
    const eve = await lab.admin('eve', 'admin');
    expect(await ask(eve)).toEqual([200, undefined]);
    const at = lab.clock.now().toString() as Timestamp;
    await lab.store.transaction((writers) => writers.admins.revoke('eve', at));

    expect(await ask(eve)).toEqual([401, 'ADMIN_REVOKED']);
  });

  it('an admin whose certificate ran out by the clock of the collector is refused', async () => {
    const old = await lab.admin('old', 'admin');
    await lab.clock.advance(2 * 86_400_000);

    expect(await ask(old)).toEqual([401, 'CERTIFICATE_EXPIRED']);
  });

  it('TLS 1.2 gets no connection', async () => {
    await expect(lab.call('GET', '/v1/trust', { maxVersion: 'TLSv1.2' })).rejects.toThrow(/protocol version/);
  });
});

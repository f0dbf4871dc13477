// Every way in, of both ports, in one list: a new one is not served before somebody has written down here what guards it.

import { once } from 'node:events';
import { request } from 'node:https';
import { systemRandom } from '@selvage/shared/random.ts';
import { fakeClock } from '@selvage/shared/testing/fake-clock.ts';
import { describe, expect, it } from 'vitest';
import { buildApi } from './api/server.ts';
import { apiLab, LOAD } from './api/testing/api-lab.ts';
import { makeAuthority as makeCa } from './enrollment/authorities.ts';
import { createEnrollment } from './enrollment/enrollment.ts';
import { enrollmentRoutes } from './enrollment/routes.ts';
import { Events } from './events.ts';
import { GATEWAY_ROUTES } from './gateway/routes.ts';
import { makeAuthority, makeHost, makeWorld, refusal, type World } from './gateway/testing/world.ts';

const API = [
  'GET /v1/admins reader',
  'GET /v1/admins/self reader',
  'GET /v1/alarms reader',
  'GET /v1/assets reader',
  'GET /v1/audit reader',
  'GET /v1/audit/head reader',
  'GET /v1/authorities/hosts admin',
  'GET /v1/changed-outside reader',
  'GET /v1/coverage reader',
  'GET /v1/events reader',
  'GET /v1/feeds reader',
  'GET /v1/feeds/calendar reader',
  'GET /v1/feeds/jobs/:id reader',
  'GET /v1/findings reader',
  'GET /v1/findings/:machine/:cve reader',
  'GET /v1/fixes reader',
  'GET /v1/fixes/:id reader',
  'GET /v1/hosts reader',
  'GET /v1/hosts/:host reader',
  'GET /v1/hosts/:host/history reader',
  'GET /v1/hosts/:host/results reader',
  'GET /v1/imports reader',
  'GET /v1/imports/:name reader',
  'GET /v1/metrics reader',
  'GET /v1/openapi.json reader',
  'GET /v1/policy reader',
  'GET /v1/policy/proposals reader',
  'GET /v1/policy/proposals/:number/files reader',
  'GET /v1/reports/exposure reader',
  'GET /v1/reports/triage reader',
  'GET /v1/reports/vendors reader',
  'GET /v1/status reader',
  'GET /v1/todo reader',
  'GET /v1/tokens reader',
  'GET /v1/trust public',
  'GET /v1/vex reader',
  'GET /v1/vex/export reader',
  'POST /v1/admins admin',
  'POST /v1/admins/:name/revoke admin',
  // Of its own certificate only: whoever asks proves the one that it has.
  'POST /v1/admins/self/renew reader',
  'POST /v1/assets admin',
  'POST /v1/assets/:source/remove admin',
  'POST /v1/authorities/hosts/begin admin',
  'POST /v1/authorities/hosts/finish admin',
  'POST /v1/authorities/hosts/switch admin',
  'POST /v1/feeds/:name/update admin',
  'POST /v1/feeds/import admin',
  'POST /v1/feeds/update admin',
  'POST /v1/feeds/uploads admin',
  'POST /v1/feeds/uploads/:id admin',
  'POST /v1/findings/compare admin',
  'POST /v1/hosts/:host/readmit admin',
  'POST /v1/hosts/:host/revoke admin',
  'POST /v1/hosts/changes admin',
  'POST /v1/imports admin',
  'POST /v1/imports/:name/retire admin',
  'POST /v1/login public',
  'POST /v1/policy admin',
  'POST /v1/policy/online-keys admin',
  'POST /v1/policy/proposals admin',
  'POST /v1/policy/proposals/:number/decline admin',
  'POST /v1/policy/signatures admin',
  // Software that somebody has; nothing of it is kept.
  'POST /v1/scan reader',
  'POST /v1/tokens admin',
  'POST /v1/tokens/:id/revoke admin',
  'POST /v1/vex admin',
  'POST /v1/vex/:id/remove admin',
];
const GATEWAY = ['GET /v1/trust public', 'POST /v1/enroll token', 'GET /v1/connect certificate'];

async function ask(world: World, method: string, path: string, body?: string) {
  const sent = request({
    ...{ host: '127.0.0.1', port: world.gateway.port, method, path, ca: world.authority.certificate, agent: false },
    headers: body === undefined ? {} : { 'content-type': 'application/json' },
  });
  sent.end(body);
  const [response] = await once(sent, 'response');
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);

  return { status: response.statusCode as number, text: Buffer.concat(chunks).toString() };
}

describe('when every route of the API is listed', () => {
  it('it is in the list above with its guard, and nothing else is served', async () => {
    const lab = await apiLab();
    const found: string[] = [];
    const app = await buildApi(lab.deps, ({ method, url, config }) => {
      for (const each of [method].flat()) found.push(`${each} ${url} ${config?.guard ?? 'NO GUARD'}`);
    });
    await app.close();
    await lab.close();

    expect(found.sort()).toEqual(API);
  });
});

describe('when every route of the gateway is listed', () => {
  it('it is in the list above with its guard', () => {
    expect(GATEWAY_ROUTES.map(({ method, path, guard }) => `${method} ${path} ${guard}`)).toEqual(GATEWAY);
  });

  it('what is not listed is served to nobody, also when a handler would answer it', async () => {
    const world = await makeWorld({
      routes: (_request, response) => {
        response.end('here you are');

        return true;
      },
    });
    const paths = ['/', '/v1', '/v1/hosts', '/v1/trust/', '/v1/trust?x=1', '/v1/Trust', '/v1/connect', '//v1/trust'];
    for (const path of paths) expect([path, (await ask(world, 'GET', path)).status]).toEqual([path, 404]);
    expect(await ask(world, 'GET', '/v1/trust')).toEqual({ status: 200, text: 'here you are' });
  });

  it('each holds what its guard says: public tells no secret, token wants one, certificate wants one of an enrolled host', async () => {
    const clock = fakeClock(Temporal.Now.instant().toString());
    const at = { now: clock.now(), random: systemRandom };
    const [hosts, admins] = [makeCa('hosts', at), makeCa('admins', at)];
    const lab = await apiLab();
    const enrollment = createEnrollment({
      ...{ store: lab.store, hosts, admins, clock, random: systemRandom, events: new Events() },
      root: async () => Buffer.from('{"root":1}'),
    });
    const world = await makeWorld({ routes: enrollmentRoutes(enrollment) });

    for (const { kind, method, path, guard } of GATEWAY_ROUTES) {
      if (guard === 'public') {
        const { status, text } = await ask(world, method, path);
        expect(status).toBe(200);
        expect(text).not.toContain('PRIVATE');
      } else if (guard === 'token') {
        for (const body of ['{}', '{"token":"made-up"}', 'null']) {
          expect((await ask(world, method, path, body)).status).toBeGreaterThanOrEqual(400);
        }
      } else {
        expect(kind).toBe('upgrade');
        for (const who of [null, makeHost(makeAuthority(), 1), makeHost(world.authority, 1)]) {
          expect((await refusal(world.dial(who))).status).toBe(401);
        }
      }
    }
    expect(await lab.store.read.hosts.list()).toEqual([]);
    await lab.close();
  });
});

describe('when a reader asks for metrics', () => {
  it('it gets them as Prometheus reads them; without a certificate nobody does', async () => {
    const lab = await apiLab();
    const rita = await lab.admin('rita', 'reader');
    const { status, headers, text } = await lab.call('GET', '/v1/metrics', { as: rita });

    expect(status).toBe(200);
    expect(headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8');
    // Text format: every line a comment or a name, maybe labels, and a number.
    for (const line of text.trimEnd().split('\n')) {
      expect(line).toMatch(/^(# (HELP|TYPE) selvage_\w+ .+|selvage_\w+(\{\w+="[\w.]+"\})? \d+(\.\d+)?)$/);
    }
    expect(text).toContain('selvage_event_loop_lag_seconds{quantile="0.99"} 0.0025\n');
    expect(text).toContain('selvage_refused_total{code="RATE_LIMITED"} 4\n');
    expect(text).toContain('selvage_sockets_total{outcome="shed"} 1\n');
    expect((await lab.call('GET', '/v1/metrics')).status).toBe(401);

    const { json } = await lab.call('GET', '/v1/status', { as: rita });
    expect(json.load).toEqual(LOAD);
    await lab.close();
  });
});

// The authority of hosts: which is trusted, which signs, who follows; and the three steps of replacing it.
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { selectText } from '../contract/select.ts';
import { authorities, authorityStep } from '../contract.ts';
import type { ApiDeps, AuthoritiesPort } from '../deps.ts';
import { selectHosts } from '../host-select.ts';
import { addRoute } from '../route.ts';

type View = Awaited<ReturnType<AuthoritiesPort['view']>>;

export function addAuthorities(app: FastifyInstance, deps: ApiDeps): void {
  addRoute(app, {
    method: 'GET',
    url: '/v1/authorities/hosts',
    guard: 'admin',
    summary: 'Authorities of hosts, how far a replacement is, and which hosts are in the way of its next step',
    query: z.strictObject({ select: selectText }),
    reply: authorities,
    handle: async ({ query }) => {
      const view = await deps.authorities.view();
      if (query.select === undefined) return shown(view);
      const behind = new Map(view.behind.map((host) => [host.id, host]));
      const { chosen, selection } = await selectHosts(deps, {
        select: query.select,
        among: ({ id }) => behind.has(id),
      });
      const named = chosen.flatMap(({ record }) => behind.get(record.id) ?? []);

      return { ...shown({ ...view, behind: named }), selection };
    },
  });

  addRoute(app, {
    method: 'POST',
    url: '/v1/authorities/hosts/begin',
    guard: 'admin',
    summary: 'Make the next authority of hosts, endorsed by the present one; both are trusted from now on',
    reply: authorities,
    handle: async ({ actor }) => shown(await deps.authorities.begin(actor)),
  });

  addRoute(app, {
    method: 'POST',
    url: '/v1/authorities/hosts/switch',
    guard: 'admin',
    summary: 'Let the next authority sign; refused while hosts do not trust it, unless they are left behind',
    body: authorityStep,
    reply: authorities,
    handle: async ({ actor, body }) => shown(await deps.authorities.switchOver(actor, body)),
  });

  addRoute(app, {
    method: 'POST',
    url: '/v1/authorities/hosts/finish',
    guard: 'admin',
    summary: 'Trust the old authority no more; refused while hosts depend on it, unless they are left behind',
    body: authorityStep,
    reply: authorities,
    handle: async ({ actor, body }) => shown(await deps.authorities.finish(actor, body)),
  });
}

function shown({ phase, begunAt, authorities: all, behind }: View) {
  return {
    phase,
    begunAt,
    authorities: all.map((one) => ({ ...one })),
    behind: behind.map((one) => ({ ...one })),
    selection: null,
  };
}

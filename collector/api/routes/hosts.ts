// Hosts: what each is and misses by its newest inventory, its results, and its revocation.
import { selectorOf } from '@selvage/shared/policy/select.ts';
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { selectText } from '../contract/select.ts';
import { hostDetail, hosts, readmitRequest, readmitted, results, revokeRequest } from '../contract.ts';
import type { ApiDeps } from '../deps.ts';
import { hostOf } from '../found.ts';
import { hostsQuery, listHosts } from '../host-list.ts';
import { planOf } from '../host-plan.ts';
import { detailOf, twinsOf, withSigned } from '../host-view.ts';
import { addRoute } from '../route.ts';
import { selectableOf } from '../selectable.ts';
import { choose, readSelect } from '../selecting.ts';
import { RESULT_WORDS } from '../words/results.ts';

const MAX_RESULTS = 500;
const SOME_RESULTS = 50;
const params = z.strictObject({ host: z.string().min(1).max(253) });

export function addHosts(app: FastifyInstance, deps: ApiDeps): void {
  const { store, enrollment, connections, policy, clock } = deps;
  const detail = async (idOrName: string) => {
    const record = await hostOf(store.read.hosts, idOrName);
    const [inventory, sections, results, current, machines, successor] = await Promise.all([
      store.read.inventory.latest(record.id),
      store.read.inventory.sections(record.id),
      store.read.results.ofHost(record.id, MAX_RESULTS),
      policy.current(),
      store.read.hosts.byMachine(record.machineId),
      store.read.hosts.successor(record.id),
    ]);
    const documents = current.documents.map(({ document }) => document);

    const shown = detailOf(record, {
      connectedSince: connections.connectedSince(record.id)?.toString() ?? null,
      inventory,
      sections,
      sameMachineAs: twinsOf([record, ...machines.filter(({ id }) => id !== record.id)])(record),
      replacedBy: successor?.id ?? null,
      plan: (known) => planOf({ host: record, ...known, documents, results, now: clock.now() }),
    });

    return withSigned(shown, selectorOf(documents).labelsOf(selectableOf(shown)).labels);
  };

  addRoute(app, {
    method: 'GET',
    url: '/v1/hosts',
    guard: 'reader',
    summary: 'Hosts with the counts of their newest inventory, a page at a time with `limit`; an unknown count is null',
    query: hostsQuery,
    reply: hosts,
    long: true,
    handle: ({ query }) => listHosts(deps, query),
  });

  addRoute(app, {
    method: 'GET',
    url: '/v1/hosts/:host',
    guard: 'reader',
    summary: 'One host, by id or name, with its pending updates',
    params,
    reply: hostDetail,
    handle: ({ params }) => detail(params.host),
  });

  addRoute(app, {
    method: 'GET',
    url: '/v1/hosts/:host/results',
    guard: 'reader',
    summary: 'What the runner of the host did, newest first',
    params,
    query: z.strictObject({
      limit: z.coerce.number().int().positive().max(MAX_RESULTS).default(SOME_RESULTS),
      select: selectText,
    }),
    reply: results,
    handle: async ({ params, query }) => {
      const select = readSelect(query.select, RESULT_WORDS);
      const { id } = await hostOf(store.read.hosts, params.host);
      const newest = await store.read.results.ofHost(id, select === null ? query.limit : MAX_RESULTS);
      const { chosen, selection } = await choose(newest, select, clock.now());

      return { results: chosen.slice(0, query.limit), selection };
    },
  });

  addRoute(app, {
    method: 'POST',
    url: '/v1/hosts/:host/revoke',
    guard: 'admin',
    summary: 'End the trust in a host and close its connection at once',
    params,
    body: revokeRequest,
    reply: hostDetail,
    handle: async ({ params, body, actor }) => {
      const { id } = await hostOf(store.read.hosts, params.host);
      await enrollment.revokeHost(id, actor, body.reason);

      return detail(id);
    },
  });

  addRoute(app, {
    method: 'POST',
    url: '/v1/hosts/:host/readmit',
    guard: 'admin',
    summary: 'End the quarantine of a host and let it renew its certificate, within a day, whatever certificate it has',
    params,
    body: readmitRequest,
    reply: readmitted,
    handle: async ({ params, body, actor }) => {
      const { id, name } = await hostOf(store.read.hosts, params.host);

      return { id, name, until: await enrollment.readmitHost(id, actor, body.machine) };
    },
  });
}

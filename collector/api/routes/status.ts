// One look at the collector: who asks, where it is reached, how many hosts, how fresh policy and ledger are.
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { countStates, counts } from '../../host-state.ts';
import type { Load } from '../../metrics/meter.ts';
import { selectText } from '../contract/select.ts';
import { status } from '../contract.ts';
import { coverageLine } from '../coverage.ts';
import type { ApiDeps } from '../deps.ts';
import { selectHosts } from '../host-select.ts';
import { addRoute } from '../route.ts';

export function addStatus(app: FastifyInstance, deps: ApiDeps): void {
  const { store, policy, connections, clock, version, addresses } = deps;

  addRoute(app, {
    method: 'GET',
    url: '/v1/status',
    guard: 'reader',
    summary: 'The collector at a glance',
    query: z.strictObject({ select: selectText }),
    reply: status,
    handle: async ({ admin, query }) => {
      const [{ chosen, selection }, current, head, covered] = await Promise.all([
        selectHosts(deps, { select: query.select }),
        policy.current(),
        store.read.audit.head(),
        query.select === undefined ? coverageLine(deps) : null,
      ]);
      const records = chosen.map(({ record }) => record);
      const summaries = chosen.filter(({ record }) => counts(record)).map(({ row }) => row);

      return {
        version,
        now: clock.now().toString(),
        ...addresses(),
        you: { name: admin.name, role: admin.role },
        hosts: {
          ...countStates(records),
          connected: summaries.filter(({ connected }) => connected).length,
          unknown: summaries.filter(({ upgradable }) => upgradable === null).length,
        },
        coverage: covered,
        policy: {
          documents: current.documents.length,
          timestampVersion: current.timestampVersion,
          expires: current.expires,
        },
        audit: head && { sequence: head.sequence, hash: head.hash },
        load: loadShown(connections.load()),
        selection,
      };
    },
  });
}

/** The codes are typed; the wire knows a record of counts. */
function loadShown({ refused, ...load }: Load): Omit<Load, 'refused'> & { refused: Record<string, number> } {
  return { ...load, refused: { ...refused } };
}

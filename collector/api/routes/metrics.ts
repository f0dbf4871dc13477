// The load of the collector for a Prometheus that shows a reader's certificate.
import type { FastifyInstance } from 'fastify';
import { countStates } from '../../host-state.ts';
import { feedExposition } from '../../metrics/feeds.ts';
import { CONTENT_TYPE, exposition } from '../../metrics/prometheus.ts';
import { coverageLine } from '../coverage.ts';
import type { ApiDeps } from '../deps.ts';

export function addMetrics(app: FastifyInstance, deps: ApiDeps): void {
  const { connections, store } = deps;

  app.get(
    '/v1/metrics',
    {
      config: { guard: 'reader' },
      schema: { summary: 'Load of the collector, Prometheus text format', description: 'Needs the role reader.' },
    },
    async (_request, reply) => {
      void reply.type(CONTENT_TYPE).serializer((text: string) => text);

      const load = exposition(
        connections.load(),
        countStates(await store.read.hosts.tally()),
        await coverageLine(deps),
      );

      return load + feedExposition(await deps.feeds.list());
    },
  );
}

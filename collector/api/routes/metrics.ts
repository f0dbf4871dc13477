// The load of the collector for a Prometheus that shows a reader's certificate.
import type { FastifyInstance } from 'fastify';
import { countStates } from '../../host-state.ts';
import { CONTENT_TYPE, exposition } from '../../metrics/prometheus.ts';
import type { ApiDeps } from '../deps.ts';

export function addMetrics(app: FastifyInstance, { connections, store }: ApiDeps): void {
  app.get(
    '/v1/metrics',
    {
      config: { guard: 'reader' },
      schema: { summary: 'Load of the collector, Prometheus text format', description: 'Needs the role reader.' },
    },
    async (_request, reply) => {
      void reply.type(CONTENT_TYPE).serializer((text: string) => text);

      return exposition(connections.load(), countStates(await store.read.hosts.tally()));
    },
  );
}

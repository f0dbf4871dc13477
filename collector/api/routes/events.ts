// Live events as server-sent events. A reader that is too slow is dropped, and whoever is revoked while listening is cut
// off at the next heartbeat; what was missed is in the ledger.
import type { ServerResponse } from 'node:http';
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import type { FastifyInstance } from 'fastify';
import type { ApiDeps } from '../deps.ts';
import { guardDeps, identify } from '../guard.ts';

const HEARTBEAT_MS = 15_000;
/** Bytes waiting for a reader before it counts as too slow. */
const MAX_BACKLOG_BYTES = 1024 * 1024;
const MAX_STREAMS = 64;

export function addEvents(app: FastifyInstance, deps: ApiDeps): void {
  const { events, clock, log } = deps;
  const guard = guardDeps(deps);
  const streams = new Set<AbortController>();
  app.addHook('preClose', async () => {
    for (const stream of streams) stream.abort();
  });

  app.get(
    '/v1/events',
    {
      config: { guard: 'reader' },
      schema: { summary: 'Live events as server-sent events', description: 'Needs the role reader.' },
    },
    async (request, reply) => {
      if (streams.size >= MAX_STREAMS) throw new CodedError('RATE_LIMITED', `${MAX_STREAMS} event streams are open`);
      const stream = new AbortController();
      streams.add(stream);
      reply.hijack();
      const response = reply.raw;
      response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
      response.write(': connected\n\n');
      const end = events.subscribe((event) => send(response, event.type, event));
      response.on('close', () => stream.abort());

      try {
        for (;;) {
          await clock.sleep(HEARTBEAT_MS, stream.signal);
          await identify(request, guard);
          response.write(': still here\n\n');
        }
      } catch (error) {
        // The normal end (closed by either side) and a revoked admin both end here; neither is the collector's failure.
        log.debug({ error, admin: request.admin?.name }, 'an event stream ended');
      } finally {
        end();
        streams.delete(stream);
        response.end();
      }
    },
  );
}

function send(response: ServerResponse, type: string, event: object): void {
  if (response.writableLength > MAX_BACKLOG_BYTES) {
    response.destroy();

    return;
  }
  response.write(`event: ${type}\ndata: ${JSON.stringify(event)}\n\n`);
}

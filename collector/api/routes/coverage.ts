// Coverage: the machines that ought to exist, held against those that are known.
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { coverage } from '../contract/coverage.ts';
import { selectText } from '../contract/select.ts';
import { selectedCoverage } from '../coverage.ts';
import type { ApiDeps } from '../deps.ts';
import { addRoute } from '../route.ts';

export function addCoverage(app: FastifyInstance, deps: ApiDeps): void {
  addRoute(app, {
    method: 'GET',
    url: '/v1/coverage',
    guard: 'reader',
    summary:
      'Which of the machines that ought to exist report, are known from a file, have fallen silent or are missing',
    query: z.strictObject({ select: selectText }),
    reply: coverage,
    handle: ({ query }) => selectedCoverage(deps, query.select),
  });
}

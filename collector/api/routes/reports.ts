// Reports that are told to others: how many of the disclosed vulnerabilities matter here, and how long machines were open to them.
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { exposureReport, triageReport } from '../contract/reports.ts';
import { selectText } from '../contract/select.ts';
import type { ApiDeps } from '../deps.ts';
import { exposureOf, triageOf } from '../reports.ts';
import { addRoute } from '../route.ts';

export function addReports(app: FastifyInstance, deps: ApiDeps): void {
  addRoute(app, {
    method: 'GET',
    url: '/v1/reports/triage',
    guard: 'reader',
    summary: 'From all disclosed CVEs to those that are to be fixed now, and how many of each year are exploited',
    query: z.strictObject({ select: selectText }),
    reply: triageReport,
    handle: ({ query }) => triageOf(deps, query.select),
  });

  addRoute(app, {
    method: 'GET',
    url: '/v1/reports/exposure',
    guard: 'reader',
    summary:
      'Days from publication to fix, approval, installation and restart; what is not known is counted as unknown',
    query: z.strictObject({ select: selectText }),
    reply: exposureReport,
    handle: ({ query }) => exposureOf(deps, query.select),
  });
}

// Findings: what is open on which machine, most pressing first, and everything that is known of one CVE on one machine.
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { explanation, findings, findingsQuery } from '../contract/findings.ts';
import type { ApiDeps } from '../deps.ts';
import { explainFinding } from '../findings/explain.ts';
import { listFindings } from '../findings/list.ts';
import { addRoute } from '../route.ts';

export function addFindings(app: FastifyInstance, deps: ApiDeps): void {
  addRoute(app, {
    method: 'GET',
    url: '/v1/findings',
    guard: 'reader',
    summary:
      'Findings by decision, date and EPSS, a page at a time, with counts of all; an unknown machine is counted apart',
    query: findingsQuery,
    reply: findings,
    handle: ({ query }) => listFindings(deps, query),
  });

  addRoute(app, {
    method: 'GET',
    url: '/v1/findings/:machine/:cve',
    guard: 'reader',
    summary:
      'One CVE on one machine: whether it is here, on what evidence, why it is decided so, due when, what fixes it and when',
    params: z.strictObject({ machine: z.string().min(1).max(260), cve: z.string().min(1).max(100) }),
    reply: explanation,
    handle: ({ params }) => explainFinding(deps, params.machine, params.cve),
  });
}

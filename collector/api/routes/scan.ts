// A scan of something that is not enrolled: nothing of it is kept.
import type { FastifyInstance } from 'fastify';
import { judgeScan } from '../../scan/judging.ts';
import { reportOf } from '../../scan/report.ts';
import { scanReport, scanRequest } from '../contract/scan.ts';
import type { ApiDeps } from '../deps.ts';
import { addRoute } from '../route.ts';

/** Bytes: a large SBOM's software takes some 200 each. */
const MAX_BODY_BYTES = 32 * 1024 * 1024;

export function addScan(app: FastifyInstance, { store, clock }: ApiDeps): void {
  addRoute(app, {
    method: 'POST',
    url: '/v1/scan',
    guard: 'reader',
    summary: 'Findings of software that no host reported, by the current feeds; nothing is kept',
    bodyLimit: MAX_BODY_BYTES,
    body: scanRequest,
    reply: scanReport,
    handle: async ({ body }) => {
      const answer = await judgeScan(store.read.feeds, body);

      return { at: clock.now().toString(), asOf: body.asOf, ...reportOf(answer) };
    },
  });
}

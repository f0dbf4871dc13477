// The two routes for clients without a certificate: trust (what the pin covers) and login (token and CSR for a
// certificate). The enrollment room reads and answers them itself, with its own limits; nothing is parsed here.
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import type { FastifyInstance } from 'fastify';
import type { ApiDeps } from '../deps.ts';

const PUBLIC_ROUTES = [
  { method: 'GET', url: '/v1/trust', summary: 'Authority and policy root, to be checked against the pin' },
  {
    method: 'POST',
    url: '/v1/login',
    summary: 'Redeem an admin token: a request for a certificate for the certificate',
  },
] as const;

export function addFirstContact(app: FastifyInstance, { firstContact }: ApiDeps): void {
  app.register(async (scope) => {
    // The body stays unread for the enrollment room.
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', (_request, _payload, done) => done(null));

    for (const { method, url, summary } of PUBLIC_ROUTES) {
      scope.route({
        method,
        url,
        config: { guard: 'public' },
        schema: { summary, description: 'Needs no certificate.' },
        handler: async (request, reply) => {
          if (!firstContact(request.raw, reply.raw)) throw new CodedError('NOT_FOUND', `there is no ${request.url}`);
          reply.hijack();
        },
      });
    }
  });
}

// The OpenAPI document of this API, made from the same schemas that decode.
import type { FastifyInstance } from 'fastify';

export function addOpenApi(app: FastifyInstance): void {
  app.get(
    '/v1/openapi.json',
    { config: { guard: 'reader' }, schema: { summary: 'This document', description: 'Needs the role reader.' } },
    async () => app.swagger(),
  );
}

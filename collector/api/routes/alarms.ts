// What ends soon or has ended, and what a person does about it.
import type { FastifyInstance } from 'fastify';
import { alarms } from '../contract.ts';
import type { ApiDeps } from '../deps.ts';
import { addRoute } from '../route.ts';

export function addAlarms(app: FastifyInstance, deps: ApiDeps): void {
  addRoute(app, {
    method: 'GET',
    url: '/v1/alarms',
    guard: 'reader',
    summary: 'What ends within 30 days, has ended or was not renewed, with the next command for each',
    reply: alarms,
    handle: async () => {
      const { alarms: found, held } = await deps.alarms();

      return {
        alarms: found.map((alarm) => ({ ...alarm })),
        held: held.map(({ role, version, hosts }) => ({ role, version, hosts: [...hosts] })),
      };
    },
  });
}

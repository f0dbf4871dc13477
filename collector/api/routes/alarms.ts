// What ends soon or has ended, and what a person does about it.
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { selectText } from '../contract/select.ts';
import { alarms } from '../contract.ts';
import type { ApiDeps } from '../deps.ts';
import { addRoute } from '../route.ts';
import { choose, readSelect } from '../selecting.ts';
import { ALARM_WORDS } from '../words/alarms.ts';

export function addAlarms(app: FastifyInstance, deps: ApiDeps): void {
  addRoute(app, {
    method: 'GET',
    url: '/v1/alarms',
    guard: 'reader',
    summary: 'What ends within 30 days, has ended or was not renewed, with the next command for each',
    query: z.strictObject({ select: selectText }),
    reply: alarms,
    handle: async ({ query }) => {
      const select = readSelect(query.select, ALARM_WORDS);
      const { alarms: all, held } = await deps.alarms();
      const { chosen: found, selection } = await choose(all, select, deps.clock.now());

      return {
        alarms: found.map((alarm) => ({ ...alarm })),
        held: held.map(({ role, version, hosts }) => ({ role, version, hosts: [...hosts] })),
        selection,
      };
    },
  });
}

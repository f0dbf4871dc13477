// The todo list: what to fix first, and above it what waits for a person.
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { selectText } from '../contract/select.ts';
import { todo } from '../contract/todo.ts';
import type { ApiDeps } from '../deps.ts';
import { addRoute } from '../route.ts';
import { selectedTodo } from '../todo.ts';

export function addTodo(app: FastifyInstance, deps: ApiDeps): void {
  addRoute(app, {
    method: 'GET',
    url: '/v1/todo',
    guard: 'reader',
    summary:
      'Fixes by decision and due date with what each closes; what is unknown, silent or stale; findings without a fix, counted',
    query: z.strictObject({ select: selectText }),
    reply: todo,
    handle: ({ query }) => selectedTodo(deps, query.select),
  });
}

// One route as data: method, address, who may use it, shapes and handler. Registering one without a guard is impossible:
// the field is required, and the guard hook refuses a route that carries none.

import { Readable } from 'node:stream';
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import type { FastifyInstance, FastifyReply, FastifyRequest, HTTPMethods } from 'fastify';
import { z } from 'zod';
import type { AdminRecord } from '../store/ports.ts';
import { errorDocument } from './contract.ts';
import { jsonPieces } from './json-text.ts';

/** `public`: no certificate. `reader`: any active admin. `admin`: an active admin whose role is admin. */
export type Guard = 'public' | 'reader' | 'admin';

declare module 'fastify' {
  interface FastifyContextConfig {
    guard?: Guard;
  }
  interface FastifyRequest {
    /** Who asks, set by the guard; null on public routes. */
    admin: AdminRecord | null;
  }
}

/** What a handler gets: decoded values only. */
export interface Call<P, Q, B> {
  readonly params: P;
  readonly query: Q;
  readonly body: B;
  readonly admin: AdminRecord;
  /** Name of the actor in the audit ledger: `admin:NAME`. */
  readonly actor: string;
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
}

export interface Route<P extends z.ZodType, Q extends z.ZodType, B extends z.ZodType, R extends z.ZodType> {
  readonly method: HTTPMethods;
  readonly url: string;
  readonly guard: Exclude<Guard, 'public'>;
  readonly summary: string;
  readonly params?: P;
  readonly query?: Q;
  readonly body?: B;
  readonly reply: R;
  /** Bytes; the default of the server when left out. */
  readonly bodyLimit?: number;
  /** The answer may have megabytes: it is written piece by piece, as fast as the client takes it. */
  readonly long?: true;
  readonly handle: (call: Call<z.output<P>, z.output<Q>, z.output<B>>) => Promise<z.input<R>>;
}

/** Adds a route: JSON Schemas for the OpenAPI document, zod for decoding, the guard as its configuration. */
export function addRoute<
  P extends z.ZodType = z.ZodUndefined,
  Q extends z.ZodType = z.ZodUndefined,
  B extends z.ZodType = z.ZodUndefined,
  R extends z.ZodType = z.ZodUndefined,
>(app: FastifyInstance, route: Route<P, Q, B, R>): void {
  app.route({
    method: route.method,
    url: route.url,
    config: { guard: route.guard },
    ...(route.bodyLimit === undefined ? {} : { bodyLimit: route.bodyLimit }),
    schema: {
      summary: route.summary,
      description: `Needs the role ${route.guard}.`,
      ...(route.params ? { params: jsonSchema(route.params, 'input') } : {}),
      ...(route.query ? { querystring: jsonSchema(route.query, 'input') } : {}),
      ...(route.body ? { body: jsonSchema(route.body, 'input') } : {}),
      response: {
        200: jsonSchema(route.reply, 'output'),
        default: jsonSchema(errorDocument, 'output'),
      },
    },
    handler: async (request, reply) => {
      const { admin } = request;
      if (!admin) throw new CodedError('UNAUTHENTICATED', 'the request has no known admin');

      const answer = await route.handle({
        params: decode(route.params, request.params, 'path'),
        query: decode(route.query, request.query, 'query'),
        body: decode(route.body, request.body ?? {}, 'body'),
        admin,
        actor: `admin:${admin.name}`,
        request,
        reply,
      });
      if (route.long !== true) return answer;
      void reply.type('application/json; charset=utf-8');

      return Readable.from(jsonPieces(answer), { objectMode: false });
    },
  });
}

function jsonSchema(schema: z.ZodType, io: 'input' | 'output'): Record<string, unknown> {
  const { $schema: _dialect, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: 'any' });

  return rest;
}

/** Throws REQUEST_INVALID with every wrong path at once. */
function decode<S extends z.ZodType>(schema: S | undefined, value: unknown, where: string): z.output<S> {
  if (!schema) return undefined as z.output<S>;
  const result = schema.safeParse(value);
  if (result.success) return result.data;

  const errors = result.error.issues.map(({ path, message }) => ({ path: [where, ...path].join('.'), message }));
  const [first] = errors;
  throw new CodedError('REQUEST_INVALID', `${first?.path}: ${first?.message}${more(errors.length)}`, {
    details: { errors },
  });
}

function more(count: number): string {
  return count > 1 ? ` (and ${count - 1} more)` : '';
}

// The admin API: HTTPS with TLS 1.3 only on its own port, with its own certificate, for clients of the admins' authority.
// It puts limits, guard, errors and routes together; what a route does lies in routes/.

import { constants } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Server as TlsServer } from 'node:https';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import swagger from '@fastify/swagger';
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import { hasErrno } from '@selvage/shared/files/durable.ts';
import fastify, { type FastifyInstance, type RouteOptions } from 'fastify';
import type { ApiDeps } from './deps.ts';
import { addFailures } from './failure.ts';
import { addGuard, guardDeps } from './guard.ts';
import { ROUTES } from './routes/list.ts';

/** Bytes of a request body unless its route says otherwise: names and options, never files. */
const BODY_LIMIT_BYTES = 64 * 1024;
const HANDSHAKE_DEADLINE_MS = 10_000;
/** A whole request must have arrived; answers may take longer. */
const REQUEST_DEADLINE_MS = 30_000;
const HEADERS_DEADLINE_MS = 10_000;
const KEEP_ALIVE_MS = 5_000;
/** Admins and their programs, not hosts: far more than a team needs, little enough to hold. */
const MAX_CONNECTIONS = 512;
const MAX_PARAMETER_LENGTH = 300;

export interface Api {
  readonly port: number;
  /** Another certificate from now on; connections that are open stay. */
  secure(tls: ApiDeps['tls']): void;
  /** Ends event streams, lets running requests finish and closes the port. */
  close(): Promise<void>;
}

/** Starts listening. Throws ADDRESS_IN_USE. */
export async function startApi(deps: ApiDeps): Promise<Api> {
  const app = await buildApi(deps);

  try {
    await app.listen(deps.listen);
  } catch (error) {
    await app.close();
    const { host, port } = deps.listen;
    if (hasErrno(error, 'EADDRINUSE')) {
      throw new CodedError('ADDRESS_IN_USE', `the API port ${host}:${port} is in use`, { cause: error });
    }
    throw error;
  }

  return {
    port: (app.server.address() as AddressInfo).port,
    secure: (tls) => (app.server as TlsServer).setSecureContext(contextOf(tls)),
    close: () => app.close(),
  };
}

/** The application without a listening port. `onRoute` hears of every route, so that a test can list them. */
export async function buildApi(
  deps: ApiDeps,
  onRoute: (route: RouteOptions) => void = () => undefined,
  routes: typeof ROUTES = ROUTES,
): Promise<FastifyInstance> {
  const app = fastify({
    logger: false,
    bodyLimit: BODY_LIMIT_BYTES,
    exposeHeadRoutes: false,
    forceCloseConnections: 'idle',
    return503OnClosing: false,
    routerOptions: { maxParamLength: MAX_PARAMETER_LENGTH },
    serverFactory: (handler) => listener(deps, handler),
  }) as unknown as FastifyInstance;
  // Decoding is zod's (see route.ts); the JSON Schemas only describe. Answers are what the handlers return.
  app.setValidatorCompiler(() => () => true);
  app.setSerializerCompiler(() => (data) => JSON.stringify(data));

  await app.register(swagger, {
    openapi: { openapi: '3.1.0', info: { title: 'Selvage collector', version: deps.version } },
  });
  app.addHook('onRoute', onRoute);
  addFailures(app, deps.log);
  addGuard(app, guardDeps(deps));
  app.addHook('onSend', async (_request, reply) => {
    void reply.headers({ 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' });
  });
  for (const add of routes) add(app, deps);
  await app.ready();

  return app;
}

function contextOf({ key, cert, adminsAuthority }: ApiDeps['tls']) {
  return {
    ...{ key, cert, ca: adminsAuthority, minVersion: 'TLSv1.3' as const },
    // No tickets, no resumption: every connection shows and proves its certificate anew.
    secureOptions: constants.SSL_OP_NO_TICKET,
  };
}

function listener({ tls }: ApiDeps, handler: (request: IncomingMessage, response: ServerResponse) => void): TlsServer {
  const server = createServer(
    {
      ...contextOf(tls),
      requestCert: true,
      // The two public routes are for clients that have no certificate yet; the guard asks for it on every other route.
      rejectUnauthorized: false,
      handshakeTimeout: HANDSHAKE_DEADLINE_MS,
      requestTimeout: REQUEST_DEADLINE_MS,
      headersTimeout: HEADERS_DEADLINE_MS,
      keepAliveTimeout: KEEP_ALIVE_MS,
    },
    handler,
  );
  server.maxConnections = MAX_CONNECTIONS;

  return server;
}

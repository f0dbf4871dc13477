// The two requests that need no certificate, as a node:http handler: first contact and the redemption of a token.
// Everybody can reach it, so every request is bounded in size, time and number, and no answer tells what broke inside.

import type { IncomingMessage, ServerResponse } from 'node:http';
import { asCoded, CodedError, toDocument } from '@selvage/shared/errors/coded-error.ts';
import type { Code } from '@selvage/shared/errors/codes.ts';
import { type Log, silentLog } from '@selvage/shared/log/log.ts';
import { readJson } from './body.ts';
import type { Enrollment } from './enrollment.ts';
import { BODY_DEADLINE_MS, LINGER_MS, MAX_CONCURRENT, MAX_WAITING, PER_TURN, RETRY_AFTER_SECONDS } from './limits.ts';
import { readAdminRequest, readHostRequest } from './requests.ts';

/** True when the request was for one of the routes; its answer is then on its way. */
export type Routes = (request: IncomingMessage, response: ServerResponse) => boolean;

export interface RouteOptions {
  readonly log?: Log;
  readonly bodyDeadlineMs?: number;
  readonly maxConcurrent?: number;
  readonly maxWaiting?: number;
}

interface Route {
  readonly method: 'GET' | 'POST';
  /** Null when the route takes no body. */
  readonly read: ((request: IncomingMessage) => Promise<unknown>) | null;
  /** The work, of which only so much runs at once; a body that trickles in holds no place. */
  answer(body: unknown, address: string | undefined): Promise<unknown>;
}

/** Codes that a stranger may be told; any other is an error of the collector and goes to its log only. */
const STATUS: Partial<Record<Code, number>> = {
  USAGE: 400,
  FRAME_INVALID: 400,
  CSR_INVALID: 400,
  KEY_UNUSABLE: 400,
  TOKEN_UNKNOWN: 403,
  TOKEN_EXPIRED: 403,
  TOKEN_USED: 403,
  TOKEN_REVOKED: 403,
  TOKEN_WRONG_HOST: 403,
  TOKEN_WRONG_ADDRESS: 403,
  TOKEN_WRONG_MODE: 403,
  HOST_REVOKED: 403,
  HOST_RETIRED: 403,
  ADMIN_REVOKED: 403,
  FRAME_UNEXPECTED: 405,
  HOST_NAME_TAKEN: 409,
  ALREADY_EXISTS: 409,
  FRAME_TOO_LARGE: 413,
  RATE_LIMITED: 503,
};
const FAILED = new CodedError('INTERNAL', 'the collector failed; its log says why', {
  next: 'tell an admin of the collector',
});

/** GET /v1/trust and POST /v1/enroll, for the gateway's port. */
export function enrollmentRoutes(enrollment: Enrollment, options: RouteOptions = {}): Routes {
  return routes(options, {
    '/v1/trust': get(() => enrollment.trust('hosts')),
    '/v1/enroll': post(options, (body, address) => enrollment.enrollHost(readHostRequest(body), address)),
  });
}

/** GET /v1/trust and POST /v1/login, for the port of the API. */
export function loginRoutes(enrollment: Enrollment, options: RouteOptions = {}): Routes {
  return routes(options, {
    '/v1/trust': get(() => enrollment.trust('admins')),
    '/v1/login': post(options, (body) => enrollment.enrollAdmin(readAdminRequest(body))),
  });
}

const get = (answer: Route['answer']): Route => ({ method: 'GET', read: null, answer });

const post = ({ bodyDeadlineMs = BODY_DEADLINE_MS }: RouteOptions, answer: Route['answer']): Route => ({
  method: 'POST',
  read: (request) => readJson(request, bodyDeadlineMs),
  answer,
});

function routes(options: RouteOptions, table: Readonly<Record<string, Route>>): Routes {
  const { log = silentLog, maxConcurrent = MAX_CONCURRENT, maxWaiting = MAX_WAITING } = options;
  const byPath = new Map(Object.entries(table));
  const atOnce = limiter(maxConcurrent, maxWaiting);

  return (request, response) => {
    const route = byPath.get(request.url ?? '');
    if (!route) return false;

    respond(route, request, atOnce).then(
      (document) => send(request, response, { status: 200, document }),
      (error: unknown) => sendError(request, response, asCoded(error), log),
    );

    return true;
  };
}

async function respond(route: Route, request: IncomingMessage, atOnce: Limiter): Promise<unknown> {
  if (request.method !== route.method) {
    throw new CodedError('FRAME_UNEXPECTED', `this address takes ${route.method} only`);
  }
  const body = await route.read?.(request);
  // Of the socket: a header says what its sender likes.
  const address = request.socket.remoteAddress;

  return atOnce(() => route.answer(body, address));
}

type Limiter = <T>(work: () => Promise<T>) => Promise<T>;

/**
 * So many at once, and so many more wait in the order in which they came; whoever comes then is told to come again. A few begin
 * in each turn of the event loop: the system hands over hundreds of requests at once, and worked off together they would be one
 * turn of a second in which nobody else gets a word in.
 */
function limiter(max: number, maxWaiting: number): Limiter {
  const waiting: (() => void)[] = [];
  let running = 0;
  let armed = false;

  const begin = () => {
    armed = false;
    for (let begun = 0; begun < PER_TURN && running < max; begun++) {
      const next = waiting.shift();
      if (next === undefined) return;
      running += 1;
      next();
    }
    arm();
  };
  const arm = () => {
    if (armed || waiting.length === 0 || running >= max) return;
    armed = true;
    setImmediate(begin);
  };

  return async (work) => {
    if (waiting.length >= maxWaiting) {
      throw new CodedError('RATE_LIMITED', 'too many enroll at once', { next: 'try again in a moment' });
    }
    await new Promise<void>((resolve) => {
      waiting.push(resolve);
      arm();
    });

    try {
      return await work();
    } finally {
      running -= 1;
      arm();
    }
  };
}

function sendError(request: IncomingMessage, response: ServerResponse, error: CodedError, log: Log): void {
  const status = STATUS[error.code];
  const peer = request.socket.remoteAddress;
  if (status === undefined) log.error({ error, path: request.url, peer }, 'enrollment failed');
  else log.warn({ code: error.code, details: error.details, path: request.url, peer }, 'enrollment refused');

  send(request, response, { status: status ?? 500, document: toDocument(status === undefined ? FAILED : error) });
}

function send(
  request: IncomingMessage,
  response: ServerResponse,
  { status, document }: { readonly status: number; readonly document: unknown },
): void {
  // The other side may have gone; there is nobody to tell then.
  if (response.destroyed || response.headersSent) return;

  const body = Buffer.from(JSON.stringify(document));
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': body.length,
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    connection: 'close',
    ...(status === 503 ? { 'retry-after': String(RETRY_AFTER_SECONDS) } : {}),
  });
  response.end(body);
  if (!request.complete) lingerThenCut(request);
}

/** Closing while the other side still sends would reset the connection and lose our answer: let it run dry, not long. */
function lingerThenCut(request: IncomingMessage): void {
  const cut = setTimeout(() => request.destroy(), LINGER_MS);
  cut.unref();
  request.once('close', () => clearTimeout(cut));
  request.resume();
}

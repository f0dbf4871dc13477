// Errors as the API answers them: {code, message, next, details} with the fitting status. What is not a CodedError says
// nothing about the inside: its text and stack go to the log only.
import { asCoded, CodedError, toDocument } from '@selvage/shared/errors/coded-error.ts';
import type { Code } from '@selvage/shared/errors/codes.ts';
import type { Log } from '@selvage/shared/log/log.ts';
import type { FastifyInstance } from 'fastify';

const STATUS: Partial<Record<Code, number>> = {
  UNAUTHENTICATED: 401,
  CERTIFICATE_INVALID: 401,
  CERTIFICATE_EXPIRED: 401,
  ADMIN_REVOKED: 401,
  FORBIDDEN: 403,
  NOT_FOUND: 404,
  ALREADY_EXISTS: 409,
  HOST_NAME_TAKEN: 409,
  POLICY_CONFLICT: 409,
  REQUEST_TOO_LARGE: 413,
  RATE_LIMITED: 429,
  STORE_BUSY: 503,
  DISK_FULL: 507,
  NOT_BUILT: 501,
};
const STATUS_OF_EXIT = { 1: 500, 2: 400, 3: 422, 4: 503 } as const;

const TOO_LARGE = 413;

function statusOf(error: CodedError): number {
  return STATUS[error.code] ?? STATUS_OF_EXIT[error.exit];
}

export function addFailures(app: FastifyInstance, log: Log): void {
  app.setErrorHandler(async (error, request, reply) => {
    const coded = codedOf(error);
    const status = statusOf(coded);
    const fields = { method: request.method, path: request.routeOptions.url ?? 'unknown', code: coded.code };
    if (coded.code === 'INTERNAL') log.error({ ...fields, error, request: request.id }, 'a request failed');
    else log.info({ ...fields, status, admin: request.admin?.name ?? null }, 'a request was refused');
    const shown =
      coded.code === 'INTERNAL' ? new CodedError('INTERNAL', `the collector failed (request ${request.id})`) : coded;

    return reply
      .code(status)
      .type('application/json; charset=utf-8')
      .send(JSON.stringify(toDocument(shown)));
  });
  app.setNotFoundHandler(async (request) => {
    throw new CodedError('NOT_FOUND', `there is no ${request.method} ${request.url.split('?')[0]}`, {
      next: 'see /v1/openapi.json for what there is',
    });
  });
}

/** What fastify itself refuses (body too large, not JSON, bad address) carries its status. */
function codedOf(error: unknown): CodedError {
  const status = error instanceof Error && 'statusCode' in error ? Number(error.statusCode) : 500;
  if (error instanceof CodedError || !(error instanceof Error) || status < 400 || status >= 500) return asCoded(error);

  return new CodedError(status === TOO_LARGE ? 'REQUEST_TOO_LARGE' : 'REQUEST_INVALID', error.message, {
    cause: error,
  });
}

// The one door to pino: structured lines with ids and reasons. Secrets are redacted here, once.
import { pino } from 'pino';

type Fields = Readonly<Record<string, unknown>>;

export interface Log {
  debug(fields: Fields, message: string): void;
  info(fields: Fields, message: string): void;
  warn(fields: Fields, message: string): void;
  error(fields: Fields, message: string): void;
  child(fields: Fields): Log;
}

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

const SECRET_FIELDS = ['token', 'secret', 'privateKey', 'password', 'authorization'];

/** JSON lines on `stream`. Fields named like secrets are replaced, one level deep too. */
export function createLog(options: { readonly level: LogLevel; readonly stream: { write(text: string): void } }): Log {
  return pino(
    {
      level: options.level,
      base: null,
      redact: { paths: SECRET_FIELDS.flatMap((field) => [field, `*.${field}`]), censor: '[redacted]' },
      serializers: { error: pino.stdSerializers.err },
    },
    options.stream,
  );
}

export const silentLog: Log = createLog({ level: 'silent', stream: { write: () => undefined } });

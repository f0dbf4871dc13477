// The one door to pino: structured lines with ids and reasons. Secrets are redacted here, once.
import { pino } from 'pino';
import type { Log, LogOptions } from './levels.ts';

export { LOG_LEVELS, type Log, silentLog } from './levels.ts';

const SECRET_FIELDS = ['token', 'secret', 'privateKey', 'password', 'authorization'];

/** JSON lines on `stream`. Fields named like secrets are replaced, one level deep too. */
export function createLog(options: LogOptions): Log {
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

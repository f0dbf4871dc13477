// A log that loads its library with the first line it has to write: most commands, and a connector on a good day, write none.
// Lines keep their order and come a moment later.
import { type Fields, LOG_LEVELS, type Log, type LogOptions } from './levels.ts';

type Level = 'debug' | 'info' | 'warn' | 'error';

export function createLazyLog(options: LogOptions): Log {
  let loading: Promise<Log> | undefined;
  const load = () => {
    loading ??= import('./log.ts').then(({ createLog }) => createLog(options));

    return loading;
  };

  return lazily(options, load);
}

function lazily(options: LogOptions, load: () => Promise<Log>): Log {
  const { level } = options;
  const write = (of: Level) => (fields: Fields, message: string) => {
    if (LOG_LEVELS.indexOf(of) < LOG_LEVELS.indexOf(level)) return;
    // Its library is gone when the program was upgraded under a running process: the line is still said, the process goes on.
    void load().then(
      (log) => log[of](fields, message),
      () => options.stream.write(`${JSON.stringify({ level: of, msg: message })}\n`),
    );
  };

  return {
    debug: write('debug'),
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
    child: (fields) => lazily(options, async () => (await load()).child(fields)),
  };
}

// The few options of `npm start`.
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { CodedError } from '@selvage/shared/errors/coded-error.ts';

export interface StartOptions {
  readonly home: string;
  readonly once: boolean;
  readonly json: boolean;
  readonly help: boolean;
}

/** Throws USAGE for an unknown option, or for --json without --once (a document needs an end). */
export function readOptions(args: readonly string[], env: NodeJS.ProcessEnv): StartOptions {
  const flag = { type: 'boolean', default: false } as const;
  let values: { once: boolean; json: boolean; help: boolean };

  try {
    ({ values } = parseArgs({ args: [...args], options: { once: flag, json: flag, help: flag } }));
  } catch (error) {
    throw new CodedError('USAGE', error instanceof Error ? error.message : String(error), {
      cause: error,
      next: 'npm start -- [--once] [--json]',
    });
  }

  if (values.json && !values.once) {
    throw new CodedError('USAGE', '--json needs --once', { next: 'npm start --silent -- --once --json' });
  }

  return { ...values, home: resolve(env.SELVAGE_HOME ?? join(import.meta.dirname, '../../.selvage')) };
}

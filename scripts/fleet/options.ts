// The options of `npm run fleet`.
import { parseArgs } from 'node:util';
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import { MODES, type Mode } from '@selvage/shared/model/ids.ts';
import { parseDuration } from '@selvage/shared/time/duration.ts';

export interface Options {
  readonly collector: string;
  readonly pin: string;
  readonly token: string;
  readonly agents: number;
  readonly atOnce: number;
  readonly prefix: string;
  readonly mode: Mode;
  readonly from: readonly string[];
  readonly folder: string | null;
  readonly patienceMs: number;
  readonly stay: boolean;
  readonly enrollOnly: boolean;
  readonly json: boolean;
}

export const USAGE = `npm run fleet -- --collector wss://HOST:PORT --pin sha256:… --token … [--agents 50] [--at-once 64]
  [--prefix sim] [--mode observe|advise|managed] [--from 127.0.0.1,127.0.0.2] [--patience 2m] [--folder DIR]
  [--enroll-only | --stay] [--json]`;

const MAX_AGENTS = 100_000;
const text = { type: 'string' } as const;
const flag = { type: 'boolean', default: false } as const;

/** Null for --help. Throws USAGE. */
export function readOptions(args: readonly string[]): Options | null {
  const values = parsed(args);
  if (values.help) return null;
  const { collector, pin, token, prefix = 'sim', mode = 'observe', from, folder, patience = '2m', stay, json } = values;
  if (collector === undefined || pin === undefined || token === undefined) {
    throw usage('--collector, --pin and --token are what `selvage token create` prints');
  }
  if (!isMode(mode)) throw usage(`--mode is one of ${MODES.join(', ')}`);

  return {
    ...{ collector, pin, token, prefix, mode, stay, json },
    agents: count(values.agents ?? '50', '--agents'),
    enrollOnly: values['enroll-only'],
    atOnce: count(values['at-once'] ?? '64', '--at-once'),
    from: from === undefined ? [] : from.split(','),
    folder: folder ?? null,
    patienceMs: parseDuration(patience),
  };
}

function parsed(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        ...{ collector: text, pin: text, token: text, agents: text, 'at-once': text, prefix: text, mode: text },
        ...{ from: text, folder: text, patience: text, stay: flag, 'enroll-only': flag, json: flag, help: flag },
      },
    }).values;
  } catch (error) {
    throw usage(error instanceof Error ? error.message : String(error));
  }
}

function count(value: string, option: string): number {
  const number = /^\d{1,6}$/.test(value) ? Number(value) : 0;
  if (number < 1 || number > MAX_AGENTS) throw usage(`${option} is a number from 1 to ${MAX_AGENTS}`);

  return number;
}

function isMode(value: string): value is Mode {
  return MODES.some((mode) => mode === value);
}

function usage(message: string): CodedError {
  return new CodedError('USAGE', message, { next: USAGE });
}

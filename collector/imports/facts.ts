// The file `facts` of collect.sh: name, clock, kernel and marks of the machine. Pure.
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import { z } from 'zod';

/** The one format there is so far. */
const FORMAT = '1';
const NAME_LENGTH = 253;
const TEXT_LENGTH = 1024;

const text = z.string().max(TEXT_LENGTH);
const name = z.string().trim().min(1).max(NAME_LENGTH);
const shape = z.object({
  now: z.iso.datetime({ offset: true }).transform((value) => Temporal.Instant.from(value)),
  zone: text.default(''),
  uptime: z
    .string()
    .regex(/^\d{1,12}([.]\d+)?$/)
    .transform(Number)
    .nullable()
    .default(null),
  hostname: name,
  /** A hash, made as the agent makes it; null where the machine has no machine-id(5). */
  machine: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .nullable()
    .default(null),
  kernel: name,
  kernelversion: text.default(''),
  arch: name,
  user: text.default(''),
  reboot: z.literal('required').nullable().default(null),
  sys_vendor: text.default(''),
  product_name: text.default(''),
  product_serial: text.default(''),
  product_uuid: text.default(''),
  board_asset_tag: text.default(''),
});
export type Facts = z.infer<typeof shape>;

/** Throws IMPORT_INVALID: without name, clock and kernel nothing can be kept of the machine. */
export function parseFacts(file: string): Facts {
  const pairs = file
    .split('\n')
    .filter((line) => line.includes('='))
    .map((line): [string, string] => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1).trim()]);
  const values = Object.fromEntries(pairs.filter(([key, value]) => key !== '' && value !== ''));
  if (values.format !== FORMAT) {
    throw invalid(
      `it was written by another collect.sh (format ${JSON.stringify(values.format ?? null)}, not ${FORMAT})`,
    );
  }
  const parsed = shape.safeParse(values);
  if (parsed.success) return parsed.data;

  const wrong = parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
  throw invalid(`the file facts is not whole: ${wrong.join('; ')}`);
}

function invalid(why: string): CodedError {
  return new CodedError('IMPORT_INVALID', `nothing was imported: ${why}`);
}

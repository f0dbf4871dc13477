// What one pass of the runner did, as it signs it and the collector stores it. A result states facts from a fresh
// inventory; an exit code alone is never a success.
import * as z from 'zod';
import { CODES, type Code } from '../errors/codes.ts';
import { PROVIDER_NAMES } from './package.ts';

const name = z.string().min(1).max(1024);
const instant = z.iso.datetime({ offset: true });
const code = z.enum(Object.keys(CODES) as [Code, ...Code[]]);
const change = z.strictObject({ name, arch: name, from: name.nullable(), to: name.nullable() });

export const transaction = z.strictObject({
  upgrade: z.array(change),
  downgrade: z.array(change),
  install: z.array(change),
  remove: z.array(change),
  downloadBytes: z.number().int().nonnegative().nullable(),
});

/**
 * `installed`: proven by inventory. `already`: the approved version was there before. `waiting`: not now (window, delay,
 * fetch). `refused`: not allowed (plan changed, hold, mode, expired). `failed`: tried and not proven.
 */
export const OUTCOMES = ['installed', 'already', 'not-needed', 'planned', 'waiting', 'refused', 'failed'] as const;
export type Outcome = (typeof OUTCOMES)[number];

export const runResult = z.strictObject({
  format: z.literal(1),
  /** Counts up per host without gaps; the acknowledgement of results is "up to N". */
  number: z.number().int().positive(),
  hostId: name,
  run: name,
  approval: name,
  approvalSha256: z.string().regex(/^[0-9a-f]{64}$/),
  provider: z.enum(PROVIDER_NAMES),
  fix: z.strictObject({ source: name, version: name }),
  outcome: z.enum(OUTCOMES),
  /** Null for `installed` and `already`. */
  problem: z.strictObject({ code, message: z.string().max(8192) }).nullable(),
  startedAt: instant,
  finishedAt: instant,
  window: z.string().nullable(),
  transaction: transaction.nullable(),
  /** From the inventory taken after the installation. */
  evidence: z
    .strictObject({
      packages: z.array(z.strictObject({ name, arch: name, version: name, state: name })),
      rebootRequired: z.boolean(),
      staleProcesses: z.array(z.strictObject({ pid: z.number().int(), program: name, service: name.nullable() })),
    })
    .nullable(),
  /** Last lines of the package manager's own output, bounded. */
  log: z.string().max(65536),
});
export type RunResult = z.infer<typeof runResult>;

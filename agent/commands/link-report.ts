// What `status` shows of the connection: a small file that the resident agent keeps, written only when something changed.

import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import { CODES, type Code } from '@selvage/shared/errors/codes.ts';
import { readBounded, writeDurable } from '@selvage/shared/files/durable.ts';
import * as z from 'zod/mini';
import type { LinkEvent } from '../connector/link.ts';
import type { Context } from './context.ts';

const MAX_BYTES = 64 * 1024;
const READABLE = 0o644;
/** What is told with a connection and stands until the next one, whatever works meanwhile. */
const STANDING: ReadonlySet<Code | undefined> = new Set(['CLOCK_WRONG', 'CERTIFICATE_EXPIRED']);
const code = z.enum(Object.keys(CODES) as [Code, ...Code[]]);
const file = z.strictObject({
  connectedSince: z.nullable(z.string()),
  lastConnected: z.nullable(z.string()),
  clockSkewMs: z.nullable(z.number()),
  policy: z.nullable(z.number()),
  problem: z.nullable(z.strictObject({ at: z.string(), code, message: z.string() })),
});
export type LinkFacts = z.infer<typeof file>;

export interface LinkReport {
  readonly lastProblem: CodedError | null;
  note(event: LinkEvent): void;
  /** Resolves when the last change is on disk. */
  settled(): Promise<void>;
}

/** Null before the agent ever connected. Throws FILE_CORRUPT. */
export async function readLinkFacts(path: string): Promise<LinkFacts | null> {
  const bytes = await readBounded(path, MAX_BYTES);
  if (bytes === null) return null;

  try {
    return file.parse(JSON.parse(Buffer.from(bytes).toString('utf8')));
  } catch (error) {
    throw new CodedError('FILE_CORRUPT', `${path} is not what the agent wrote`, { cause: error });
  }
}

export async function createLinkReport(path: string, { clock, log }: Context): Promise<LinkReport> {
  // A report that cannot be read is begun anew: it only shows, nothing depends on it.
  const before = await readLinkFacts(path).catch(() => null);
  let facts: LinkFacts = {
    connectedSince: null,
    lastConnected: before?.lastConnected ?? null,
    clockSkewMs: before?.clockSkewMs ?? null,
    policy: before?.policy ?? null,
    problem: null,
  };
  let lastProblem: CodedError | null = null;
  let writing = Promise.resolve();

  const change = (next: Partial<LinkFacts>) => {
    facts = { ...facts, ...next };
    const text = `${JSON.stringify(facts)}\n`;
    writing = writing
      .then(() => writeDurable(path, text, { mode: READABLE }))
      .catch((error: unknown) => log.warn({ error }, 'the state of the connection could not be written'));
  };
  const trouble = ({ code: why, message }: CodedError) => ({ at: clock.now().toString(), code: why, message });

  return {
    get lastProblem() {
      return lastProblem;
    },
    note: (event) => {
      const now = clock.now().toString();
      if (event.type === 'connected') {
        change({ connectedSince: now, lastConnected: now, clockSkewMs: event.clockSkewMs, problem: null });
      }
      if (event.type === 'policy') {
        change({ policy: event.timestampVersion, problem: STANDING.has(facts.problem?.code) ? facts.problem : null });
      }
      // What was refused while connected (policy that cannot be mirrored, a message) stands until that is over.
      if (event.type === 'problem') change({ problem: trouble(event.error) });
      // Something could be written since, and was taken: there is room again.
      if (event.type === 'acknowledged' && facts.problem?.code === 'DISK_FULL') change({ problem: null });
      if (event.type === 'disconnected') {
        lastProblem = event.error;
        change({ connectedSince: null, problem: trouble(event.error) });
      }
      if (event.type === 'stopped') change({ connectedSince: null });
    },
    settled: () => writing,
  };
}

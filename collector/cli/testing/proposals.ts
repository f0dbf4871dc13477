// What tests of changes that wait ask of a collector by commands, and read out of what is printed.
import type { z } from 'zod';
import type { proposals } from '../../api/contract/proposals.ts';
import type { Outcome } from './collector-lab.ts';

export type Command = (...args: readonly string[]) => Promise<Outcome>;

/** The digits by which a look is tied to a signature. */
export const seenIn = (stdout: string) => /--seen ([0-9a-f]+)/.exec(stdout)?.[1] ?? 'none';

/** What one admin sees: the changes that wait, and the documents in force as `Kind name`. */
export function seenBy(admin: Command) {
  return {
    listed: async (...args: readonly string[]) =>
      (await admin('policy', 'proposals', '--json', ...args)).json<z.output<typeof proposals>>().proposals,
    kinds: async () => {
      const got = await admin('policy', 'get', '--json');
      const { documents } = got.json<{ documents: { kind: string; name: string }[] }>();

      return documents.map(({ kind, name }) => `${kind} ${name}`).toSorted();
    },
  };
}

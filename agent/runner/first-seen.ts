// When this host first saw a package version in a signed index that verified. The delay of a lane is counted from here, so a
// version cannot be made to look older than it is by whoever serves it.
import type { PackageVersion } from '@selvage/shared/model/package.ts';
import * as z from 'zod';
import { type Files, readState, writeState } from './state-file.ts';

export interface FirstSeen {
  of(wanted: PackageVersion): string | null;
  /** Writes those that are new; a time once written never changes. */
  note(seen: readonly PackageVersion[], now: Temporal.Instant): Promise<void>;
  /** After the clock was wrong: nothing was first seen later than now. The delay runs anew, it is never shorter. */
  notAfter(now: Temporal.Instant): Promise<void>;
  /** Forgets what no open approval names any more. */
  keepOnly(wanted: readonly PackageVersion[]): Promise<void>;
}

const schema = z.strictObject({ format: z.literal(1), packages: z.record(z.string(), z.iso.datetime()) });

export async function openFirstSeen(path: string, files: Files): Promise<FirstSeen> {
  let times = new Map(Object.entries((await readState(path, schema))?.packages ?? {}));
  const write = async (next: Map<string, string>) => {
    await writeState(files, path, { format: 1, packages: Object.fromEntries(next) });
    times = next;
  };

  return {
    of: (wanted) => times.get(keyOf(wanted)) ?? null,
    note: async (seen, now) => {
      const fresh = seen.map(keyOf).filter((key) => !times.has(key));
      if (fresh.length === 0) return;
      await write(new Map([...times, ...fresh.map((key) => [key, now.toString()] as const)]));
    },
    notAfter: async (now) => {
      const limited = [...times].map(
        ([key, time]) => [key, Temporal.Instant.compare(time, now) > 0 ? now.toString() : time] as const,
      );
      await write(new Map(limited));
    },
    keepOnly: async (wanted) => {
      const keys = new Set(wanted.map(keyOf));
      const kept = new Map([...times].filter(([key]) => keys.has(key)));
      if (kept.size !== times.size) await write(kept);
    },
  };
}

function keyOf({ name, arch, version }: PackageVersion): string {
  return `${name}:${arch}=${version}`;
}

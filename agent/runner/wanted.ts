// What the unprivileged fetcher is to bring: the exact packages of the approvals that this host may still install. The
// runner writes it, anyone may read it, and nothing privileged ever believes it.
import type { PackageVersion } from '@selvage/shared/model/package.ts';
import { packageVersion } from '@selvage/shared/model/package.ts';
import * as z from 'zod';
import type { Parts } from './deps.ts';
import { isExpired } from './earliest.ts';
import { needOf } from './planner.ts';
import type { Selected } from './selection.ts';
import { readState, writeState } from './state-file.ts';

export const wantedFile = z.strictObject({ format: z.literal(1), packages: z.array(packageVersion) });
const READABLE = 0o644;

export async function wantedOf(parts: Parts, selected: readonly Selected[]): Promise<readonly PackageVersion[]> {
  const { floor } = parts.clock.now();
  const open = selected.filter(
    ({ approval, approvalSha256 }) => !parts.results.memoryOf(approvalSha256)?.final && !isExpired(approval, floor),
  );
  if (open.length === 0) return [];

  const installed = await parts.installed.get();
  const packages = open.flatMap(({ approval }) => {
    const need = needOf(approval, installed, parts.deps.compare);

    return need.kind === 'todo' ? [...need.packages, ...approval.adds] : [];
  });
  const unique = new Map(packages.map((item) => [`${item.name}:${item.arch}=${item.version}`, item]));

  return [...unique.values()];
}

/** Written only when it changed, so that a fetcher waiting for the file is not woken for nothing. */
export async function writeWanted(parts: Parts, packages: readonly PackageVersion[]): Promise<void> {
  const before = await readState(parts.folders.wanted, wantedFile);
  const after = { format: 1, packages };
  if (before !== null && JSON.stringify(before) === JSON.stringify(after)) return;
  await writeState(parts.files, parts.folders.wanted, after, READABLE);
}

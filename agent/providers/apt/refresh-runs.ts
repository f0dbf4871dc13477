// Splits the sources by server, so that a dead or hung one does not take others with it: within one run apt moves nothing
// into the lists before every download has ended, and gives up on an address for every port once one refused. Pure.
import type { SourceEntry } from '@selvage/shared/packages/apt-sources.ts';

/** Entries per run: one run for each server (scheme, name and port); local archives share one. */
export function splitRuns(entries: readonly SourceEntry[]): readonly (readonly SourceEntry[])[] {
  const runs = new Map<string, SourceEntry[]>();

  for (const entry of entries) {
    for (const uri of entry.uris) {
      const server = serverOf(uri);
      runs.set(server, [...(runs.get(server) ?? []), { ...entry, uris: [uri] }]);
    }
  }

  return [...runs.values()];
}

function serverOf(uri: string): string {
  const url = URL.parse(uri);

  return url === null || url.host === '' ? '' : `${url.protocol}//${url.host}`;
}

// Splits the sources so that one dead server does not take others with it: within one run, apt's http method remembers an
// address that refused it and gives up on that address for every port. Pure.
import type { SourceEntry } from './sources.ts';

/** Entries per run: archives on one host name but different ports are asked by different runs. Nearly always one run. */
export function splitRuns(entries: readonly SourceEntry[]): readonly (readonly SourceEntry[])[] {
  const portsOf = new Map<string, string[]>();
  const runs: SourceEntry[][] = [];

  for (const entry of entries) {
    for (const uri of entry.uris) {
      const run = runOf(uri, portsOf);
      runs[run] ??= [];
      runs[run].push({ ...entry, uris: [uri] });
    }
  }

  return runs;
}

function runOf(uri: string, portsOf: Map<string, string[]>): number {
  const url = URL.parse(uri);
  if (!url || url.hostname === '') return 0;
  const port = `${url.protocol}${url.port}`;
  const ports = portsOf.get(url.hostname) ?? [];
  if (!ports.includes(port)) ports.push(port);
  portsOf.set(url.hostname, ports);

  return ports.indexOf(port);
}

// `selvage host list --has`: which machines have a package, what of it, and how many cannot answer.
import type { z } from 'zod';
import type { hunt } from '../api/contract/hunt.ts';
import type { imports } from '../api/contract/imports.ts';
import { added } from '../api/selecting.ts';
import type { AllHosts } from './all-hosts.ts';
import type { Cli } from './cli.ts';
import { brokenAt } from './paragraph.ts';
import { plural } from './plural.ts';
import { showSelection } from './selection-lines.ts';
import { since } from './when.ts';

type Hunt = NonNullable<z.output<typeof hunt>>;
type Hit = Hunt['found'][string][number];

const SHOWN_HITS = 3;
const SHOWN_UNKNOWN = 10;

export const HAS_HELP =
  "only those that have a package, in these versions: 'xz-utils >=5.6.0 <5.6.2' (source or binary package, * in names, conditions = != < <= > >=)";
export const RUNNING_HELP =
  'with --has: only where it is seen in use: the kernel that runs, a process of it that listens, or processes that still map its replaced files (a library that is merely loaded is not seen)';

export function showHunt(cli: Cli, ofHosts: AllHosts, ofImports: z.output<typeof imports>, running: boolean): void {
  const { screen } = cli;
  const parts = [ofHosts.hunt, ofImports.hunt].flatMap((one) => one ?? []);
  const unknown = parts.flatMap((one) => one.unknown);
  const rows = [
    ...ofHosts.hosts.map(({ id, name, os, lastSeen }) => ({
      name,
      os,
      seen: since(lastSeen, cli),
      hits: hitsOf(ofHosts.hunt, id),
    })),
    ...ofImports.imports.map(({ id, name, os, asOf }) => ({
      ...{ name, os, hits: hitsOf(ofImports.hunt, id) },
      seen: `file, ${since(asOf, cli)}`,
    })),
  ];
  const [is, has] = rows.length === 1 ? ['is', 'has'] : ['are', 'have'];
  const does = running ? `${is} seen to run` : has;
  const head = `${plural(rows.length, 'machine')} ${does} ${parts[0]?.has ?? ''} · ${unknown.length} unknown`;
  for (const line of brokenAt(head, screen.width)) screen.line(line, 'strong');
  showSelection(screen, added(ofHosts.selection, ofImports.selection), 'hosts');
  if (parts.some(({ complete }) => !complete)) {
    screen.line('! the collector was started just now and has not read all machines yet: some may be missing', 'bad');
  }
  if (rows.length > 0) {
    screen.table(
      [
        { title: 'HOST', shrinks: true },
        { title: 'OS', shrinks: true },
        { title: 'SEEN' },
        { title: 'HAS', shrinks: true },
      ],
      rows.map(({ name, os, seen, hits }) => [name, os ? `${os.id} ${os.version}`.trim() : null, seen, shown(hits)]),
    );
  }
  const quiet = parts.reduce((sum, { notSeenRunning }) => sum + notSeenRunning, 0);
  if (quiet > 0) {
    const note = `note: ${quiet} more ${quiet === 1 ? 'has it and is' : 'have it and are'} not seen to run it, which is not the same as not running it; without --running they are listed`;
    for (const line of brokenAt(note, screen.width)) screen.line(line);
  }
  for (const { name, reason } of unknown.slice(0, SHOWN_UNKNOWN))
    for (const line of brokenAt(`? ${name}: ${reason}`, screen.width)) screen.line(line, 'bad');
  if (unknown.length > SHOWN_UNKNOWN) screen.line(`? and ${unknown.length - SHOWN_UNKNOWN} more`, 'bad');
}

function hitsOf(found: z.output<typeof hunt>, id: string): readonly Hit[] {
  return found?.found[id] ?? [];
}

function shown(hits: readonly Hit[]): string {
  const some = hits
    .slice(0, SHOWN_HITS)
    .map(({ name, version, running }) => `${name} ${version}${running === null ? '' : ` (${running})`}`);

  return hits.length > SHOWN_HITS ? `${some.join(', ')} and ${hits.length - SHOWN_HITS} more` : some.join(', ');
}

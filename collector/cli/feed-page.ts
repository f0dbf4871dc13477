// Feeds as people read them: one line each, and below it what is wrong and what to do.
import type { z } from 'zod';
import type { feed, feedJob } from '../api/contract/feeds.ts';
import { ageInWords } from '../feeds/keeping/standing.ts';
import type { Cli } from './cli.ts';
import type { Tone } from './screen.ts';

type Shown = z.output<typeof feed>;

const TONES: Readonly<Record<Shown['standing'], Tone>> = {
  fresh: 'plain',
  failed: 'bad',
  stale: 'bad',
  never: 'plain',
};
const MAX_PROBLEMS = 5;

/** Those that are needed or have data; `all`: every one. */
export function showFeeds({ screen }: Pick<Cli, 'screen'>, all: readonly Shown[], everything: boolean): void {
  const shown = all.filter((one) => everything || one.wanted || one.standing !== 'never' || one.error !== null);
  if (shown.length === 0) {
    screen.line('no feed has data, and no machine here needs one yet');
    screen.line('next: selvage feed list --all');

    return;
  }
  screen.table(
    [
      { title: 'FEED' },
      { title: 'STATE' },
      { title: 'NEEDED' },
      { title: 'AS OF' },
      { title: 'AGE', align: 'right' },
      { title: 'RECORDS', align: 'right' },
      { title: 'WHAT', shrinks: true },
    ],
    shown.map((one) => [
      ...[one.name, one.standing, one.wanted ? 'yes' : 'no', (one.asOf ?? one.importedAt ?? '–').slice(0, 10)],
      ...[largest(one.ageMs), one.standing === 'never' ? '–' : one.records, one.title],
    ]),
  );
  const troubled = shown.filter(
    ({ error, next, skipped, wanted }) => error !== null || (wanted && next !== null) || skipped > 0,
  );
  for (const { name, standing, error, next, skipped, wanted } of troubled) {
    screen.line();
    if (error) screen.line(`${name}: ${error.code} at ${error.at.slice(0, 16)}Z: ${error.reason}`, 'bad');
    else if (next !== null && wanted) screen.line(`${name}: ${SENTENCES[standing]}`, TONES[standing]);
    if (skipped > 0) screen.line(`${name}: ${skipped} records were not understood; the others count`);
    if (next !== null) screen.line(`  next: ${next}`);
  }
}

const SENTENCES: Readonly<Record<Shown['standing'], string>> = {
  fresh: 'its data is of now',
  failed: 'the last attempt failed; its data still counts',
  stale: 'its data is too old: what is published since is not known here',
  never: 'there is no data of it: nothing that only this feed says is found',
};

/** How one update or import ended. */
export function showTaken({ screen }: Pick<Cli, 'screen'>, job: z.output<typeof feedJob>): void {
  const { feed: name, result } = job;
  if (result === null) {
    screen.line(`${name ?? 'the file'}: ${job.error?.code ?? 'it did not end'}`, 'bad');

    return;
  }
  if (!result.changed) {
    screen.line(`${name}: nothing new; ${result.records} records`);

    return;
  }
  screen.line(`${name}: ${result.records} records are current now`, 'good');
  if (result.duplicates > 0) screen.line(`  ${result.duplicates} stood there twice; the newer one of each counts`);
  if (result.skipped === 0) return;
  screen.line(`  ! ${result.skipped} records were not understood and are left out:`, 'bad');
  for (const { name: which, reason } of result.problems.slice(0, MAX_PROBLEMS)) screen.line(`    ${which}: ${reason}`);
}

function largest(ageMs: number | null): string {
  return ageInWords(ageMs).split(' ', 1)[0] ?? '';
}

// selvage feed: what is known about vulnerabilities, how old it is, and bringing newer.
import { basename } from 'node:path';
import { fromDocument } from '@selvage/shared/errors/coded-error.ts';
import { type Command, InvalidArgumentError } from 'commander';
import type { z } from 'zod';
import { feedJob, feedJobs, feedName, feeds } from '../../api/contract/feeds.ts';
import { type Cli, openSession } from '../cli.ts';
import type { Client } from '../client.ts';
import { showFeeds, showTaken } from '../feed-page.ts';
import { sendFile } from '../feed-upload.ts';
import { pathWith, selectOption } from '../options.ts';
import { showSelection } from '../selection-lines.ts';
import { addFeedCalendar } from './calendar.ts';

type Job = z.output<typeof feedJob>;

interface Options {
  readonly feed?: string;
  readonly acceptShrunk?: boolean;
  readonly all?: boolean;
  readonly select?: string;
  readonly json?: boolean;
}

/** Milliseconds between two questions about work that goes on. */
const ASK_EVERY_MS = 500;
/** Questions between two lines about it. */
const TELL_EVERY = 6;

const HELP = `
FILE is what a publisher gives out, as it is: JSON, one record a line, CSV, .gz, .zst, .zip, .tar, .tar.gz; or a folder of records.
What it is, its content says. It takes the place of all that is known of its feed; what is wrong or cut changes nothing.`;

export function addFeed(program: Command, cli: Cli): void {
  const noun = program.command('feed').description('what is known about vulnerabilities: how old it is, and newer');

  selectOption(noun.command('list'), 'needed and state in (stale, failed)')
    .description('each feed that machines here need or that has data: how old, how much, what is wrong')
    .option('--all', 'those that nobody here needs too')
    .option('--json', 'print one JSON document')
    .action(async (options: Options) => {
      const { client } = await openSession(cli);
      const answer = await client.get(pathWith('/v1/feeds', { select: options.select }), feeds);
      if (options.json === true) return cli.screen.json(answer);
      showSelection(cli.screen, answer.selection, 'feeds');
      showFeeds(cli, answer.feeds, options.all === true || options.select !== undefined);
    });

  addFeedCalendar(noun, cli);

  noun
    .command('update')
    .description('ask publishers now; without a name those of all feeds that machines here need')
    .argument('[names...]', 'feeds, see: feed list --all', namesOption)
    .option('--accept-shrunk', 'take data that has suddenly become a tenth or less')
    .option('--json', 'print one JSON document')
    .action((names: readonly string[], options: Options) => update(cli, names, options));

  noun
    .command('import')
    .description('take a file of a feed, in the place of what is known of it')
    .argument('<file>', 'file or folder')
    .option('--feed <name>', 'what it is, where its content does not say', nameOption)
    .option('--accept-shrunk', 'take data that has suddenly become a tenth or less')
    .option('--json', 'print one JSON document')
    .addHelpText('after', HELP)
    .action((file: string, options: Options) => importFile(cli, file, options));
}

async function update(cli: Cli, names: readonly string[], options: Options): Promise<void> {
  const { client } = await openSession(cli);
  const body = { ...(names.length === 0 ? {} : { names }), acceptShrunk: options.acceptShrunk === true };
  const { jobs } = await client.post('/v1/feeds/update', body, feedJobs);
  if (jobs.length === 0 && options.json !== true) {
    cli.screen.line('no feed is needed: no machine here has packages that a feed speaks of, or the settings say off');
    cli.screen.line('next: selvage feed list --all');

    return;
  }
  const ended: Job[] = [];
  for (const { id } of jobs) ended.push(await waitFor(cli, client, id));
  if (options.json === true) cli.screen.json({ jobs: ended });
  else for (const job of ended) showTaken(cli, job);
  // One after the other all were tried; the first that failed is the answer.
  for (const { error } of ended) if (error) throw fromDocument(error);
}

async function importFile(cli: Cli, file: string, options: Options): Promise<void> {
  const { client } = await openSession(cli);
  const upload = await sendFile(cli, client, file);
  const body = {
    ...{ upload, acceptShrunk: options.acceptShrunk === true },
    ...(options.feed === undefined ? {} : { feed: options.feed }),
  };
  cli.screen.note(`${basename(file)} has arrived; reading it`);
  const started = await client.post('/v1/feeds/import', body, feedJob);
  const job = await waitFor(cli, client, started.id);
  if (job.error) throw fromDocument(job.error);
  if (options.json === true) cli.screen.json(job);
  else showTaken(cli, job);
}

async function waitFor({ clock, screen }: Cli, client: Client, id: string): Promise<Job> {
  for (let asked = 1; ; asked += 1) {
    const job = await client.get(`/v1/feeds/jobs/${id}`, feedJob);
    if (job.step === 'ended') return job;
    if (asked % TELL_EVERY === 0) screen.note(`${job.feed ?? 'the file'}: ${job.step}, ${job.rows} rows so far`);
    await clock.sleep(ASK_EVERY_MS);
  }
}

function nameOption(value: string): string {
  const name = feedName.safeParse(value);
  if (!name.success)
    throw new InvalidArgumentError('A feed has small letters, digits and - only; see: feed list --all');

  return name.data;
}

function namesOption(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, nameOption(value)];
}

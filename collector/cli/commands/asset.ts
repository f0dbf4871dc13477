// selvage asset: the lists of machines that ought to exist.
import { basename } from 'node:path';
import { type Command, InvalidArgumentError, Option } from 'commander';
import type { z } from 'zod';
import { assets, assetsImported, sourceName } from '../../api/contract/assets.ts';
import { FILE_TYPE } from '../../api/contract/imports.ts';
import { TITLES } from '../../assets/formats/csv.ts';
import { FORMAT_NAMES, FORMATS } from '../../assets/formats.ts';
import { type Cli, openSession } from '../cli.ts';
import { pathWith, selectOption } from '../options.ts';
import { showSelection } from '../selection-lines.ts';
import { readUpload } from '../upload.ts';
import { ago, at } from '../when.ts';

interface Options {
  readonly source?: string;
  readonly select?: string;
  readonly format?: string;
  readonly dryRun?: boolean;
  readonly skipInvalid?: boolean;
  readonly json?: boolean;
}

/** Bytes: as much as the collector takes. */
const MAX_FILE_BYTES = 64 * 1024 * 1024;
const MAX_SHOWN = 20;

const HELP = `
Formats, told by what is in the file:
${FORMATS.map(({ name, about, gone }) => `  ${name.padEnd(9)} ${about}\n            not expected: ${gone}`).join('\n')}
Titles of tables, in any case, with or without blanks and dashes:
${Object.entries(TITLES)
  .map(([column, titles]) => `  ${column.padEnd(9)} ${titles.join(', ')}`)
  .join('\n')}
A machine that is stopped is expected: it exists, and comes back as it was. Text is UTF-8 or UTF-16.
The next file of the same source takes the place of the whole list.`;

export function addAsset(program: Command, cli: Cli): void {
  const noun = program.command('asset').description('machines that ought to exist: what coverage is counted by');

  noun
    .command('import')
    .description('take a list of machines, in the place of the one from the same source')
    .argument('<file>')
    .option('--source <name>', 'what the list is called (default: its format)', sourceOption)
    .addOption(new Option('--format <format>', 'what kind of file it is').choices(FORMAT_NAMES))
    .option('--dry-run', 'only show what would change')
    .option('--skip-invalid', 'leave out what cannot be taken, and say how much that is')
    .option('--json', 'print one JSON document')
    .addHelpText('after', HELP)
    .action((file: string, options: Options) => importList(cli, file, options));

  selectOption(noun.command('list'), 'expected and not owner=*')
    .description('the lists, and the machines in them')
    .option('--source <name>', 'only that list', sourceOption)
    .option('--json', 'print one JSON document')
    .action((options: Options) => list(cli, options));

  noun
    .command('remove')
    .description('forget a list: its machines are expected no more')
    .argument('<source>', 'name of the list', sourceOption)
    .action(async (source: string) => {
      const { client } = await openSession(cli);
      const left = await client.post(`/v1/assets/${encodeURIComponent(source)}/remove`, {}, assets);
      cli.screen.line(`the list ${source} is forgotten; ${left.lists.length} lists are left`, 'good');
    });
}

async function importList(cli: Cli, file: string, options: Options): Promise<void> {
  const { bytes, date } = await readUpload(file, MAX_FILE_BYTES, 'ASSETS_INVALID');
  const { client } = await openSession(cli);
  const path = pathWith('/v1/assets', {
    ...{ file: basename(file), fileDate: date, source: options.source, format: options.format },
    dryRun: options.dryRun === true ? 'true' : undefined,
    skipInvalid: options.skipInvalid === true ? 'true' : undefined,
  });
  const answer = await client.upload(path, { type: FILE_TYPE, bytes }, assetsImported);
  if (options.json === true) return cli.screen.json(answer);

  show(cli, answer);
}

function show({ screen }: Cli, answer: z.output<typeof assetsImported>): void {
  const { list: imported, expected, gone, added, removed, skipped, notes, dryRun } = answer;
  const what = `${imported.source} (${imported.format}): ${expected} machines expected, ${gone} gone by the list's own word`;
  screen.line(dryRun ? `dry run: ${what}; nothing was changed` : what, dryRun ? 'strong' : 'good');
  for (const [sign, names] of [
    ['+', added],
    ['-', removed],
  ] as const) {
    if (names.length === 0) continue;
    const more = names.length > MAX_SHOWN ? ` and ${names.length - MAX_SHOWN} more` : '';
    screen.line(`  ${sign} ${names.length}: ${names.slice(0, MAX_SHOWN).join(', ')}${more}`);
  }
  if (added.length + removed.length === 0) screen.line('  the same machines as before');
  if (skipped.length > 0) screen.line(`  ! ${skipped.length} were left out; coverage is counted without them:`, 'bad');
  for (const { line, message } of skipped.slice(0, MAX_SHOWN)) screen.line(`    ${line}: ${message}`, 'bad');
  for (const note of notes) screen.line(`  note: ${note}`);
  if (!dryRun) screen.line('next: selvage report coverage');
}

async function list(cli: Cli, options: Options): Promise<void> {
  const { client } = await openSession(cli);
  const answer = await client.get(pathWith('/v1/assets', { source: options.source, select: options.select }), assets);
  if (options.json === true) return cli.screen.json(answer);

  const { screen } = cli;
  if (answer.lists.length === 0) {
    screen.line('no list of machines that ought to exist');
    screen.line('next: selvage asset import FILE');

    return;
  }
  for (const each of answer.lists) {
    screen.line(`${each.source}   ${each.entries} machines, ${each.format}`, 'strong');
    const date = each.fileDate === null ? '' : ` of ${at(each.fileDate, cli)}`;
    screen.line(`  ${each.file}${date}, imported ${ago(each.importedAt, cli)} by ${each.importedBy}`);
    screen.line(`  ${each.sha256}`);
    if (each.skipped > 0) screen.line(`  ! ${each.skipped} were left out because they cannot be read`, 'bad');
  }
  screen.line();
  showSelection(screen, answer.selection, 'machines');
  screen.table(
    [
      { title: 'MACHINE', shrinks: true },
      { title: 'LIST', shrinks: true },
      { title: 'EXPECTED' },
      { title: 'STATE', shrinks: true },
      { title: 'KNOWN BY', shrinks: true },
      { title: 'OWNER', shrinks: true },
    ],
    answer.assets.map((each) => [
      ...[each.name, each.source, each.expected ? 'yes' : 'no', each.state ?? ''],
      [each.instance, each.serial, ...each.macs].filter((mark) => mark !== null).join(' '),
      each.owner ?? '',
    ]),
  );
}

function sourceOption(value: string): string {
  const name = sourceName.safeParse(value);
  if (!name.success) throw new InvalidArgumentError('A source has small letters, digits and . _ - only.');

  return name.data;
}

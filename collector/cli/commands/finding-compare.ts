// selvage finding compare: the report of another scanner held against findings.
import { basename } from 'node:path';
import { type Command, Option } from 'commander';
import type { z } from 'zod';
import { compared, type compareLine } from '../../api/contract/compare.ts';
import { FILE_TYPE } from '../../api/contract/imports.ts';
import { FORMATS } from '../../compare/formats.ts';
import { type Cli, openSession } from '../cli.ts';
import { pathWith } from '../options.ts';
import { brokenAt } from '../paragraph.ts';
import { someNames } from '../some-names.ts';
import { readUpload } from '../upload.ts';
import { at } from '../when.ts';

/** Bytes: as much as the collector takes. */
const MAX_FILE_BYTES = 128 * 1024 * 1024;
/** Lines of a group that a person reads. */
const MAX_SHOWN = 20;
/** Of what is said under a line. */
const INDENT = '    ';
const HELP = `
Formats, told by what is in the file:
${FORMATS.map(({ name, about }) => `  ${name.padEnd(11)} ${about}`).join('\n')}
Hosts are found by name, fully qualified name or address; --host names the machine of a report that names none.
Four groups: agreed; scanner only, answered (with evidence); scanner only, open (nothing here can answer it); ours only.
What each scanner said of a machine is kept, and selvage finding explain shows it.`;

interface Options {
  readonly host?: string;
  readonly json?: boolean;
  readonly csv?: boolean;
  readonly openvex?: boolean;
  readonly all?: boolean;
}
type Compared = z.output<typeof compared>;
type Line = z.output<typeof compareLine>;

/** Adds the verb to the noun `finding`. */
export function addFindingCompare(noun: Command, cli: Cli): void {
  noun
    .command('compare')
    .description('hold the report of another scanner against findings: who says what, and on what evidence')
    .argument('<file>')
    .option('--host <name>', 'the machine of a report that names none')
    .addOption(new Option('--json', 'print one JSON document').conflicts(['csv', 'openvex']))
    .addOption(new Option('--csv', 'print a table to hand back').conflicts(['json', 'openvex']))
    .addOption(new Option('--openvex', 'print an OpenVEX document to hand back').conflicts(['json', 'csv']))
    .option('--all', 'show every line')
    .addHelpText('after', HELP)
    .action((file: string, options: Options) => compareFile(cli, file, options));
}

async function compareFile(cli: Cli, file: string, options: Options): Promise<void> {
  const { bytes } = await readUpload(file, MAX_FILE_BYTES, 'SCAN_REPORT_INVALID');
  const { client } = await openSession(cli);
  const as = options.csv === true ? 'csv' : options.openvex === true ? 'openvex' : 'groups';
  const path = pathWith('/v1/findings/compare', { file: basename(file), host: options.host, as });
  const answer = await client.upload(path, { type: FILE_TYPE, bytes }, compared);
  if (options.json === true) return cli.screen.json(answer);
  if (!answer.complete) cli.screen.note('not all findings are read yet after a start: compare again in a moment');
  if (answer.file !== null) {
    cli.screen.text(answer.file);
    cli.screen.note(countsOf(answer));

    return;
  }
  show(cli, answer, options.all === true ? Number.POSITIVE_INFINITY : MAX_SHOWN);
}

function countsOf({ counts, scanner }: Compared): string {
  const { agreed, answered, open, oursOnly } = counts;

  return `${scanner}: ${agreed} agreed, ${answered} answered, ${open} open, ${oursOnly} ours only`;
}

function show(cli: Cli, answer: Compared, shown: number): void {
  const { screen } = cli;
  const { counts, answers, machines, unknownHosts, withoutCve } = answer;
  const kinds = Object.entries(answers).map(([kind, count]) => `${count} ${kind}`);
  const names = machines.map(({ name, scannedAt }) => (scannedAt === null ? name : `${name} (${at(scannedAt, cli)})`));
  screen.line(`${answer.scanner} on ${machines.length} machines: ${someNames(names)}`, 'strong');
  screen.line(`  agreed                    ${counts.agreed}`);
  screen.line(
    `  scanner only, answered    ${counts.answered}${kinds.length === 0 ? '' : ` (${kinds.join(', ')})`}`,
    'good',
  );
  screen.line(`  scanner only, open        ${counts.open}`, counts.open > 0 ? 'bad' : 'plain');
  screen.line(`  ours only                 ${counts.oursOnly}`);
  if (withoutCve > 0) screen.line(`  without a CVE, not held   ${withoutCve}`, 'dim');
  if (unknownHosts.length > 0) {
    screen.line(`  ${unknownHosts.length} hosts of the report are not known here:`, 'bad');
    for (const { host, findings, why } of unknownHosts.slice(0, shown)) {
      screen.line(`    ${host}: ${findings} findings; ${why}`, 'bad');
    }
    if (unknownHosts.length > shown) screen.line(`    and ${unknownHosts.length - shown} more`, 'bad');
    if (machines.length === 0) screen.line('  next: say which machine it is: --host NAME (see: selvage host list)');
  }
  showGroup(cli, 'scanner only, open', answer.open, counts.open, shown);
  showGroup(cli, 'scanner only, answered', answer.answered, counts.answered, shown);
  showGroup(cli, 'ours only', answer.oursOnly, counts.oursOnly, shown);
  showGroup(cli, 'agreed', answer.agreed, counts.agreed, shown);
}

function showGroup({ screen }: Cli, title: string, lines: readonly Line[], count: number, shown: number): void {
  if (count === 0) return;
  screen.line();
  screen.line(`${title} (${count})`, 'strong');
  for (const { name, cve, package: of, answer } of lines.slice(0, shown)) {
    screen.line(`  ${name}  ${cve}${of === null ? '' : `  ${of}`}`);
    for (const text of brokenAt(answer, screen.width - INDENT.length)) screen.line(`${INDENT}${text}`, 'dim');
  }
  const more = count - Math.min(lines.length, shown);
  if (more > 0) screen.line(`  and ${more} more: --all, --json, or --csv`, 'dim');
}

// selvage vex: statements of others about weaknesses, and our own about findings.
import { basename } from 'node:path';
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import { writeDurable } from '@selvage/shared/files/durable.ts';
import { harmlessJson } from '@selvage/shared/text/harmless.ts';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { FILE_TYPE } from '../../api/contract/imports.ts';
import { vexDocuments, vexExported, vexId, vexImported } from '../../api/contract/vex.ts';
import { VEX_FORMATS } from '../../vex/export.ts';
import { isOwn } from '../../vex/shapes.ts';
import { type Cli, openSession } from '../cli.ts';
import { type ListOptions, pathWith, selectOption } from '../options.ts';
import { brokenAt } from '../paragraph.ts';
import { showSelection } from '../selection-lines.ts';
import { someNames } from '../some-names.ts';
import { readUpload } from '../upload.ts';
import { ago, at } from '../when.ts';

/** Bytes: as much as the collector takes. */
const MAX_FILE_BYTES = 32 * 1024 * 1024;
const READABLE = 0o644;
const HELP = `
A statement is about a package URL (pkg:deb/debian/openssh?distro=debian-12), about all versions or the one that it names.
not_affected and fixed take a finding off the list; one author who says affected or under_investigation puts it back.
Nothing is hidden: selvage finding list --state not-affected shows them, with whose word it is.`;

interface ExportOptions {
  readonly format: string;
  readonly select?: string;
  readonly fixed?: boolean;
  readonly out?: string;
}

export function addVex(program: Command, cli: Cli): void {
  const noun = program.command('vex').description('statements of others about weaknesses, and our own about findings');

  noun
    .command('import')
    .description('take an OpenVEX or CSAF document of somebody else')
    .argument('<file>')
    .option('--json', 'print one JSON document')
    .addHelpText('after', HELP)
    .action((file: string, options: { readonly json?: boolean }) => importFile(cli, file, options.json === true));

  selectOption(noun.command('list'), 'author=*example* and imported<30d')
    .description('the documents that were imported, with who brought them')
    .option('--json', 'print one JSON document')
    .action((options: ListOptions) => list(cli, options));

  noun
    .command('remove')
    .description('forget a document: what it took off the list counts again')
    .argument('<id>', 'as vex list shows it', idArgument)
    .action(async (id: string) => {
      const { client } = await openSession(cli);
      const left = await client.post(`/v1/vex/${encodeURIComponent(id)}/remove`, {}, vexDocuments);
      cli.screen.line(`${id} is forgotten; ${left.documents.length} documents are left`, 'good');
    });

  selectOption(noun.command('export'))
    .description('write our own findings as a VEX document, with their evidence')
    .addOption(new Option('--format <format>', 'which one').choices(VEX_FORMATS).default('openvex'))
    .option('--fixed', 'also what the installed versions have fixed: far more than what is open')
    .option('--out <file>', 'write it there (default: standard output)')
    .action((options: ExportOptions) => exportFindings(cli, options));
}

async function importFile(cli: Cli, file: string, json: boolean): Promise<void> {
  const { bytes } = await readUpload(file, MAX_FILE_BYTES, 'VEX_INVALID');
  const { client } = await openSession(cli);
  const path = pathWith('/v1/vex', { file: basename(file) });
  const answer = await client.upload(path, { type: FILE_TYPE, bytes }, vexImported);
  if (json) return cli.screen.json(answer);

  const { screen } = cli;
  const { document, statuses, applies, elsewhere, elsewhereCount } = answer;
  const counts = Object.entries(statuses).map(([status, count]) => `${count} ${status}`);
  screen.line(`${document.id}: ${document.statements} statements of ${document.author} (${counts.join(', ')})`, 'good');
  screen.line(
    `  ${document.document}${document.version === null ? '' : `, version ${document.version}`}, ${document.format}`,
  );
  if (isOwn(document)) {
    screen.line('  Selvage wrote it: it is kept and takes nothing off the list, which is found out anew each time');

    return;
  }
  screen.line(`  ${applies} of its ${applies + elsewhereCount} products are software that some machine here has`);
  for (const { product, reason } of elsewhere) {
    for (const text of brokenAt(`${product}: ${reason}`, screen.width - 4)) screen.line(`    ${text}`, 'dim');
  }
  if (elsewhereCount > elsewhere.length) screen.line(`    and ${elsewhereCount - elsewhere.length} more`, 'dim');
  if (elsewhereCount > 0) screen.line('  these are kept all the same, and count as soon as a machine has them');
  screen.line('next: selvage finding list --state not-affected');
}

async function list(cli: Cli, options: ListOptions): Promise<void> {
  const { client } = await openSession(cli);
  const answer = await client.get(pathWith('/v1/vex', { select: options.select }), vexDocuments);
  if (options.json === true) return cli.screen.json(answer);

  const { screen } = cli;
  showSelection(screen, answer.selection, 'VEX documents');
  if (answer.documents.length === 0 && answer.selection === null) {
    screen.line('no VEX document was imported');
    screen.line('next: selvage vex import FILE');

    return;
  }
  for (const each of answer.documents) {
    screen.line(`${each.id}   ${each.author}, ${each.statements} statements of ${at(each.at, cli)}`, 'strong');
    screen.line(`  ${each.document}${each.version === null ? '' : `, version ${each.version}`}, ${each.format}`);
    screen.line(`  ${each.file}, imported ${ago(each.importedAt, cli)} by ${each.importedBy}`);
    screen.line(`  ${each.sha256}`);
  }
}

async function exportFindings(cli: Cli, options: ExportOptions): Promise<void> {
  const { client } = await openSession(cli);
  const path = pathWith('/v1/vex/export', {
    ...{ format: options.format, select: options.select },
    fixed: options.fixed === true ? 'true' : undefined,
  });
  const { document, statements, machines, unknown, complete } = await client.get(path, vexExported);
  if (statements === 0) {
    throw new CodedError('NOT_FOUND', `${machines} machines have no finding: there is nothing to write`, {
      next: 'look at what is known of them: selvage host list',
    });
  }
  const text = `${harmlessJson(JSON.stringify(document, null, 2))}\n`;
  if (options.out === undefined) cli.screen.json(document);
  else await writeDurable(options.out, text, { mode: READABLE });

  cli.screen.note(
    `${statements} statements about ${machines} machines${options.out === undefined ? '' : ` in ${options.out}`}`,
  );
  if (!complete) cli.screen.note('not all findings are read yet after a start: write it again in a moment');
  if (unknown.length > 0) cli.screen.note(`nothing is said of ${someNames(unknown)}: their packages are not known`);
}

function idArgument(value: string): string {
  const id = vexId.safeParse(value);
  if (!id.success) throw new InvalidArgumentError('An id has the digits 0-9 and a-f only.');

  return id.data;
}

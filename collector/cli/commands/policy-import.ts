// selvage policy import: what another updater was told, as documents to look at, complete and push. It pushes nothing and asks no
// collector.

import { existsSync } from 'node:fs';
import { basename } from 'node:path';
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import { readBounded, writeDurable } from '@selvage/shared/files/durable.ts';
import { harmless } from '@selvage/shared/text/harmless.ts';
import type { Command } from 'commander';
import { stringify } from 'yaml';
import type { Cli } from '../cli.ts';
import type { ImportNote } from '../policy-import/draft.ts';
import { type Imported, type ImportFile, importPolicy } from '../policy-import/import.ts';

interface Options {
  readonly name: string;
  readonly out?: string;
  readonly json?: boolean;
}

const MAX_BYTES = 1024 * 1024;
const READABLE = 0o644;
/** A note is one line of a comment. */
const MAX_VALUE = 120;

export function addPolicyImport(noun: Command, cli: Cli): void {
  noun
    .command('import')
    .description('a window and a policy from 50unattended-upgrades, 20auto-upgrades, automatic.conf or a timer')
    .argument('<file...>', 'files of one host; several are read together')
    .option('--name <name>', 'name of both documents', 'imported')
    .option('--out <file>', 'write the YAML there; without it, it is printed')
    .option('--json', 'print one JSON document')
    .action((files: string[], options: Options) => importFiles(cli, files, options));
}

async function importFiles(cli: Cli, paths: readonly string[], { name, out, json }: Options): Promise<void> {
  const files: ImportFile[] = [];
  for (const path of paths) files.push(await readFile(path));
  const imported = importPolicy(files, { name, now: cli.clock.now() });
  const yaml = yamlOf(imported, paths);
  if (out !== undefined) await writeNew(out, yaml);
  const { documents, notes, assumed } = imported;
  if (json === true) return cli.screen.json({ documents, notes, assumed, out: out ?? null });
  if (out === undefined) return cli.screen.text(yaml);

  for (const sentence of assumed) cli.screen.line(`assumed: ${sentence}`);
  // Whole lines: a reason that is cut says nothing.
  for (const outcome of ['for you', 'not translated'] as const) {
    for (const each of notes.filter((one) => one.outcome === outcome)) {
      cli.screen.line(`${outcome}: ${each.file}:${each.line} ${optionOf(each)}: ${each.why}`);
    }
  }
  cli.screen.line(`${out} is written; look at it, then: selvage policy diff ${out}`, 'good');
}

async function readFile(path: string): Promise<ImportFile> {
  const bytes = await readBounded(path, MAX_BYTES);
  if (bytes === null) throw new CodedError('NOT_FOUND', `there is no file ${path}`, { next: 'check the path' });

  try {
    return { name: basename(path), text: new TextDecoder('utf-8', { fatal: true }).decode(bytes) };
  } catch (error) {
    throw new CodedError('DOCUMENT_INVALID', `${path} is not UTF-8`, { cause: error });
  }
}

async function writeNew(path: string, yaml: string): Promise<void> {
  if (existsSync(path)) {
    throw new CodedError('ALREADY_EXISTS', `${path} is there already`, { next: 'choose another --out, or remove it' });
  }
  await writeDurable(path, yaml, { mode: READABLE });
}

function yamlOf({ plain, notes, assumed }: Imported, paths: readonly string[]): string {
  const comment = (text: string) => `# ${harmless(text)}`;
  const lines = (outcome: ImportNote['outcome']) =>
    notes
      .filter((each) => each.outcome === outcome)
      .map((each) => comment(`${each.file}:${each.line} ${optionOf(each)}: ${each.why}`));
  const section = (title: string, entries: readonly string[]) =>
    entries.length === 0 ? [] : [`#`, `# ${title}`, ...entries];

  return [
    comment(
      `Made by selvage policy import from ${paths.map((path) => basename(path)).join(', ')}. Look at it before you push.`,
    ),
    ...section('Assumed:', assumed.map(comment)),
    ...section('For you to fill in or look at:', lines('for you')),
    ...section('Not translated:', lines('not translated')),
    ...section('Translated:', lines('translated')),
    ...plain.map((document) => `---\n${stringify(document).trimEnd()}`),
    '',
  ].join('\n');
}

function optionOf({ option, value }: ImportNote): string {
  const short = value.length > MAX_VALUE ? `${value.slice(0, MAX_VALUE)}...` : value;

  return `${option} ${JSON.stringify(short)}`;
}

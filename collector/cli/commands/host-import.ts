// selvage host import: a machine without an agent, from the file that collect.sh wrote there.
import { basename } from 'node:path';
import { parseLabels } from '@selvage/shared/model/labels.ts';
import type { Command } from 'commander';
import { FILE_TYPE, imported } from '../../api/contract/imports.ts';
import { type Cli, openSession } from '../cli.ts';
import { collectScript } from '../collect-script.ts';
import { showImported } from '../imported-page.ts';
import { hostOption } from '../options.ts';
import { readUpload } from '../upload.ts';

interface Options {
  readonly name: string;
  readonly label?: readonly string[];
  readonly owner?: string;
  readonly replace?: boolean;
  readonly replaceOlder?: boolean;
  readonly json?: boolean;
}

/** Bytes: as much as the collector takes. */
const MAX_FILE_BYTES = 64 * 1024 * 1024;

const HELP = `
On the machine, by whoever may log in there (no root, no network, nothing is installed or changed):
  sh collect.sh                          (here: selvage host collect-script > collect.sh)
The file that it writes is imported here. The machine is then known as "imported, as of DATE", by its own clock; it is
never counted as one that reports itself. Importing a newer file of the same name replaces it.`;

export function addHostImport(noun: Command, cli: Cli): void {
  noun
    .command('collect-script')
    .description('print collect.sh: to be carried to a machine without an agent, and started there')
    .action(async () => cli.screen.text(await collectScript()));

  noun
    .command('import')
    .description('keep a machine without an agent, as it was when collect.sh ran there')
    .argument('<file>', 'what collect.sh wrote; gzip is fine')
    .requiredOption('--name <host>', 'what the machine is called here', hostOption)
    .option('--label <name=value...>', 'a label, such as line=3; those of before stay when left out')
    .option('--owner <text>', 'who answers for it')
    .option('--replace', 'another machine has this name now')
    .option('--replace-older', 'go back to a file that is older than what is known')
    .option('--json', 'print one JSON document')
    .addHelpText('after', HELP)
    .action((file: string, options: Options) => importHost(cli, file, options));
}

async function importHost(cli: Cli, file: string, options: Options): Promise<void> {
  parseLabels(options.label ?? []);
  const { bytes, date } = await readUpload(file, MAX_FILE_BYTES, 'IMPORT_INVALID');
  const { client } = await openSession(cli);
  const query = new URLSearchParams({ name: options.name, fileDate: date });
  for (const label of options.label ?? []) query.append('label', label);
  if (options.owner !== undefined) query.set('owner', options.owner);
  if (options.replace === true) query.set('replace', 'true');
  if (options.replaceOlder === true) query.set('replaceOlder', 'true');
  const answer = await client.upload(`/v1/imports?${query}`, { type: FILE_TYPE, bytes }, imported);
  if (options.json === true) return cli.screen.json({ file: basename(file), ...answer });

  showImported(cli, answer);
  if (!answer.unchanged) cli.screen.line(`next: selvage host show ${answer.host.name}`);
}

// selvage help words: the words of Selvage, one line each, as the screens and documents use them; selvage help CODE: the
// page of an error code; selvage help select: how to say which things are meant.

import { isCode } from '@selvage/shared/errors/codes.ts';
import type { Command } from 'commander';
import type { Cli } from '../cli.ts';
import { errorPage } from '../error-page.ts';
import { showSelectHelp } from '../select-help.ts';

const WORDS: readonly (readonly [string, string])[] = [
  ['fix', 'one source package brought to one version, on every host that needs it'],
  ['approval', 'a signed document: these exact packages may be installed, until then'],
  ['signed policy', 'windows, patch policies and approvals, signed by admins; the collector cannot make one'],
  ['install', 'what a host does with an approved fix, inside its window'],
  ['window', 'when a host may install: days or a recurrence, a start and a length'],
  ['freeze', 'dates on which a window stays closed'],
  ['hold', 'a package that a policy keeps at its version, with an owner and an end'],
  ['lane', 'how fast a kind of fix goes out: its delay, its window, its rings'],
  ['ring', 'a part of the hosts; a later ring waits until the one before has soaked'],
  ['transaction', 'everything a package manager would do: installs, upgrades, removals'],
  ['plan changed', 'the transaction is not the approved one any more: nothing is installed'],
  ['connector', 'the unprivileged half of the agent: carries policy in and results out'],
  ['runner', 'the privileged half: verifies, installs, proves; opens no internet socket'],
  ['mirror folder', 'packages and their signed index as files, verified again before an install'],
  ['proven', 'a fresh inventory shows the version; an exit code alone proves nothing'],
  ['unknown', 'cannot be said, with the reason; it never counts as 0 and never as done'],
  ['mode', "observe, advise, ask-on-site or managed: decided in the host's own settings"],
  ['pin', 'one fingerprint over the authority and the policy root, compared at first contact'],
  ['ledger', 'the append-only, hash-chained list of who did what'],
];

export function addWords(program: Command, cli: Cli): void {
  const help = program
    .command('help')
    .description('help for a command, an error code, the words of Selvage (help words), or select texts (help select)');
  help
    .argument('[command...]', 'a command, an error code, "words" or "select [NOUN]"')
    .action(async (path: string[]) => {
      const [first] = path;
      if (first === 'words') return showWords(cli);
      if (first === 'select') return showSelectHelp(cli.screen, path[1]);
      if (isCode(first)) return cli.screen.text(await errorPage(first));
      let command = program;
      for (const word of path) {
        const child = command.commands.find((each) => each.name() === word);
        if (!child) return command.error(`unknown command '${word}'`);
        command = child;
      }

      return command.outputHelp();
    });
}

function showWords(cli: Cli): void {
  const width = Math.max(...WORDS.map(([word]) => word.length));
  for (const [word, meaning] of WORDS) cli.screen.line(`${word.padEnd(width)}  ${meaning}`);
}

// selvage backup, selvage restore: a copy of a whole collector, and the way back. Both work on the files of this machine.
import type { Command } from 'commander';
import type { Cli } from '../cli.ts';
import { howToServe } from '../how-to-serve.ts';

export function addBackup(program: Command, cli: Cli): void {
  program
    .command('backup')
    .description('copy the collector of this home into a new folder, while it serves: database, keys, settings')
    .argument('<folder>', 'folder to make')
    .option('--json', 'print one JSON document')
    .action(async (folder: string, options: { json?: boolean }) => {
      const made = await cli.backup(folder);
      if (options.json === true) return cli.screen.json(made);

      cli.screen.line(`backup made in ${made.folder}`, 'good');
      cli.screen.line(`  ${made.files} files, ${made.bytes} bytes, ${ledgerLine(made.ledger)}`);
      cli.screen.line('  opened and checked: every page, every hash, the whole ledger');
      cli.screen.line('It holds the keys of the collector: keep it as safe as the collector itself.');
      cli.screen.line(`Not in it: the keys of admins (here: ${cli.admin.path}). Keep a copy of those apart.`);
    });
}

export function addRestore(program: Command, cli: Cli): void {
  program
    .command('restore')
    .description('put a backup in the place of the collector of this home; what was there is kept aside')
    .argument('<folder>', 'what selvage backup made')
    .option('--json', 'print one JSON document')
    .action(async (folder: string, options: { json?: boolean }) => {
      const restored = await cli.restore(folder);
      if (options.json === true) return cli.screen.json(restored);

      cli.screen.line(`collector of ${restored.createdAt} restored in ${restored.home}`, 'good');
      cli.screen.line(`  ${ledgerLine(restored.ledger)}; what came after is lost, and the ledger says so`);
      if (restored.aside !== null) cli.screen.line(`  what was there before: ${restored.aside}`);
      cli.screen.line();
      cli.screen.line('Hosts come back by themselves and send again what they still have.');
      cli.screen.line(
        'Hosts that enrolled after the backup are unknown to it: selvage host list names those that knock.',
      );
      cli.screen.line('Hosts and admins that were revoked after the backup are active again: revoke them first.');
      cli.screen.line('Open tokens are revoked: which of them were used since, nobody knows. Make new ones.');
      cli.screen.line(`next: ${howToServe(restored.home)}`);
    });
}

function ledgerLine(ledger: { readonly sequence: number; readonly hash: string } | null): string {
  return ledger ? `ledger up to entry ${ledger.sequence} (${ledger.hash.slice(0, 16)})` : 'the ledger is empty';
}

// selvage serve: runs the collector of this home until it is told to stop.
import type { Command } from 'commander';
import type { Cli } from '../cli.ts';

export function addServe(program: Command, cli: Cli): void {
  program
    .command('serve')
    .description('run the collector of this home: gateway for hosts, API for admins')
    .option('--ready-line', 'print "ready {…}" with the addresses as JSON once both ports listen')
    .action((options: { readyLine?: boolean }) => cli.serve({ readyLine: options.readyLine === true }));
}

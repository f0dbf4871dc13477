// The command line as a whole: every noun and verb, its options and help. Wrong use ends with USAGE (exit 2); what a
// command does lies in commands/.

import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import { Command, CommanderError, type OutputConfiguration } from 'commander';
import type { Cli } from './cli.ts';
import { addAdmin } from './commands/admin.ts';
import { addAsset } from './commands/asset.ts';
import { addAudit } from './commands/audit.ts';
import { addAuthority } from './commands/authority.ts';
import { addBackup, addRestore } from './commands/backup.ts';
import { addDebug } from './commands/debug.ts';
import { addFeed } from './commands/feed.ts';
import { addFinding } from './commands/finding.ts';
import { addFix } from './commands/fix.ts';
import { addHost } from './commands/host.ts';
import { addInit } from './commands/init.ts';
import { addKey } from './commands/key.ts';
import { addLogin } from './commands/login.ts';
import { addPolicy } from './commands/policy.ts';
import { addReport } from './commands/report.ts';
import { addScan } from './commands/scan.ts';
import { addServe } from './commands/serve.ts';
import { addStatus } from './commands/status.ts';
import { addTodo } from './commands/todo.ts';
import { addToken } from './commands/token.ts';
import { addVex } from './commands/vex.ts';
import { addWords } from './commands/words.ts';
import type { Output } from './screen.ts';

const COMMANDS = [
  addInit,
  addServe,
  addLogin,
  addTodo,
  addStatus,
  addAdmin,
  addKey,
  addToken,
  addHost,
  addAsset,
  addReport,
  addAuthority,
  addPolicy,
  addFinding,
  addScan,
  addFeed,
  addFix,
  addVex,
  addAudit,
  addBackup,
  addRestore,
  addDebug,
  addWords,
] as const;

const EXIT_CODES = `
Exit codes: 0 ok, 1 failed, 2 wrong use or document, 3 refused, 4 no collector answers.
State: $SELVAGE_HOME (default: .selvage in the checkout); the admin's own files in its folder "admin".`;

export interface ProgramOptions {
  readonly version: string;
  readonly stdout: Output;
  readonly width: number;
}

export function createProgram(cli: Cli, { version, stdout, width }: ProgramOptions): Command {
  const program = new Command('selvage')
    .description('Patch management that proves what it did: the command line of the collector.')
    .version(version)
    .showSuggestionAfterError(true)
    .addHelpText('after', EXIT_CODES);
  const output: OutputConfiguration = {
    writeOut: (text) => void stdout.write(text),
    // Errors are printed once, by the one place that prints all of them.
    writeErr: () => undefined,
    outputError: () => undefined,
    getOutHelpWidth: () => width,
    getErrHelpWidth: () => width,
  };
  for (const add of COMMANDS) add(program, cli);
  configure(program, output);

  return program;
}

/** Runs one command line. Throws USAGE for wrong use, with the usage of the command meant; help is no error. */
export async function runProgram(program: Command, args: readonly string[]): Promise<void> {
  try {
    await program.parseAsync([...args], { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return;

    const usage = usageOf(program, args);
    const message = error.code === 'commander.help' ? 'a command is missing' : error.message.replace(/^error: /, '');
    throw new CodedError('USAGE', message, { cause: error, next: usage });
  }
}

function configure(command: Command, output: OutputConfiguration): void {
  command.exitOverride().configureOutput(output);
  for (const child of command.commands) configure(child, output);
}

/** `selvage token create [options] (see --help)` of the deepest command that the arguments name. */
function usageOf(program: Command, args: readonly string[]): string {
  let command = program;
  const names = ['selvage'];
  for (const word of args) {
    const child = command.commands.find((each) => each.name() === word);
    if (!child) break;
    command = child;
    names.push(word);
  }
  const verbs = command.commands.map((each) => each.name()).filter((name) => name !== 'help');

  return verbs.length > 0
    ? `usage: ${names.join(' ')} ${verbs.join('|')} (more with --help)`
    : `usage: ${names.join(' ')} ${command.usage()} (more with --help)`;
}

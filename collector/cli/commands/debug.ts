// selvage debug: look into one part by hand, without a collector. `debug versions` says how versions are ordered here.
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import { knownEcosystems, schemeFor, versionProblem } from '@selvage/shared/versions/list.ts';
import type { VersionScheme } from '@selvage/shared/versions/scheme.ts';
import type { Command } from 'commander';
import type { Cli } from '../cli.ts';
import { linesOf } from '../lines.ts';

/** Answers are written together up to so many. */
const MOST_AT_ONCE = 512;

const HELP = `
Reads lines of two versions with a tab between them from standard input, and prints <, = or > for each:
  printf '1.2-1\\t1.2-1+deb12u1\\n' | selvage debug versions Debian
Ecosystems (what follows a colon does not matter) and types:
  ${knownEcosystems().join('\n  ')}`;

export function addDebug(program: Command, cli: Cli): void {
  const noun = program.command('debug').description('look into one part by hand');
  noun
    .command('versions')
    .description('compare versions as an ecosystem orders them')
    .argument('<ecosystem>', 'such as Debian, AlmaLinux, Alpine, PyPI or npm')
    .addHelpText('after', HELP)
    .action((ecosystem: string) => compareLines(cli, ecosystem));
}

async function compareLines(cli: Cli, ecosystem: string): Promise<void> {
  const scheme = schemeFor(ecosystem);
  if (scheme === null) {
    throw new CodedError('USAGE', `nobody here knows how ${ecosystem} orders its versions`, {
      next: `choose one of ${knownEcosystems().join('; ')}`,
    });
  }

  let waiting: string[] = [];
  const write = () => {
    if (waiting.length > 0) cli.screen.text(`${waiting.join('\n')}\n`);
    waiting = [];
  };
  let number = 0;
  try {
    for await (const { text, more } of linesOf(cli.stdin)) {
      number += 1;
      waiting.push(answer(scheme, text, number));
      if (!more || waiting.length >= MOST_AT_ONCE) write();
    }
  } finally {
    write();
  }
}

/** One of `<`, `=` and `>`. Throws VERSION_INVALID with the number of the line. */
function answer(scheme: VersionScheme, line: string, number: number): string {
  const [a = '', b, ...rest] = line.split('\t');
  if (b === undefined || rest.length > 0) {
    throw invalid(
      number,
      `has ${b === undefined ? 'no tab' : `${rest.length + 1} tabs`}: two versions need one between them`,
    );
  }
  for (const [which, version] of [
    ['first', a],
    ['second', b],
  ] as const) {
    const problem = versionProblem(scheme, version);
    if (problem !== null) throw invalid(number, `has a ${which} version that is none of ${scheme.name}: ${problem}`);
  }
  const order = scheme.order(a, b);

  return order < 0 ? '<' : order > 0 ? '>' : '=';
}

function invalid(line: number, what: string): CodedError {
  return new CodedError('VERSION_INVALID', `line ${line} ${what}`, { details: { line } });
}

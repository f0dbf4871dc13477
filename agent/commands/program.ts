// The command tree of selvage-agent and how a command ends: errors as two lines on stderr, exit codes by error code.
// Each command is loaded when it is run: a start with nothing to do is to be over before most of them could be read.
import { resolve } from 'node:path';
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import { MODES } from '@selvage/shared/model/ids.ts';
import { Command, CommanderError, Option } from 'commander';
import type { Settings } from '../settings.ts';
import { AGENT_VERSION } from '../version.ts';
import type { ConnectFlags } from './connect.ts';
import { type Context, complain, createContext, type World } from './context.ts';

const EXIT_USAGE = 2;
const SAME_USER = [
  '--same-user',
  'started by root: do all of it as root, to look at it only; whoever steals the connection has the machine',
] as const;
const SERVICE = ['--service', 'a service manager starts each half of the agent'] as const;
const COLLECTOR_OPTION = ['--collector <url>', 'address of the collector, wss://HOST:PORT'] as const;

/** Parses `args`, runs one command and returns its exit code. Never throws. */
export async function runProgram(args: readonly string[], world: World): Promise<number> {
  const program = new Command('selvage-agent');

  try {
    const ended = describe(program, world);
    await program.parseAsync([...args], { from: 'user' });

    return ended();
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : EXIT_USAGE;

    return complain(world.stderr, error);
  }
}

/** Returns what gives the exit code of a command that went well. */
function describe(program: Command, world: World): () => number {
  let exitCode = 0;
  const command = (name: string, text: string) => program.command(name).description(text);
  // Built when the command runs: the option is known only then.
  const context = (): Context => {
    const { settings } = program.opts<{ settings?: string }>();

    // Handed on to processes that are started in another folder.
    return createContext(world, settings === undefined ? null : resolve(settings), load);
  };

  program
    .description('The agent: inventories this machine and installs approved fixes in their windows.')
    .version(AGENT_VERSION)
    .option('--settings <file>', 'settings file (default: /etc/selvage-agent)')
    .exitOverride()
    .configureOutput({ writeOut: (text) => world.stdout.write(text), writeErr: (text) => world.stderr.write(text) })
    .showHelpAfterError('(add --help for the options)');

  command('preflight', 'whether this machine can run the agent and reach the collector, in one line; changes nothing')
    .option(...COLLECTOR_OPTION)
    .option('--pin <sha256:…>', 'what the collector must prove to be; without it, only that something answers')
    .option('--json', 'one JSON document with every check')
    .option('--verbose', 'one more line for each thing that is in the way')
    .addHelpText('after', '\nExit codes: 0 ready, 2 usage, 3 not ready, 4 only the collector cannot be reached.')
    .action(async (options) => {
      exitCode = await (await import('./preflight.ts')).preflight(context(), options);
    });
  command('enroll', 'enroll this host with a token')
    .requiredOption(...COLLECTOR_OPTION)
    .requiredOption(
      '--pin <sha256:…>',
      'fingerprint over the authority and the policy root, as `selvage token create` prints it',
    )
    .option('--token <token>', 'the token; - reads it from standard input, where no other user sees it')
    .option('--token-file <file>', 'file with the token in it, instead of --token')
    .option('--if-needed', 'where this host is enrolled with this collector already, say so and end well')
    .option(
      '--wait <duration>',
      'how long to come again while the collector is busy (default: 2m) or, where this is given, cannot be reached',
    )
    .option('--name <name>', 'name of this host (default: its host name)')
    .addOption(
      new Option('--mode <mode>', `what this host may be used for, for its own settings: ${MODES.join(', ')}`).choices([
        ...MODES,
      ]),
    )
    .option('--label <name=value>', 'label for its own settings; may be given again', more, [])
    .option('--now', 'then put the agent on: systemctl enable --now selvage-agent.target')
    .option(...SAME_USER)
    .action(async (options) => (await import('./enroll.ts')).enrollHost(context(), options));
  command('connect', 'stay connected: report, mirror policy, take inventories')
    .option('--once', 'one inventory, sent and acknowledged, then end')
    .option('--with-runner', 'also start the fetcher and the runner, where no service manager does')
    .option(...SAME_USER)
    .addOption(new Option('--supervised', 'inventories come on standard input').hideHelp())
    .addOption(new Option(...SERVICE).hideHelp())
    .action(async (options) => {
      exitCode = await connect(context(), options);
    });
  command('fetch', 'bring the packages that the runner asked for (unprivileged)')
    .addOption(new Option(...SERVICE).hideHelp())
    .action(async (options) => (await import('./fetch.ts')).fetchWanted(context(), options));
  command('run', 'one pass of the runner: verify policy, install what is due, sign the results')
    .option('--json', 'one JSON document')
    .option('--reset-clock', 'the clock is right as it is, whatever was seen before: believe it')
    .addOption(new Option(...SERVICE).hideHelp())
    .action(async (options) => (await import('./run.ts')).runPass(context(), options));
  command('inventory', 'take an inventory of this machine')
    .option('--json', 'one JSON document')
    .option('--parcel', 'what the collector does not have yet; hashes of what it has on standard input')
    .option('--refresh', 'bring the package lists up to date before (unprivileged, in the agent’s own folder)')
    .option('--refresh-due', 'the same, only where the interval of the settings is over')
    .addOption(new Option('--only-lists', 'no inventory: package lists only, where they are due').hideHelp())
    .addOption(new Option('--deposit', 'all of it, left where the connector reads it').hideHelp())
    .action(async (options) => (await import('./inventory.ts')).showInventory(context(), options));
  command('status', 'who I am, what waits, what is wrong')
    .option('--json', 'one JSON document')
    .action(async (options) => (await import('./status.ts')).showStatus(context(), options));
  command('plan', 'what would be installed, when, and why not now; changes nothing')
    .option('--json', 'one JSON document')
    .action(async (options) => (await import('./plan.ts')).showPlan(context(), options));
  command('takeover', 'stop the other updaters of this host, so that Selvage alone updates it; `release` gives it back')
    .option('--dry-run', 'only say what would be stopped')
    .option('--json', 'one JSON document')
    .action(async (options) => (await import('./takeover.ts')).takeOverHost(context(), options));
  command('release', 'give this host back to its other updaters, as they were before the takeover')
    .option('--dry-run', 'only say what would be given back')
    .option('--json', 'one JSON document')
    .addOption(new Option('--within-run', 'the runner waits for this').hideHelp())
    .action(async (options) => (await import('./release.ts')).releaseHost(context(), options));
  command('settings', 'the settings in force').action(async () =>
    (await import('./settings.ts')).showSettings(context()),
  );

  return () => exitCode;
}

function more(value: string, before: readonly string[]): readonly string[] {
  return [...before, value];
}

/** Returns the exit code. As root it supervises: what holds the connection is another process of another user. */
async function connect(context: Context, flags: ConnectFlags): Promise<number> {
  const { become, settingsFile } = context;
  if (flags.service && process.getuid?.() === 0) {
    throw new CodedError('USAGE', 'the connection is never held by root; the unit names another user');
  }
  const isAlone = flags.supervised || flags.sameUser || process.getuid?.() !== 0;
  const supervises = isAlone
    ? null
    : await (await import('./user.ts')).unprivilegedUser((await context.settings()).user);
  if (become !== null && !flags.once) {
    const { withRunner = false, supervised = false, service = false } = flags;
    become({ settings: await context.settings(), settingsFile, withRunner, supervised, service, supervises });
  }
  if (supervises !== null) return (await import('./supervise.ts')).supervise(context, supervises, flags);
  await (await import('./connect.ts')).connect(context, flags);

  return 0;
}

async function load(paths: readonly string[]): Promise<Settings> {
  return (await import('../settings.ts')).loadSettings(paths);
}

// Starts a package manager in a scope of its own: outside of the runner's unit and its limits, so that neither a stop of that unit nor what it
// denies to the runner reaches maintainer scripts and what they start. Everything else is started as ever.
import type { Run, RunOptions } from '@selvage/shared/exec/run.ts';

/** Of one runner's process. */
let scopes = 0;

/** Only what may never be killed, and only as root: an ordinary user of a sandbox has no service manager to ask. */
export function inScopes(run: Run): Run {
  return (options) => run(options.neverKill && options.uid === undefined ? scoped(options) : options);
}

/** systemd-run replaces itself by the program: process id, streams, environment and exit code are the program's own. */
function scoped(options: RunOptions): RunOptions {
  scopes += 1;

  return {
    ...options,
    file: 'systemd-run',
    args: [
      '--scope',
      '--quiet',
      '--collect',
      `--unit=selvage-agent-install-${process.pid}-${scopes}`,
      '--description=Selvage agent, package manager at work',
      // Nothing in it is ever signalled: the runner's unit waits for its end, and that is enough.
      '--property=KillMode=process',
      '--property=SendSIGKILL=no',
      '--',
      options.file,
      ...(options.args ?? []),
    ],
  };
}

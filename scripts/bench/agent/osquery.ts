// osquery as a peer: one binary, a shell as `osqueryi`, a daemon as `osqueryd`. It comes in an npm package that is fetched
// into the folder of the benchmark; nothing of Selvage depends on it.
import { execFile } from 'node:child_process';
import { copyFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import { createRun } from '@selvage/shared/exec/run.ts';

const PACKAGE = '@cdxgen/cdxgen-plugins-bin-linux-amd64@4.1.1';
const BINARY = 'package/plugins/osquery/osqueryi-linux-amd64';
const DEADLINE_MS = 120_000;
const run = createRun(process.env);
const started = promisify(execFile);

export interface Osquery {
  readonly shell: string;
  readonly daemon: string;
}

/** Throws TOOL_MISSING where the binary cannot be had or does not run. */
export async function fetchOsquery(folder: string): Promise<Osquery> {
  const place = join(folder, 'osquery');
  await mkdir(place, { recursive: true });

  try {
    // With the environment of whoever runs the benchmark: that is where a registry, a proxy or a certificate is named.
    const { stdout } = await started('npm', ['pack', '--silent', '--ignore-scripts', PACKAGE], {
      cwd: place,
      timeout: DEADLINE_MS,
    });
    const archive = stdout.trim().split('\n').at(-1) ?? '';
    await run({ file: 'tar', args: ['-xzf', archive, BINARY], cwd: place, deadlineMs: DEADLINE_MS, check: true });
    const binary = join(place, BINARY);
    const names = { shell: join(place, 'osqueryi'), daemon: join(place, 'osqueryd') };
    for (const name of Object.values(names)) await copyFile(binary, name);
    await run({ file: names.shell, args: ['--version'], deadlineMs: DEADLINE_MS, check: true });

    return names;
  } catch (error) {
    throw new CodedError('TOOL_MISSING', `osquery cannot be had from ${PACKAGE}`, {
      cause: error,
      next: 'run it on x64 Linux with a package registry in reach',
    });
  }
}

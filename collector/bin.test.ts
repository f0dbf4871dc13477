// The real program as its own process: signals, streams and exit codes that no injected stream can show.
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '@selvage/shared/testing/temporary-folder.ts';
import { describe, expect, it } from 'vitest';

const ENTRY = join(import.meta.dirname, 'bin/selvage.mjs');

function start(home: string, args: readonly string[]) {
  const child = spawn(process.execPath, [ENTRY, ...args], { env: { ...process.env, SELVAGE_HOME: home } });
  let stdout = '';
  let stderr = '';
  child.stderr.on('data', (chunk) => {
    stderr += chunk;
  });
  const ended = new Promise<{ exit: number | null; stdout: string; stderr: string }>((resolve) => {
    child.on('close', (exit) => resolve({ exit, stdout, stderr }));
  });
  const ready = new Promise<void>((resolve) => {
    child.stdout.on('data', (chunk) => {
      stdout += chunk;
      if (/^ready \{.*\}$/m.test(stdout)) resolve();
    });
  });

  return { child, ended, ready };
}

describe('when the program runs as a process', () => {
  const home = join(temporaryFolder('process'), 'home');

  it.each(['SIGTERM', 'SIGINT'] as const)('serve drains on %s and ends with 0', async (signal) => {
    await start(home, ['init', '--local', '--gateway-port', '0', '--api-port', '0']).ended;
    const { child, ended, ready } = start(home, ['serve', '--ready-line']);
    await Promise.race([ready, ended]);
    child.kill(signal);

    expect(await ended).toMatchObject({ exit: 0, stderr: 'stopping: running work is finished first\n' });
  });

  it('says the version of its package', async () => {
    const { version } = JSON.parse(readFileSync(join(import.meta.dirname, 'package.json'), 'utf8'));

    expect(await start(home, ['--version']).ended).toMatchObject({ exit: 0, stdout: `${version}\n` });
  });

  it('an error is on standard error only, with its exit code', async () => {
    expect(await start(home, ['host', 'lst']).ended).toMatchObject({
      ...{ exit: 2, stdout: '' },
      stderr: expect.stringMatching(/^error USAGE: /),
    });
  });
});

// Which processes count as a transaction that is still at work. The process here is a real one that calls itself dpkg.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '@selvage/shared/testing/temporary-folder.ts';
import { afterEach, describe, expect, it } from 'vitest';
import { TRANSACTION_MARK } from './apt-system.ts';
import { transactionAlive } from './transaction-alive.ts';

const folder = temporaryFolder('alive');
const program = join(folder, 'dpkg');
copyFileSync('/bin/sleep', program);
const me = process.getuid?.() ?? 0;

describe('when a process carries the mark of a transaction', () => {
  let child: ChildProcess | undefined;
  afterEach(() => {
    child?.kill('SIGKILL');
  });

  async function marked(): Promise<void> {
    child = spawn(program, ['60'], { env: { [TRANSACTION_MARK]: folder }, stdio: 'ignore' });
    await once(child, 'spawn');
  }

  it('it is waited for when it runs as the user of the transactions', async () => {
    await marked();

    expect(await transactionAlive(folder, me)).toBe(
      `process ${child?.pid} is an installation that an earlier runner started`,
    );
  });

  it('it counts for nothing when it is anybody else’s: every user can name a program dpkg and set a variable', async () => {
    await marked();

    expect(await transactionAlive(folder, me + 1)).toBeNull();
  });
});

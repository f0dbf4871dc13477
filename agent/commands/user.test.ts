import { join } from 'node:path';
import { createRun } from '@selvage/shared/exec/run.ts';
import { needs } from '@selvage/shared/testing/needs.ts';
import { describe, expect, it } from 'vitest';
import { unprivilegedUser } from './user.ts';

const root = process.getuid?.() === 0;

// One of the two: tests run as root in some places and as an ordinary user in others.
if (root) {
  describe('when the agent is root', () => {
    it('drops to the user of the settings', async () => {
      expect(await unprivilegedUser('nobody')).toEqual({ uid: 65534, gid: 65534 });
    });

    it.each(['no-such-user-here', 'root'])('refuses %s instead of staying root', async (name) => {
      await expect(unprivilegedUser(name)).rejects.toMatchObject({ code: 'SETTINGS_INVALID' });
    });
  });
} else {
  describe('when the agent is an ordinary user', () => {
    it('stays itself', async () => expect(await unprivilegedUser('nobody')).toBeNull());
  });
}

needs(['unshare'], 'root of a user namespace without other users', () => {
  it('stays itself: it is an ordinary user of the machine already', async () => {
    const script = `import { unprivilegedUser } from '${join(import.meta.dirname, 'user.ts')}';
      process.stdout.write(JSON.stringify([process.getuid(), await unprivilegedUser('nobody')]))`;
    const { stdout } = await createRun(process.env)({
      file: 'unshare',
      args: ['--user', '--map-root-user', process.execPath, '--input-type=module', '-e', script],
      deadlineMs: 20_000,
      check: true,
    });

    expect(stdout).toBe('[0,null]');
  });
});

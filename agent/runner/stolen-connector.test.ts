// What a stolen connector tries against the runner with nothing but the rights of its own user.
import { chmodSync, cpSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { runOnce } from './runner.ts';
import { bench, IN_WINDOW } from './testing/bench.ts';

describe('when the folder above the runner’s may be written by others', () => {
  it('a runner folder that was put in its place brings no policy of its own', async () => {
    // The attacker's own policy, signed by keys of their own and accepted by a runner of their own.
    const attacker = bench();
    await runOnce(attacker.deps());
    const victim = bench([]);
    await runOnce(victim.deps());

    // The state folder belongs to the connector: it moves the runner's folder away and lays another in its place.
    chmodSync(victim.stateDir, 0o777);
    renameSync(victim.runner, `${victim.runner}.away`);
    mkdirSync(victim.runner);
    for (const name of ['accepted', 'trust', 'key.pem', 'first-seen.json']) {
      cpSync(join(attacker.runner, name), join(victim.runner, name), { recursive: true });
    }
    rmSync(join(victim.stateDir, 'policy'), { recursive: true });
    cpSync(join(attacker.stateDir, 'policy'), join(victim.stateDir, 'policy'), { recursive: true });
    victim.clock.setWall(IN_WINDOW);

    await expect(runOnce(victim.deps())).rejects.toMatchObject({ code: 'FILE_UNSAFE' });
    expect(victim.installer.acts).toEqual([]);
  });
});

import { chownSync, cpSync, lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { systemRandom } from '@selvage/shared/random.ts';
import { temporaryFolder } from '@selvage/shared/testing/temporary-folder.ts';
import { systemClock } from '@selvage/shared/time/clock.ts';
import { describe, expect, it } from 'vitest';
import { makeAuthority } from '../connector/testing/collector.ts';
import { identityFolder } from '../connector/testing/identity-folder.ts';
import type { Context } from './context.ts';
import { enrollHost } from './enroll.ts';
import { prepareFolders } from './ownership.ts';
import { unprivilegedUser } from './user.ts';

const top = temporaryFolder('enroll-command');

describe.runIf(process.getuid?.() === 0)('when root enrolls a host whose connector runs already', () => {
  it('it is refused, and the connector still has its identity', async () => {
    const user = await unprivilegedUser('nobody');
    if (user === null) return;
    const stateDir = join(top, 'state');
    const settings = { stateDir, runnerDir: join(stateDir, 'runner'), mode: 'observe', user: 'nobody', root: '/' };
    await prepareFolders(settings, user);
    const identity = join(stateDir, 'identity');
    cpSync(await identityFolder(makeAuthority()), identity, { recursive: true });
    for (const name of readdirSync(identity)) chownSync(join(identity, name), user.uid, user.gid);
    const said: string[] = [];
    const context: Partial<Context> = {
      settings: async () => ({ ...settings, proxy: 'none' }) as unknown as Awaited<ReturnType<Context['settings']>>,
      say: (line) => void said.push(line),
      proxies: {},
      settingsPaths: [],
      clock: systemClock,
      random: systemRandom,
    };
    const flags = { collector: 'wss://127.0.0.1:1', pin: `sha256:${'0'.repeat(64)}`, token: 'used' };

    await expect(enrollHost(context as Context, flags)).rejects.toMatchObject({ code: 'ALREADY_ENROLLED' });
    expect(lstatSync(identity).uid).toBe(user.uid);
    expect(said).toEqual([]);
  });
});

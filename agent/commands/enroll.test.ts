import { chownSync, cpSync, existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { generateKey } from '@selvage/shared/pki/keys.ts';
import { systemRandom } from '@selvage/shared/random.ts';
import { temporaryFolder } from '@selvage/shared/testing/temporary-folder.ts';
import { systemClock } from '@selvage/shared/time/clock.ts';
import { describe, expect, it } from 'vitest';
import { makeAuthority } from '../connector/testing/collector.ts';
import { identityFolder } from '../connector/testing/identity-folder.ts';
import type { Context } from './context.ts';
import { type EnrollFlags, enrollHost } from './enroll.ts';
import { prepareFolders } from './ownership.ts';
import { readRunnerHost } from './runner-host.ts';
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

const COLLECTOR = 'wss://127.0.0.1:1';
const PIN = `sha256:${'0'.repeat(64)}`;
let made = 0;

/** What is said when a host, enrolled with COLLECTOR or with none, is enrolled with these flags; nothing listens anywhere. */
async function enrolling(flags: Partial<EnrollFlags>, enrolled: boolean, keys = false) {
  made += 1;
  const stateDir = join(top, `${made}`);
  const runnerDir = join(stateDir, 'runner');
  mkdirSync(runnerDir, { recursive: true });
  const settingsPaths = [join(stateDir, 'settings.json'), join(stateDir, 'settings.d')];
  if (keys) {
    mkdirSync(join(stateDir, 'identity'), { mode: 0o700 });
    writeFileSync(join(stateDir, 'identity/host.key'), generateKey().privateKey, { mode: 0o600 });
  }
  if (enrolled) cpSync(await identityFolder(makeAuthority()), join(stateDir, 'identity'), { recursive: true });
  const settings = { stateDir, runnerDir, mode: 'observe', labels: {}, user: 'nobody', root: '/', proxy: 'none' };
  const said: string[] = [];
  const context: Partial<Context> = {
    settings: async () => settings as unknown as Awaited<ReturnType<Context['settings']>>,
    say: (line) => void said.push(line),
    stderr: { write: () => undefined },
    ...{ proxies: {}, settingsPaths, clock: systemClock, random: systemRandom },
    ...{ input: async () => '', settingsFile: join(stateDir, 'settings.json') },
  };
  const code = await enrollHost(context as Context, { collector: COLLECTOR, pin: PIN, sameUser: true, ...flags }).then(
    () => 'OK',
    (error: { code: string }) => error.code,
  );

  return { code, said, runnerDir, ownSettings: join(stateDir, 'settings.d/50-enroll.json') };
}

describe('when a host is enrolled only if that is needed', () => {
  it('one that is enrolled with this collector stays as it is, without a token, and its runner knows it', async () => {
    const { code, said, runnerDir } = await enrolling({ ifNeeded: true }, true);

    expect({ code, said }).toEqual({ code: 'OK', said: [expect.stringMatching(/^already enrolled as web-1 /)] });
    expect(await readRunnerHost(runnerDir)).toMatchObject({ name: 'web-1' });
  });

  it('one that is enrolled with another is not quietly left there', async () => {
    const { code, said } = await enrolling({ ifNeeded: true, collector: 'wss://127.0.0.1:2', token: 'x' }, true);

    expect({ code, said }).toEqual({ code: 'ALREADY_ENROLLED', said: [] });
  });

  it('one that is not enrolled is enrolled', async () => {
    expect(await enrolling({ ifNeeded: true, token: 'x' }, false)).toMatchObject({ code: 'UNREACHABLE' });
  });
});

describe('when the token is given', () => {
  it.each<[string, Partial<EnrollFlags>, string]>([
    ['nowhere', {}, 'USAGE'],
    ['twice', { token: 'x', tokenFile: '/dev/null' }, 'USAGE'],
    ['in a file that is not there', { tokenFile: join(top, 'none') }, 'NOT_FOUND'],
    ['in a file that is none', { tokenFile: '/dev/null' }, 'FILE_UNSAFE'],
    ['on an input that is empty', { token: '-' }, 'USAGE'],
    ['with a wait that is no duration', { token: 'x', wait: 'long' }, 'USAGE'],
  ])('%s, nothing is asked from anybody', async (_, flags, code) => {
    expect(await enrolling(flags, false)).toMatchObject({ code, said: [] });
  });

  it('in a file, with a line end behind it, it is taken', async () => {
    const tokenFile = join(top, 'token');
    writeFileSync(tokenFile, 'slv_token\n', { mode: 0o600 });

    expect(await enrolling({ tokenFile }, false)).toMatchObject({ code: 'UNREACHABLE' });
  });
});

describe('when the collector cannot be reached', () => {
  it('what was said of mode and labels is taken back: no token has left, and the next attempt may say otherwise', async () => {
    const { code, ownSettings } = await enrolling({ token: 'x', mode: 'managed', label: ['tier=web'] }, false);

    expect({ code, left: existsSync(ownSettings) }).toEqual({ code: 'UNREACHABLE', left: false });
  });

  it('it stays where an attempt before may have become a host: that one is asked for again', async () => {
    const { code, ownSettings } = await enrolling({ token: 'x', mode: 'managed', label: ['tier=web'] }, false, true);

    expect(code).toBe('UNREACHABLE');
    expect(JSON.parse(readFileSync(ownSettings, 'utf8'))).toEqual({ mode: 'managed', labels: { tier: ['web'] } });
  });
});

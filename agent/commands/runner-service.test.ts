import { mkdirSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Run, RunOptions } from '@selvage/shared/exec/run.ts';
import { silentLog } from '@selvage/shared/log/levels.ts';
import type { RunResult } from '@selvage/shared/model/result.ts';
import { temporaryFolder } from '@selvage/shared/testing/temporary-folder.ts';
import { systemClock } from '@selvage/shared/time/clock.ts';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Settings } from '../settings.ts';
import { agentFolders } from './folders.ts';
import { inScopes } from './install-scope.ts';
import { calendarTime, servicePasses } from './runner-service.ts';

const MINUTE_MS = 60_000;
const NONE: readonly RunResult[] = [];
let settings: Settings;
let calls: RunOptions[];
let exitCode: number;
const run: Run = async (options) => {
  calls.push(options);

  return { stdout: '', stderr: '', exitCode };
};
/** Pauses take no time here. */
const clock = { ...systemClock, sleep: async () => undefined };
const passes = (pass: () => Promise<readonly RunResult[]>, stop = new AbortController()) =>
  servicePasses({ clock, log: silentLog, run }, settings, pass, stop.signal);
const put = (path: string, value: unknown) => {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, JSON.stringify(value));
};
const wanted = (count: number, ageMs: number) => {
  const path = join(settings.runnerDir, 'wanted.json');
  put(path, { format: 1, packages: Array.from({ length: count }, () => ({})) });
  const then = (Date.now() - ageMs) / 1000;
  utimesSync(path, then, then);

  return () => Date.now() - statSync(path).mtimeMs < MINUTE_MS / 2;
};
const refused = [{ outcome: 'waiting', problem: { code: 'NOT_FETCHED', message: '' } }] as unknown as RunResult[];

beforeEach(() => {
  const stateDir = temporaryFolder('service');
  settings = { stateDir, runnerDir: join(stateDir, 'runner') } as Settings;
  calls = [];
  exitCode = 0;
});

describe('when a service manager starts the runner', () => {
  it('one pass is enough where nothing came meanwhile', async () => {
    let count = 0;
    await passes(async () => {
      count += 1;

      return NONE;
    });

    expect(count).toBe(1);
  });

  it('policy that came during a pass is looked at before it ends: its unit would not be woken for it', async () => {
    let count = 0;
    await passes(async () => {
      count += 1;
      if (count === 1) put(agentFolders(settings).wake, 1);

      return NONE;
    });

    expect(count).toBe(2);
  });

  it('whoever wakes it all the time gets a few passes, not all of the machine', async () => {
    let count = 0;
    await passes(async () => {
      count += 1;
      put(agentFolders(settings).fetched, 'x'.repeat(count));

      return NONE;
    });

    expect(count).toBe(5);
  });

  it('told to stop, it begins no further pass', async () => {
    const stop = new AbortController();
    let count = 0;
    await passes(async () => {
      count += 1;
      put(agentFolders(settings).wake, count);
      stop.abort();

      return NONE;
    }, stop);

    expect(count).toBe(1);
  });

  it.each([
    ['refused, and asked for some time ago', 1, 2 * MINUTE_MS, refused, true],
    ['refused, but asked for just now', 1, MINUTE_MS * 0.75, refused, false],
    ['wanted for long', 1, 31 * MINUTE_MS, NONE, true],
    ['wanted for a while', 1, 29 * MINUTE_MS, NONE, false],
    ['nothing wanted', 0, 90 * MINUTE_MS, NONE, false],
  ] as const)('the fetcher is woken again: %s', async (_, count, ageMs, told, again) => {
    const isNew = wanted(count, ageMs);
    await passes(async () => told);

    expect(isNew()).toBe(again);
  });
});

describe('when the runner ends', () => {
  const next = (at: string | null) => put(join(settings.runnerDir, 'next.json'), { at });
  const commands = () => calls.map(({ file, args }) => [file, ...(args ?? [])].join(' '));

  it('a timer of the service manager is there for the next window, in place of the one before', async () => {
    next('2100-01-01T01:00:00Z');
    await passes(async () => NONE);

    expect(commands()).toEqual([
      'systemctl stop selvage-agent-next.timer',
      expect.stringMatching(
        /^systemd-run .*--on-calendar=2100-01-01 01:00:00 UTC .*-- systemctl start --no-block selvage-agent-run.service$/,
      ),
    ]);
  });

  it('a time that has come already is a moment ahead, so that a wrong clock makes no loop', async () => {
    next('2001-01-01T01:00:00Z');
    await passes(async () => NONE);
    const [, at = ''] = /--on-calendar=(\S+ \S+) UTC/.exec(commands()[1] ?? '') ?? [];

    expect(Date.parse(`${at.replace(' ', 'T')}Z`)).toBeGreaterThan(Date.now());
  });

  it.each([null, undefined])('without a next time (%s) no timer is left', async (at) => {
    if (at !== undefined) next(at);
    await passes(async () => NONE);

    expect(commands()).toEqual(['systemctl stop selvage-agent-next.timer']);
  });

  it('a service manager that makes none costs nothing but that timer', async () => {
    next('2100-01-01T01:00:00Z');
    exitCode = 1;

    expect(await passes(async () => refused)).toEqual(refused);
  });

  it('its second is never before the instant', () => {
    expect(calendarTime(Temporal.Instant.from('2026-11-24T00:59:59.001Z'))).toBe('2026-11-24 01:00:00 UTC');
    expect(calendarTime(Temporal.Instant.from('2026-11-24T01:00:00Z'))).toBe('2026-11-24 01:00:00 UTC');
  });
});

describe('what runs in a scope of its own', () => {
  const call = { file: 'apt-get', args: ['install', '--', 'x=1'], deadlineMs: 1 };

  it('only what is never killed, and only as root', async () => {
    await inScopes(run)(call);
    await inScopes(run)({ ...call, neverKill: true, uid: 65_534 });
    expect(calls.map(({ file }) => file)).toEqual(['apt-get', 'apt-get']);

    await inScopes(run)({ ...call, neverKill: true, env: { A: 'b' } });
    expect(calls[2]).toMatchObject({ file: 'systemd-run', neverKill: true, env: { A: 'b' } });
    expect(calls[2]?.args?.slice(-5)).toEqual(['--', 'apt-get', 'install', '--', 'x=1']);
    expect(calls[2]?.args).toEqual(expect.arrayContaining(['--scope', '--property=KillMode=process']));
  });
});

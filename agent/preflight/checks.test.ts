import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { answerOf } from './answer.ts';
import { isAtLeast, judge, MIN_GLIBC, MIN_INODES, MIN_KERNEL, RUNNER_BYTES, STATE_BYTES } from './checks.ts';
import type { Facts, Reach } from './facts.ts';

const GIB = 1024 ** 3;
const MINUTE_MS = 60_000;
const REACHED: Reach = {
  ...{ state: 'reached', url: 'wss://collector.example:8440', proxy: null, ms: 11.6, proven: true, skewMs: 200 },
};
const GOOD: Facts = {
  ...{ platform: 'linux', arch: 'x64', kernel: '6.1.0-30-amd64', glibc: '2.36', managers: ['apt'], updaters: [] },
  disks: [{ folders: [{ path: '/var/lib/selvage-agent', kind: 'state' }], free: { bytes: 4 * GIB, inodes: null } }],
  user: { name: 'selvage-agent', problem: null, asked: true },
  ...{ systemd: true, collector: REACHED },
};
const told = (over: Partial<Facts> = {}) => answerOf(judge({ ...GOOD, ...over }));
const disk = (bytes: number, inodes: number | null = null): Partial<Facts> => ({
  disks: [
    {
      folders: [
        { path: '/var/lib/a', kind: 'state' },
        { path: '/var/lib/r', kind: 'runner' },
      ],
      free: { bytes, inodes },
    },
  ],
});
const FAILED: Reach = {
  ...{ state: 'failed', url: 'wss://c:1', proxy: null, skewMs: null },
  ...{ code: 'UNREACHABLE', says: 'c:1 refuses connections', next: 'check the port' },
};

describe('when nothing is in the way', () => {
  it('one line says what was found', () => {
    expect(told()).toEqual({
      ...{ ready: true, exit: 0, more: [] },
      line: 'ready: x64, glibc 2.36, kernel 6.1.0-30-amd64, 4096 MiB free for /var/lib/selvage-agent, user selvage-agent, clock right, wss://collector.example:8440 reached directly in 12 ms, apt, systemd',
    });
  });

  it('what is only worth knowing, or was not asked, is said and stops nothing', () => {
    const { ready, line } = told({
      ...{ managers: [], updaters: ['unattended-upgrades', 'cron: update'], systemd: false },
      ...{ user: { name: 'nobody', problem: null, asked: false }, collector: { state: 'not asked' } },
    });

    expect(ready).toBe(true);
    for (const part of [
      'no package manager',
      'unattended-upgrades, cron: update',
      'no systemd',
      'no collector',
      'nobody else',
    ]) {
      expect(line).toContain(part);
    }
  });

  it('a collector that was not told from another is not called proven', () => {
    expect(told({ collector: { ...REACHED, proven: false } }).line).toContain('not proven without --pin');
    expect(told({ updaters: null }).line).toContain('other updaters could not be looked for');
  });
});

describe('when something is in the way', () => {
  it.each<[string, Partial<Facts>, string, RegExp]>([
    ['an old glibc (RHEL 7)', { glibc: '2.17' }, 'HOST_UNSUPPORTED', /glibc 2\.17, it needs 2\.28; do: .*collect\.sh/],
    ['an old glibc (Ubuntu 18.04)', { glibc: '2.27' }, 'HOST_UNSUPPORTED', /glibc 2\.27/],
    ['musl', { glibc: null }, 'HOST_UNSUPPORTED', /another C library/],
    ['a glibc that is no version', { glibc: 'new' }, 'HOST_UNSUPPORTED', /glibc new/],
    ['an old kernel', { kernel: '3.10.0-1160.el7.x86_64' }, 'HOST_UNSUPPORTED', /kernel 3\.10/],
    ['another architecture', { arch: 's390x' }, 'HOST_UNSUPPORTED', /s390x, it runs on x64 and arm64/],
    ['another system', { platform: 'darwin' }, 'HOST_UNSUPPORTED', /darwin/],
    [
      'no room',
      disk(STATE_BYTES + RUNNER_BYTES - 1),
      'NO_SPACE',
      /767 MiB free for \/var\/lib\/a and \/var\/lib\/r, it needs 768/,
    ],
    ['no inodes', disk(GIB, MIN_INODES - 1), 'NO_SPACE', /1999 more files/],
    [
      'a disk that does not answer',
      { disks: [{ folders: [{ path: '/x', kind: 'state' }], free: null }] },
      'NO_SPACE',
      /\/x cannot be asked/,
    ],
    [
      'no such user',
      { user: { name: 'sel', problem: 'there is no user sel', asked: true } },
      'SETTINGS_INVALID',
      /useradd/,
    ],
    [
      'a clock that is behind',
      { collector: { ...REACHED, skewMs: 5 * MINUTE_MS + 1 } },
      'CLOCK_WRONG',
      /300 s behind the collector/,
    ],
    ['a clock that is ahead', { collector: { ...REACHED, skewMs: -86_400_000 } }, 'CLOCK_WRONG', /86400 s ahead of/],
  ])('%s: it is named with what to do, and the exit code is 3', (_, over, code, says) => {
    const { ready, line, exit } = told(over);

    expect({ ready, exit }).toEqual({ ready: false, exit: 3 });
    expect(line).toMatch(new RegExp(`^not ready: ${code} `));
    expect(line).toMatch(says);
    expect(line).not.toContain('\n');
  });

  it('somebody between this machine and the collector is no network that comes back: 3', () => {
    expect(told({ collector: { ...FAILED, code: 'PIN_MISMATCH' } }).exit).toBe(3);
  });

  it('only the way to the collector: the exit code is 4', () => {
    expect(told({ collector: FAILED })).toMatchObject({
      ...{ exit: 4, line: 'not ready: UNREACHABLE c:1 refuses connections; do: check the port' },
    });
  });

  it('several things: the first is told whole, the others by their code, and each on a line of its own for who asks', () => {
    const { line, more, exit } = told({ glibc: '2.17', kernel: '3.10.0', collector: FAILED });

    expect(line).toMatch(
      /^not ready: HOST_UNSUPPORTED glibc 2.17, it needs 2.28 \(and 2 more: HOST_UNSUPPORTED, UNREACHABLE\); do: /,
    );
    expect(more).toHaveLength(3);
    expect(exit).toBe(3);
  });

  it('a clock that is off by exactly what is allowed is not', () => {
    expect(told({ collector: { ...REACHED, skewMs: -5 * MINUTE_MS } }).ready).toBe(true);
    expect(told(disk(STATE_BYTES + RUNNER_BYTES, MIN_INODES)).ready).toBe(true);
  });
});

describe('when versions are compared', () => {
  it.each([
    ['2.28', '2.28', true],
    ['2.100', '2.28', true],
    ['3.0', '2.28', true],
    ['2.3', '2.28', false],
    ['1.99', '2.28', false],
    ['4.18.0-553.el8_10.x86_64', '4.18', true],
    ['4.9.0', '4.18', false],
    ['2', '2.28', false],
    ['', '2.28', false],
    ['2.x', '2.28', false],
    ['99999999.1', '2.28', false],
  ])('%s is at least %s: %s', (version, least, is) => expect(isAtLeast(version, least)).toBe(is));
});

it('the gate in plain sh has the same numbers', () => {
  const sh = readFileSync(new URL('../../packaging/agent/preflight.sh', import.meta.url), 'utf8');
  const of = (name: string) => new RegExp(`^${name}=(\\S+)$`, 'm').exec(sh)?.[1];

  expect(of('MIN_GLIBC')).toBe(MIN_GLIBC);
  expect(of('MIN_KERNEL')).toBe(MIN_KERNEL);
  expect(Number(of('STATE_KIB')) * 1024).toBe(STATE_BYTES);
});

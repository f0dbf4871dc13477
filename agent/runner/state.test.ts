// The small files of the runner: lock, clock, first sight, journal.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fakeClock } from '@selvage/shared/testing/fake-clock.ts';
import { temporaryFolder } from '@selvage/shared/testing/temporary-folder.ts';
import { describe, expect, it } from 'vitest';
import { openFirstSeen } from './first-seen.ts';
import { openJournal } from './journal.ts';
import { takeLock } from './lock.ts';
import { durableFiles } from './state-file.ts';
import { OPENSSL } from './testing/bench.ts';
import { openFlooredClock } from './time-floor.ts';

const folder = temporaryFolder('runner-state');
const path = (name: string) => join(folder, name);

describe('when a lock is taken', () => {
  const ticket = (name: string, pid: number | string, start: string, boot = bootId) => {
    mkdirSync(path(name), { recursive: true });
    writeFileSync(join(path(name), `${pid}-${start}-${boot}-0123456789ab`), '');
  };
  const bootId = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();

  it('is had by one at a time', async () => {
    const first = await takeLock(path('lock'));
    expect(await takeLock(path('lock'))).toBeNull();
    await first?.release();
    const second = await takeLock(path('lock'));

    expect(second).not.toBeNull();
    await second?.release();
  });

  it.each([
    ['is gone', 4194303, '12', bootId],
    ['gave its number to another one', process.pid, '1', bootId],
    ['ran before a reboot', process.pid, '1', '00000000-0000-0000-0000-000000000000'],
  ])('does not wait for a process that %s', async (reason, pid, start, boot) => {
    ticket(reason, pid, start, boot);
    const lock = await takeLock(path(reason));

    expect(lock).not.toBeNull();
    expect(readdirSync(path(reason))).toEqual([expect.stringMatching(new RegExp(`^${process.pid}-`))]);
    await lock?.release();
    expect(readdirSync(path(reason))).toEqual([]);
  });

  it('waits for a process that is alive', async () => {
    const stat = readFileSync('/proc/1/stat', 'utf8');
    ticket('alive', 1, stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '');

    expect(await takeLock(path('alive'))).toBeNull();
  });

  it('is refused when something else lies there', async () => {
    mkdirSync(path('strange'));
    writeFileSync(join(path('strange'), 'x'), '');

    await expect(takeLock(path('strange'))).rejects.toMatchObject({ code: 'FILE_CORRUPT' });
    expect(readdirSync(path('strange'))).toEqual(['x']);
  });

  it('never goes to two of many that start together, and goes to the next one', async () => {
    for (let round = 0; round < 20; round++) {
      ticket('many', 4194303, '12');
      const locks = (await Promise.all(Array.from({ length: 4 }, () => takeLock(path('many'))))).filter(Boolean);
      expect(locks.length).toBeLessThanOrEqual(1);
      for (const lock of locks) await lock?.release();
    }
    const last = await takeLock(path('many'));

    expect(last).not.toBeNull();
    await last?.release();
  });
});

describe('when time is kept', () => {
  it('never goes below the highest time seen, also by an earlier runner', async () => {
    const clock = fakeClock('2026-11-24T00:00:00Z');
    const first = await openFlooredClock(clock, () => ({ boot: '', ms: 0 }), path('clock.json'), durableFiles);
    clock.setWall('2026-11-25T00:00:00Z');
    await first.keep();
    clock.setWall('2026-11-20T00:00:00Z');
    const second = await openFlooredClock(clock, () => ({ boot: '', ms: 0 }), path('clock.json'), durableFiles);

    expect(String(second.now().floor)).toBe('2026-11-25T00:00:00Z');
    expect(String(second.now().clock)).toBe('2026-11-20T00:00:00Z');
  });
});

describe('when packages are first seen', () => {
  it('keeps the first time for ever, and forgets what nobody names any more', async () => {
    const seen = await openFirstSeen(path('seen.json'), durableFiles);
    await seen.note([OPENSSL], Temporal.Instant.from('2026-11-24T00:00:00Z'));
    await seen.note([OPENSSL], Temporal.Instant.from('2026-11-20T00:00:00Z'));
    const again = await openFirstSeen(path('seen.json'), durableFiles);
    expect(again.of(OPENSSL)).toBe('2026-11-24T00:00:00Z');
    expect(again.of({ ...OPENSSL, version: '4' })).toBeNull();
    await again.keepOnly([]);

    expect(again.of(OPENSSL)).toBeNull();
  });
});

describe('when the journal is damaged', () => {
  it.each(['', '{', '{}', '{"format":1,"state":"Cleared"}', '{"format":2,"state":"InstallStarted"}'])(
    'stops with JOURNAL_INVALID: %s',
    async (content) => {
      writeFileSync(path('journal.json'), content);

      await expect(openJournal(path('journal.json'), durableFiles).read()).rejects.toMatchObject({
        code: 'JOURNAL_INVALID',
      });
    },
  );
});

// The small files of the runner: lock, clock, first sight, journal.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
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
  it('is had by one at a time', async () => {
    const first = await takeLock(path('lock'));
    expect(await takeLock(path('lock'))).toBeNull();
    await first?.release();
    const second = await takeLock(path('lock'));

    expect(second).not.toBeNull();
    await second?.release();
  });

  it.each([
    ['a process that is gone', '4194303 12'],
    ['a process whose number another one has now', '1 12345678901'],
  ])('is taken over from %s', async (_, content) => {
    writeFileSync(path('stale'), content);
    const lock = await takeLock(path('stale'));

    expect(readFileSync(path('stale'), 'utf8')).toMatch(new RegExp(`^${process.pid} `));
    await lock?.release();
    expect(existsSync(path('stale'))).toBe(false);
  });

  it('is refused when it names nobody', async () => {
    writeFileSync(path('strange'), 'x');

    await expect(takeLock(path('strange'))).rejects.toMatchObject({ code: 'FILE_CORRUPT' });
  });

  it('goes to exactly one of many that find a stale one', async () => {
    writeFileSync(path('many'), '4194303 12');
    const locks = await Promise.all(Array.from({ length: 4 }, () => takeLock(path('many'))));

    expect(locks.filter((lock) => lock !== null)).toHaveLength(1);
  });
});

describe('when time is kept', () => {
  it('never goes below the highest time seen, also by an earlier runner', async () => {
    const clock = fakeClock('2026-11-24T00:00:00Z');
    const first = await openFlooredClock(clock, path('clock.json'), durableFiles);
    clock.setWall('2026-11-25T00:00:00Z');
    await first.keep();
    clock.setWall('2026-11-20T00:00:00Z');
    const second = await openFlooredClock(clock, path('clock.json'), durableFiles);

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

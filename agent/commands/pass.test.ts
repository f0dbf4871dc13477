import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { silentLog } from '@selvage/shared/log/log.ts';
import { fakeClock } from '@selvage/shared/testing/fake-clock.ts';
import { temporaryFolder } from '@selvage/shared/testing/temporary-folder.ts';
import { describe, expect, it } from 'vitest';
import type { RunnerSays } from './children.ts';
import { createPass } from './pass.ts';

const NOTHING: RunnerSays = { changed: false, refetch: false };
const WANTED = [{ name: 'openssl', version: '3.0.17-1', arch: 'amd64' }];

function setUp(says: RunnerSays[], fetch: () => Promise<void> = async () => undefined) {
  const runnerDir = join(temporaryFolder('pass'), 'runner');
  mkdirSync(runnerDir);
  const calls: string[] = [];
  const clock = fakeClock('2026-11-23T00:00:00Z');
  const pass = createPass({
    context: { clock, log: silentLog },
    settings: { stateDir: runnerDir, runnerDir },
    children: {
      run: async () => {
        calls.push('run');

        return says.shift() ?? NOTHING;
      },
      fetch: async () => {
        calls.push('fetch');
        await fetch();
      },
    },
  });
  const write = (name: string, value: unknown) => writeFileSync(join(runnerDir, name), JSON.stringify(value));

  return { pass, calls, clock, write, want: (packages: unknown) => write('wanted.json', { format: 1, packages }) };
}

describe('when the halves are started as children', () => {
  it('nothing is fetched while the runner wants nothing', async () => {
    const { pass, calls } = setUp([]);

    expect(await pass()).toEqual({ changed: false, again: null });
    expect(calls).toEqual(['run']);
  });

  it('what is wanted is brought between two passes of the runner, once', async () => {
    const { pass, calls, want } = setUp([NOTHING, { changed: true, refetch: false }]);
    want(WANTED);

    expect((await pass()).changed).toBe(true);
    expect(calls).toEqual(['run', 'fetch', 'run']);
    await pass();
    expect(calls).toEqual(['run', 'fetch', 'run', 'run']);
  });

  it('it is brought again when the mirror was refused, when more is wanted, and after half an hour', async () => {
    const { pass, calls, want, clock } = setUp([NOTHING, NOTHING, { changed: false, refetch: true }]);
    want(WANTED);
    await pass();
    await pass();
    expect(calls).toEqual(['run', 'fetch', 'run', 'run', 'fetch', 'run']);

    want([...WANTED, { name: 'libssl3', version: '3.0.17-1', arch: 'amd64' }]);
    await pass();
    await clock.advance(30 * 60_000);
    await pass();
    expect(calls.filter((call) => call === 'fetch')).toHaveLength(4);
  });

  it('a failed fetch still lets the runner say what is missing', async () => {
    const { pass, calls, want } = setUp([], () => Promise.reject(new Error('no network')));
    want(WANTED);
    await pass();

    expect(calls).toEqual(['run', 'fetch', 'run']);
  });

  it('the time the runner asked for is handed on', async () => {
    const { pass, write } = setUp([]);
    write('next.json', { format: 1, at: '2026-11-24T01:00:00Z', policy: null });

    expect(`${(await pass()).again}`).toBe('2026-11-24T01:00:00Z');
  });

  it('a file that the runner did not write is an error, not "nothing wanted"', async () => {
    const { pass, write } = setUp([]);
    write('wanted.json', { packages: 'all' });

    await expect(pass()).rejects.toMatchObject({ code: 'FILE_CORRUPT' });
  });
});

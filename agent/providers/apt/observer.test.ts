import { execFileSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createRun } from '@selvage/shared/exec/run.ts';
import { fakeClock } from '@selvage/shared/testing/fake-clock.ts';
import { needs } from '@selvage/shared/testing/needs.ts';
import { systemClock } from '@selvage/shared/time/clock.ts';
import { describe, expect, it } from 'vitest';
import type { PublishOptions } from '../../../scripts/lab/repository.ts';
import { filesBelow, PARTS, problemsOf as problems, REFRESH, STATUS, useArchive } from './testing/archive.ts';

const run = createRun({});

needs(PARTS, 'a host with an archive', () => {
  const { host, publish, archive, served } = useArchive();

  describe('when lists were never fetched', () => {
    it('says so for every repository and starts no program', async () => {
      const made = host();

      expect(await problems(made.observer())).toEqual([
        ['bookworm', 'REPOSITORY_NEVER_FETCHED'],
        ['bookworm-security', 'REPOSITORY_NEVER_FETCHED'],
      ]);
      expect(made.started).toEqual([]);
    });
  });

  describe('when lists are refreshed', () => {
    it('believes them, with the facts of the signed index', async () => {
      const observer = host().observer();
      const [updates, security] = await observer.refresh(REFRESH);

      expect(updates).toMatchObject({
        id: `${served().url} bookworm main`,
        label: 'Debian',
        signed: true,
        security: false,
        problem: null,
        lastError: null,
      });
      expect(security).toMatchObject({ label: 'Debian-Security', codename: 'bookworm-security', security: true });
      expect(updates?.lastRefresh).toBe(updates?.lastAttempt);
      expect(updates?.date).not.toBeNull();
    });

    it('works from a file: archive too', async () => {
      const observer = host(archive().sources()).observer();

      expect((await observer.refresh(REFRESH)).map(({ problem }) => problem)).toEqual([null, null]);
    });

    it('runs no hook of the host and writes nothing below its root', async () => {
      const made = host();
      const trap = join(made.root, 'hook-ran');
      const hooks = ['APT::Update::Pre-Invoke', 'APT::Update::Post-Invoke', 'APT::Update::Post-Invoke-Success'];
      made.write('etc/apt/apt.conf.d/99hooks', hooks.map((hook) => `${hook} { "touch ${trap}"; };\n`).join(''));
      execFileSync('chmod', ['777', made.root]);
      const before = filesBelow(made.root);
      await made.observer().refresh(REFRESH);
      await made.observer().pending();

      expect(filesBelow(made.root)).toEqual(before);
    });

    it('finds exactly what apt list counts, with what an admin asks next', async () => {
      const made = host();
      const observer = made.observer();
      await observer.refresh(REFRESH);
      const pending = await observer.pending();
      const byName = Object.fromEntries(pending.map((update) => [update.name, update]));
      const config = { APT_CONFIG: join(made.stateDir, 'apt/apt.conf') };
      const { stdout } = await run({ file: 'apt', args: ['list', '--upgradable'], env: config, deadlineMs: 30_000 });

      expect(pending.map(({ name }) => name).sort()).toEqual(
        stdout
          .split('\n')
          .filter((line) => line.includes('upgradable from'))
          .map((line) => line.split('/')[0])
          .sort(),
      );
      expect(Object.keys(byName).sort()).toEqual(['between', 'fixed', 'held', 'slow', 'tool']);
      expect(byName.tool).toMatchObject({
        installed: '1.0-1',
        candidate: '2.0-1',
        source: 'tool-src',
        candidateSourceVersion: '2.0-1~src',
        repositories: [`${served().url} bookworm main`],
        security: false,
        held: false,
        phased: null,
      });
      expect(byName.tool?.downloadBytes).toBeGreaterThan(100);
      expect(byName.held?.held).toBe(true);
      expect(byName.slow?.phased).toBe(20);
      expect(byName.fixed?.security).toBe(true);
      // The candidate is of the point release, but a version on the way to it closed a hole.
      expect(byName.between).toMatchObject({
        candidate: '1.2',
        security: true,
        repositories: [`${served().url} bookworm main`],
      });
    });

    it('obeys the pins of the host', async () => {
      const made = host();
      made.write('etc/apt/preferences.d/pin', 'Package: tool\nPin: version 1.0-1\nPin-Priority: 1001\n');
      const observer = made.observer();
      await observer.refresh(REFRESH);

      expect((await observer.pending()).map(({ name }) => name)).not.toContain('tool');
    });

    it('answers from what it keeps while nothing changed, and anew when something did', async () => {
      const made = host();
      const observer = made.observer();
      await observer.refresh(REFRESH);
      const first = await observer.pending();
      made.started.length = 0;

      expect(await observer.pending()).toEqual(first);
      expect(made.started).toEqual([]);

      made.install(...STATUS.filter((line) => !line.startsWith('tool')));
      expect((await observer.pending()).map(({ name }) => name)).not.toContain('tool');
      expect(made.started).not.toEqual([]);
    });
  });

  describe('when lists grow old', () => {
    it('does not believe them after ten days, and does before the limit', async () => {
      const made = host();
      await made.observer().refresh(REFRESH);
      const soon = fakeClock(systemClock.now().add({ hours: 23 }).toString());
      const late = fakeClock(systemClock.now().add({ hours: 240 }).toString());

      expect(await problems(made.observer({ clock: soon }))).toEqual([
        ['bookworm', null],
        ['bookworm-security', null],
      ]);
      expect(await problems(made.observer({ clock: late }))).toEqual([
        ['bookworm', 'REPOSITORY_OLD'],
        ['bookworm-security', 'REPOSITORY_OLD'],
      ]);
    });

    it('does not believe them when the clock was set back before the refresh', async () => {
      const made = host();
      await made.observer().refresh(REFRESH);
      const past = fakeClock(systemClock.now().subtract({ hours: 48 }).toString());

      expect((await problems(made.observer({ clock: past }))).map(([, code]) => code)).not.toContain(null);
    });
  });

  describe('when one of the repositories is bad', () => {
    const verdictOf = async (options: PublishOptions) => {
      const observer = host().observer();
      await publish({ suite: 'bookworm-security', ...options });
      try {
        const [good, bad] = await observer.refresh(REFRESH);
        expect(good?.problem).toBeNull();

        return bad?.problem?.code;
      } finally {
        await publish({ suite: 'bookworm-security' });
      }
    };

    it('is a bad signature when the index was changed', async () => {
      expect(await verdictOf({ signature: 'bad' })).toBe('REPOSITORY_BAD_SIGNATURE');
    });
    it('is a bad signature when another key signed it', async () => {
      expect(await verdictOf({ signature: 'other-key' })).toBe('REPOSITORY_BAD_SIGNATURE');
    });
    it('is unsigned when there is no signature', async () => {
      expect(await verdictOf({ signature: 'none' })).toBe('REPOSITORY_UNSIGNED');
    });
    it('has a problem when a portal answers instead of it', async () => {
      expect(await verdictOf({ signature: 'garbled' })).toBeDefined();
    });
    it('is expired when Valid-Until has passed', async () => {
      const date = systemClock.now().subtract({ hours: 48 });

      expect(await verdictOf({ date, validUntil: date.add({ hours: 1 }) })).toBe('REPOSITORY_EXPIRED');
    });

    it('stays bad although an earlier, good list is still there', async () => {
      const observer = host().observer();
      await observer.refresh(REFRESH);
      await publish({ suite: 'bookworm-security', signature: 'bad' });
      const [good, bad] = await observer.refresh(REFRESH);
      await publish({ suite: 'bookworm-security' });

      expect(good?.problem).toBeNull();
      expect(bad?.problem?.code).toBe('REPOSITORY_BAD_SIGNATURE');
      expect(bad?.lastRefresh).not.toBeNull();
      expect(bad?.lastRefresh).not.toBe(bad?.lastAttempt);
    });
  });

  describe('when the sources are not what they should be', () => {
    it('refuses malformed ones whole', async () => {
      await expect(host('Types: deb\nURIs x\n').observer().repositories()).rejects.toMatchObject({
        code: 'SETTINGS_INVALID',
      });
    });

    it('forgets a repository that is no longer configured', async () => {
      const made = host();
      await made.observer().refresh(REFRESH);
      made.source('lab.sources', archive().sources({ uri: served().url, suites: ['bookworm'] }));

      expect((await made.observer().repositories()).map(({ suite }) => suite)).toEqual(['bookworm']);
    });

    it('does not believe lists that were removed behind its back', async () => {
      const made = host();
      await made.observer().refresh(REFRESH);
      rmSync(join(made.stateDir, 'apt/lists'), { recursive: true });

      expect((await problems(made.observer())).map(([, code]) => code)).not.toContain(null);
    });

    it('believes nothing when its memory was torn', async () => {
      const made = host();
      await made.observer().refresh(REFRESH);
      writeFileSync(join(made.stateDir, 'apt/refresh.json'), '{"format":1,"repos');

      expect((await problems(made.observer())).map(([, code]) => code)).toEqual([
        'REPOSITORY_NEVER_FETCHED',
        'REPOSITORY_NEVER_FETCHED',
      ]);
    });
  });
});

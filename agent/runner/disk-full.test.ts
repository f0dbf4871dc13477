// The runner's own disk is full, at any moment of a run, on a real file system of some megabytes: nothing is started whose
// outcome could not be recorded, and what was started is recorded, once, as soon as there is room.
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { asCoded, CodedError } from '@selvage/shared/errors/coded-error.ts';
import { approvalSample } from '@selvage/shared/policy/testing/sample-documents.ts';
import { needs } from '@selvage/shared/testing/needs.ts';
import { SMALL_DISK_PARTS, type SmallDisk, smallDisk } from '@selvage/shared/testing/small-disk.ts';
import { beforeEach, describe, expect, it } from 'vitest';
import { openJournal } from './journal.ts';
import { RESERVE_BYTES } from './reserve.ts';
import { runOnce } from './runner.ts';
import { durableFiles, type Files } from './state-file.ts';
import { type Bench, bench, defaultDocuments, IN_WINDOW, installedPackage, OPENSSL } from './testing/bench.ts';

const DISK_BYTES = 8 * 1024 * 1024;
const BEFORE_WINDOW = '2026-11-23T12:00:00Z';
const full = { code: 'DISK_FULL' };

/** Calls `act` before the write whose path ends so. */
function before(name: string, act: () => void): Files {
  return {
    ...durableFiles,
    write: async (path, data, options) => {
      if (path.endsWith(name)) act();
      await durableFiles.write(path, data, options);
    },
  };
}

needs(SMALL_DISK_PARTS, 'with the runner’s folder on a small disk', () => {
  let disk: SmallDisk;
  let subject: Bench;
  beforeEach(async () => {
    disk = await smallDisk({ bytes: DISK_BYTES, inodes: 400 });
    subject = bench(defaultDocuments(), disk.path);
    subject.clock.setWall(IN_WINDOW);
  });
  const installs = () => subject.installer.acts.filter(({ act }) => act === 'install').length;
  const outcomes = () => subject.results().map(({ outcome, problem }) => [outcome, problem?.code ?? null]);
  const journal = () => existsSync(join(subject.runner, 'journal.json'));
  const once = (files?: Files) => runOnce(subject.deps(files === undefined ? {} : { files }));

  describe('when it is full before the run', () => {
    it('starts nothing, says so, and goes on when there is room', async () => {
      disk.fill();
      await expect(once()).rejects.toMatchObject(full);
      await expect(once()).rejects.toMatchObject(full);
      expect(installs()).toBe(0);

      disk.free();
      await once();
      expect(outcomes()).toEqual([['installed', null]]);
      expect(installs()).toBe(1);
    });

    it('with room for results but not for the reserve: tells the collector DISK_FULL, once, and installs nothing', async () => {
      disk.fill(RESERVE_BYTES / 2);
      await once();
      expect(await once()).toEqual([]);
      expect(outcomes()).toEqual([['waiting', 'DISK_FULL']]);
      expect(installs()).toBe(0);
      expect(journal()).toBe(false);

      disk.free();
      await once();
      expect(outcomes()).toEqual([
        ['waiting', 'DISK_FULL'],
        ['installed', null],
      ]);
    });

    it('that was kept whole by an earlier pass gives its reserve for saying so', async () => {
      subject.clock.setWall(BEFORE_WINDOW);
      await once();
      subject.clock.setWall(IN_WINDOW);
      disk.fill();
      await once();

      expect(outcomes()).toEqual([
        ['waiting', 'WINDOW_CLOSED'],
        ['waiting', 'DISK_FULL'],
      ]);
      expect(installs()).toBe(0);
    });

    it('without an inode left the same', async () => {
      disk.fillInodes();
      expect(asCoded(await once().catch((error: unknown) => error))).toMatchObject(full);
      disk.free();
      await once();

      expect(outcomes()).toEqual([['installed', null]]);
    });
  });

  describe('when it fills up in the middle', () => {
    it.each(['journal.json', 'rollback', 'reserve'])(
      'before %s is written for the first time: never installs unrecorded',
      async (name) => {
        let filled = false;
        const files = before(name === 'rollback' ? '-1.json' : name, () => {
          if (!filled) disk.fill();
          filled = true;
        });
        await once(files).catch((error: unknown) => expect(error).toMatchObject(full));
        const early = installs();
        disk.free();
        await once();
        await once();

        expect(outcomes().filter(([outcome]) => outcome === 'installed')).toHaveLength(1);
        expect(installs()).toBe(1);
        expect(early === 0 || outcomes()[0]?.[0] === 'installed').toBe(true);
      },
    );

    it('right before the package manager is started, so that the start itself takes the reserve: it is not started', async () => {
      let filled = false;
      const files: Files = {
        ...durableFiles,
        write: async (path, data, options) => {
          if (!filled && String(data).includes('"state":"InstallStarted"')) {
            filled = true;
            disk.fill();
          }
          await durableFiles.write(path, data, options);
        },
      };
      await once(files);
      expect(installs()).toBe(0);
      expect(outcomes()).toEqual([['waiting', 'DISK_FULL']]);
      disk.free();
      await once();

      expect(outcomes().at(-1)).toEqual(['installed', null]);
      expect(installs()).toBe(1);
    });

    it('while packages are installed: the outcome is recorded at once, from the reserve', async () => {
      subject.installer.during = async () => disk.fill();
      await once();

      expect(outcomes()).toEqual([['installed', null]]);
      expect(installs()).toBe(1);
      expect(journal()).toBe(false);
      expect(existsSync(join(subject.runner, 'reserve'))).toBe(false);

      disk.free();
      expect(await once()).toEqual([]);
      expect(readFileSync(join(subject.runner, 'reserve'))).toHaveLength(RESERVE_BYTES);
    });

    it('also with the longest output there can be', async () => {
      const { install } = subject.installer;
      subject.installer.install = async (packages, progress, options) => {
        for (let line = 0; line < 70; line++) progress.line('\u0001'.repeat(1000));
        await install(packages, progress, options);
      };
      subject.installer.during = async () => disk.fill();
      await once();

      expect(outcomes()).toEqual([['installed', null]]);
    });

    it.each(['InstallEnded', 'ResultSigned', 'results/1.json', 'reported.json'])(
      'and even the reserve is gone, before %s: the outcome is recorded later, once',
      async (point) => {
        const refuse = (path: string, data: Uint8Array | string) =>
          installs() > 0 &&
          (path.endsWith(point) || (path.endsWith('journal.json') && String(data).includes(`"state":"${point}"`)));
        let refusing = false;
        const files: Files = {
          ...durableFiles,
          write: async (path, data, options) => {
            refusing ||= refuse(path, data);
            if (refusing) throw new CodedError('DISK_FULL', `no space to write ${path}`);
            await durableFiles.write(path, data, options);
          },
        };
        await expect(once(files)).rejects.toMatchObject(full);
        expect(installs()).toBe(1);
        expect(journal()).toBe(true);

        await once();
        expect(outcomes()).toEqual([['installed', null]]);
        expect(await once()).toEqual([]);
        expect(installs()).toBe(1);
      },
    );
  });

  describe('when the file system becomes read-only', () => {
    it('starts nothing, and goes on when it is writable again', async () => {
      subject.clock.setWall(BEFORE_WINDOW);
      await once();
      subject.clock.setWall(IN_WINDOW);
      await disk.readOnly(true);
      expect(asCoded(await once().catch((error: unknown) => error))).toMatchObject({ code: 'FILE_UNWRITABLE' });
      expect(installs()).toBe(0);
      await disk.readOnly(false);
      await once();

      expect(outcomes().at(-1)).toEqual(['installed', null]);
    });

    it('during the installation: the outcome is recorded when it is writable again, once', async () => {
      subject.installer.during = async () => disk.readOnly(true);
      await expect(once()).rejects.toThrow();
      subject.installer.during = async () => undefined;
      expect(installs()).toBe(1);
      await disk.readOnly(false);
      // The ticket of a process that is gone counts for nothing; this one is not gone.
      rmSync(join(subject.runner, 'lock'), { recursive: true });
      await once();

      expect(outcomes()).toEqual([['installed', null]]);
      expect(await once()).toEqual([]);
      expect(installs()).toBe(1);
    });
  });

  describe('when the package database cannot be read after the installation', () => {
    it('is reported as failed and needs a person; it is never success', async () => {
      const { installed } = subject.installer;
      subject.installer.during = async () => {
        subject.installer.installed = async () => {
          throw new CodedError('PACKAGE_DATABASE_INVALID', 'status ends in the middle of an entry');
        };
      };
      await once();
      subject.installer.during = async () => undefined;
      subject.installer.installed = installed;

      expect(outcomes()).toEqual([['failed', 'PACKAGE_DATABASE_INVALID']]);
      expect(await once()).toEqual([]);
      expect(installs()).toBe(1);
    });
  });

  describe('when several approvals wait and the first cannot be recorded', () => {
    it('the journal of the first is not written over by the second', async () => {
      const second = { name: 'bash', version: '5.2', arch: 'amd64' };
      subject.installer.packages = [...subject.installer.packages, installedPackage({ name: 'bash', version: '5.1' })];
      subject.push(
        approvalSample({
          name: 'second',
          packages: [second],
          fix: { provider: 'apt', source: 'bash', version: '5.2' },
        }),
      );
      const files = before('journal.json', () => {
        if (installs() > 0) throw new CodedError('DISK_FULL', 'no space');
      });
      await expect(once(files)).rejects.toMatchObject(full);
      expect(installs()).toBe(1);
      await once();

      expect(outcomes().map(([outcome]) => outcome)).toEqual(['installed', 'installed']);
      expect(subject.installer.packages.map(({ version }) => version)).toEqual([OPENSSL.version, '5.2']);
    });
  });

  describe('when an entry would take the place of an unfinished one', () => {
    it('it is refused', async () => {
      const path = join(disk.path, 'journal.json');
      const entry = {
        format: 1 as const,
        state: 'ResultSigned' as const,
        number: 1,
        payload: 'e30=',
        signature: 'e30=',
        approvalSha256: 'a',
        memory: { approval: 'a', outcome: 'installed' as const, code: null, attempts: 1, final: true },
      };
      await openJournal(path, durableFiles).write(entry);

      await expect(openJournal(path, durableFiles).write(entry)).rejects.toMatchObject({ code: 'STATE' });
    });
  });
});

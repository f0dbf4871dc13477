// The end-to-end test: `npm run lab` as a user runs it, every step asserted; and that it cleans up whatever happens.
import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { needs } from '@selvage/shared/testing/needs.ts';
import { temporaryFolder } from '@selvage/shared/testing/temporary-folder.ts';
import { beforeAll, expect, it } from 'vitest';
import { FIX_ID, NEW_WIDGET, OLD_WIDGET } from './cast.ts';
import { STEPS, type ToldStory } from './story.ts';

const PARTS = ['apt-ftparchive', 'apt-get', 'busybox-static', 'dpkg-deb', 'gpg', 'gpgv', 'unshare'] as const;
const STORY_DEADLINE_MS = 600_000;
/** Milliseconds in which a killed process ends on a machine that does much else. */
const DYING_MS = 5000;
const LAB = join(import.meta.dirname, '../lab.mjs');

interface Telling {
  readonly child: ChildProcess;
  /** TMPDIR of the lab: what it leaves behind lies here. */
  readonly folder: string;
  readonly ended: Promise<{ readonly code: number | null; readonly stdout: string; readonly stderr: string }>;
  /** Resolves when a line of progress holds the text. */
  said(text: string): Promise<void>;
}

function tell(): Telling {
  const folder = temporaryFolder('story');
  chmodSync(folder, 0o755);
  const child = spawn(process.execPath, [LAB, '--json'], { env: { ...process.env, TMPDIR: folder } });
  const output = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk) => {
    output.stdout += chunk;
  });
  child.stderr.on('data', (chunk) => {
    output.stderr += chunk;
  });
  const ended = new Promise<{ code: number | null; stdout: string; stderr: string }>((resolve) => {
    child.on('close', (code) => resolve({ code, ...output }));
  });

  return {
    child,
    folder,
    ended,
    said: (text) =>
      new Promise((resolve, reject) => {
        const look = () => {
          if (output.stderr.includes(text)) resolve();
        };
        child.stderr.on('data', look);
        child.on('close', () => reject(new Error(`never said "${text}": ${output.stderr}`)));
        look();
      }),
  };
}

/** Processes whose command line or environment names the folder; `zombies` have neither. */
function processesOf(folder: string, pattern = ''): readonly number[] {
  const text = (path: string) => {
    try {
      return readFileSync(path, 'utf8');
    } catch {
      // It has ended in between.
      return '';
    }
  };

  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      const command = text(`/proc/${pid}/cmdline`).replaceAll('\0', ' ');

      return `${command}${text(`/proc/${pid}/environ`)}`.includes(`${folder}/`) && command.includes(pattern);
    })
    .map(Number);
}

/** Processes that stay; what was killed may still be waiting for its turn to end. */
async function leftOf(folder: string): Promise<readonly number[]> {
  const first = processesOf(folder);
  if (first.length > 0) await new Promise((resolve) => setTimeout(resolve, DYING_MS));
  const later = processesOf(folder);

  return first.filter((pid) => later.includes(pid));
}

needs(PARTS, 'when the whole story is told', () => {
  let exit: { readonly code: number | null; readonly stderr: string };
  let story: ToldStory;
  let left: readonly string[];
  let running: readonly number[];
  const evidence = (name: string) => story.steps.find((step) => step.name === name)?.evidence;
  beforeAll(async () => {
    const telling = tell();
    const { stdout, ...rest } = await telling.ended;
    exit = rest;
    left = readdirSync(telling.folder);
    running = await leftOf(telling.folder);
    story = JSON.parse(stdout);
  }, STORY_DEADLINE_MS);

  it.each(STEPS.map(({ name, title }) => [name, title]))('holds at "%s": %s', (name) => {
    expect(story.steps.find((step) => step.name === name)).toMatchObject({ ok: true, problem: null });
  });

  it('ends with exit code 0 and leaves neither files nor processes', () => {
    expect(exit).toEqual({ code: 0, stderr: expect.stringMatching(/the whole story held/) });
    expect(story.ok).toBe(true);
    expect(left).toEqual([]);
    expect(running).toEqual([]);
  });

  it('waited for the window and said why', () => {
    for (const host of ['alpha', 'beta']) {
      expect(evidence('before-the-window')).toMatchObject({
        [host]: { outcome: 'waiting', code: 'WINDOW_CLOSED', message: expect.stringContaining('opens at') },
      });
    }
  });

  it('refused the changed package', () => {
    expect(evidence('changed-package')).toMatchObject({
      host: 'beta',
      outcome: 'refused',
      code: 'MIRROR_REFUSED',
      widget: OLD_WIDGET,
    });
  });

  it('installed exactly the approved package on both hosts', () => {
    const before = { widget: OLD_WIDGET, gadget: '2.0-1', trinket: '0.9-1' };
    for (const host of ['alpha', 'beta']) {
      expect(evidence('in-the-window')).toMatchObject({
        [host]: { outcome: 'installed', before, after: { ...before, widget: NEW_WIDGET } },
      });
    }
    expect(evidence('proof')).toMatchObject({
      alpha: { evidence: { name: 'widget', version: NEW_WIDGET, state: 'installed' } },
      fix: [
        { name: 'alpha', state: 'installed' },
        { name: 'beta', state: 'installed' },
      ],
    });
    expect(evidence('policy')).toMatchObject({ approved: FIX_ID });
  });

  it('refused the changed plan and named what it would add and remove', () => {
    expect(evidence('plan-changed')).toMatchObject({
      alpha: {
        outcome: 'refused',
        code: 'PLAN_CHANGED',
        adds: [{ name: 'gadget-data', from: null }],
        removes: [{ name: 'trinket', to: null }],
      },
    });
  });
});

needs(PARTS, 'when the story cannot go on', () => {
  it(
    'ends with exit code 1, the step and what was seen, and cleans up',
    async () => {
      const telling = tell();
      await telling.said('listens on loopback');
      await telling.said('hosts connect to');
      // Itself, and what ends it with its parent: whichever of them is alone would not end the other.
      const collector = processesOf(telling.folder, 'selvage.mjs serve');
      expect(collector.length).toBeGreaterThan(0);
      for (const pid of collector) process.kill(pid, 'SIGKILL');
      const { code, stdout, stderr } = await telling.ended;
      const story: ToldStory = JSON.parse(stdout);

      expect(code).toBe(1);
      expect(story.ok).toBe(false);
      expect(story.steps.at(-1)).toMatchObject({ ok: false, evidence: null });
      expect(stderr).toContain(`FAILED at step "${story.steps.at(-1)?.name}": `);
      expect(stderr).toContain('UNREACHABLE');
      expect(readdirSync(telling.folder)).toEqual([]);
      expect(await leftOf(telling.folder)).toEqual([]);
    },
    STORY_DEADLINE_MS,
  );

  it(
    'cleans up after Ctrl-C as well',
    async () => {
      const telling = tell();
      await telling.said('hosts connect to');
      telling.child.kill('SIGINT');
      const { code, stdout } = await telling.ended;

      expect(code).toBe(130);
      expect(stdout).toBe('');
      expect(readdirSync(telling.folder)).toEqual([]);
      expect(await leftOf(telling.folder)).toEqual([]);
    },
    STORY_DEADLINE_MS,
  );
});

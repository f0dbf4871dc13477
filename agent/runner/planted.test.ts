// What the connector's user can plant where the runner reads: each kind of file in each place. Nothing hangs, nothing of it is believed,
// what was accepted stays in force, and results are only ever pruned by a plain, small, sensible word.
import { execFileSync } from 'node:child_process';
import { existsSync, linkSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { runOnce } from './runner.ts';
import { bench, IN_WINDOW } from './testing/bench.ts';

const TEN_GB = 10 * 1024 ** 3;
const isRoot = process.getuid?.() === 0;
const NOBODY = 65_534;

/** A shell command in the state folder, as the user who owns what the connector writes. */
function planted(stateDir: string, script: string): void {
  if (isRoot) {
    execFileSync('chmod', ['0711', join(stateDir, '..'), stateDir]);
    execFileSync('chown', ['-R', '-h', `${NOBODY}:${NOBODY}`, join(stateDir, 'policy'), join(stateDir, 'outbox')]);
  }
  execFileSync('/bin/sh', ['-c', script], { cwd: stateDir, ...(isRoot ? { uid: NOBODY, gid: NOBODY } : {}) });
}

const KINDS: readonly (readonly [string, (path: string) => string])[] = [
  ['a link', (path) => `cp ${path} away; rm -f ${path}; ln -s $PWD/away ${path}`],
  ['a link to a file of root', (path) => `rm -f ${path}; ln -s /etc/shadow ${path}`],
  ['a hard link', (path) => `ln ${path} ${path}.second`],
  ['a FIFO', (path) => `rm -f ${path}; mkfifo ${path}`],
  ['a folder', (path) => `rm -f ${path}; mkdir ${path}`],
  ['10 GB without room', (path) => `truncate -s ${TEN_GB} ${path}`],
];

describe('when something is planted in the copy of the policy', () => {
  it.each(KINDS)(
    '%s in place of its timestamp: what was accepted stays in force, and is acted upon',
    async (_, plant) => {
      const { deps, stateDir, clock, runner, installer } = bench();
      await runOnce(deps());
      planted(stateDir, `cd policy/metadata; ${plant('timestamp.json')}`);
      clock.setWall(IN_WINDOW);
      const [result] = await runOnce(deps());

      expect(result).toMatchObject({ outcome: 'installed' });
      expect(installer.acts).toHaveLength(1);
      expect(existsSync(join(runner, 'next.json'))).toBe(true);
    },
  );

  it.each(['metadata', 'targets'])('a link in place of the folder %s is not walked through', async (name) => {
    const { deps, stateDir, installer, clock } = bench();
    planted(stateDir, `cd policy; mv ${name} away; ln -s away ${name}`);
    clock.setWall(IN_WINDOW);

    expect(await runOnce(deps())).toEqual([]);
    expect(installer.acts).toEqual([]);
  });

  it('more files than a repository can have are not even listed', async () => {
    const { deps, stateDir, clock, installer } = bench();
    await runOnce(deps());
    planted(stateDir, 'cd policy/metadata; seq 1 12000 | xargs touch');
    clock.setWall(IN_WINDOW);
    await runOnce(deps());

    expect(installer.acts).toHaveLength(1);
  });

  it('names with line ends are nothing', async () => {
    const { deps, stateDir, clock, installer } = bench();
    planted(stateDir, 'cd policy/metadata; touch "$(printf "1.root.json\\nx")" "$(printf "\\033[2J")"');
    clock.setWall(IN_WINDOW);
    await runOnce(deps());

    expect(installer.acts).toHaveLength(1);
  });
});

describe('when something is planted in place of the acknowledgement', () => {
  it.each([
    ...KINDS,
    ['a number that is none', (path: string) => `echo '{"results":"9"}' > ${path}`] as const,
    ['a number below zero', (path: string) => `echo '{"results":-1}' > ${path}`] as const,
    ['a link in place of its folder', () => 'true'] as const,
  ])('%s: no result is removed', async (kind, plant) => {
    const { deps, stateDir, clock, runner } = bench();
    clock.setWall(IN_WINDOW);
    await runOnce(deps());
    const before = readdirSync(join(runner, 'results')).sort();
    writeFileSync(join(stateDir, 'outbox/acknowledged.json'), '{"results":99}\n');
    if (kind.startsWith('a link in place')) {
      rmSync(join(stateDir, 'away'), { recursive: true, force: true });
      execFileSync('/bin/sh', ['-c', 'mv outbox away; ln -s away outbox'], { cwd: stateDir });
    } else planted(stateDir, `cd outbox; ${plant('acknowledged.json')}`);
    await runOnce(deps());

    expect(readdirSync(join(runner, 'results')).sort()).toEqual(before);
  });

  it('what it may do is remove results that were sent', async () => {
    const { deps, stateDir, clock, runner } = bench();
    clock.setWall(IN_WINDOW);
    await runOnce(deps());
    planted(stateDir, 'echo \'{"results":99}\' > outbox/acknowledged.json');
    await runOnce(deps());

    expect(readdirSync(join(runner, 'results'))).toEqual([]);
  });
});

describe.runIf(isRoot)('when a file that only root may read has a second name in the copy', () => {
  it('it is not read', async () => {
    const { deps, stateDir, runner } = bench();
    const secret = join(stateDir, 'secret');
    writeFileSync(secret, '{"signed":"only for root"}', { mode: 0o600 });
    linkSync(secret, join(stateDir, 'policy/metadata/2.root.json'));
    await runOnce(deps());

    expect(existsSync(join(runner, 'accepted/policy.json'))).toBe(false);
  });
});

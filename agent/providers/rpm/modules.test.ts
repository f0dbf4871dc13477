// Of which module rpm packages are, asked of the real rpm, and of one that is too old to know.
import { join } from 'node:path';
import { createRun, type Run } from '@selvage/shared/exec/run.ts';
import { installedPackage } from '@selvage/shared/model/package.ts';
import { needs } from '@selvage/shared/testing/needs.ts';
import { temporaryFolder } from '@selvage/shared/testing/temporary-folder.ts';
import { beforeAll, expect, it } from 'vitest';
import { createRpmObserver } from './observer.ts';
import { makeRpmDatabase } from './testing/database.ts';

const LABEL = 'nodejs:18:9030020240301111035:rhel9';
const run = createRun({});

/*
 * error: incorrect format: unknown tag
 */
/**
 * The real rpm as one of before it knew modules (4.11 of el7): that one writes this line for every package to standard error, nothing to
 * standard output, and ends with 0.
 */
const oldRun: Run = async (options) => {
  if (options.args?.some((arg) => arg.includes('MODULARITYLABEL'))) {
    return { stdout: '', stderr: 'error: incorrect format: unknown tag\n', exitCode: 0 };
  }
  const answer = await run(options);

  return { ...answer, stdout: answer.stdout.replaceAll(/^MODULARITYLABEL\n/gm, '') };
};

needs(['rpm', 'rpmbuild'], 'when rpm is asked for modules', () => {
  const root = temporaryFolder('rpm-modules');
  beforeAll(() => {
    const plain = { version: '1.0', release: '1.el9' };
    makeRpmDatabase(
      join(root, 'var/lib/rpm'),
      [
        { name: 'nodejs', epoch: 1, version: '18.19.1', release: '1.module+el9.3.0+1+a', module: LABEL },
        { ...plain, name: 'bash' },
        { ...plain, name: 'odd', module: 'whatever' },
      ],
      `${root}-build`,
    );
  });
  const told = async (asked: Run) =>
    new Map(
      (await createRpmObserver('dnf', { root, run: asked }).installed()).map((one) => {
        expect(installedPackage.parse(one)).toEqual(one);

        return [one.name, one.module];
      }),
    );

  it('each package has its label, or none; what is no label is none', async () => {
    expect(await told(run)).toEqual(
      new Map([
        ['nodejs', LABEL],
        ['bash', undefined],
        ['odd', undefined],
      ]),
    );
  });

  it('an rpm that does not know them lists every package without', async () => {
    expect([...(await told(oldRun))].sort()).toEqual([
      ['bash', undefined],
      ['nodejs', undefined],
      ['odd', undefined],
    ]);
  });

  it('and would list nothing if it were asked: the rpm of this machine too says nothing of packages for a tag that it does not know', async () => {
    const args = ['--dbpath', join(root, 'var/lib/rpm'), '-qa', '--queryformat', '%{NAME} %{NOTATAGOFRPM}\\n'];
    const { stdout, stderr } = await run({ file: 'rpm', args, deadlineMs: 60_000 });

    expect(stdout).toBe('');
    expect(stderr).toContain('unknown tag');
  });
});

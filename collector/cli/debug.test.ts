import { describe, expect, it } from 'vitest';
import { collectorLab } from './testing/collector-lab.ts';

describe('when versions are compared by hand', () => {
  const lab = collectorLab();
  const compare = (ecosystem: string, stdin: string) => lab.run(['debug', 'versions', ecosystem], { stdin });

  it('answers every line, without a collector', async () => {
    const stdin = '1.0-1\t1.0-2\n1.0\t1.0\r\n2:1\t1:9\n1.0~rc1\t1.0';

    expect(await compare('Debian:12', stdin)).toEqual(
      expect.objectContaining({ exit: 0, stdout: '<\n=\n>\n<\n', stderr: '' }),
    );
    expect(await compare('npm', '1.0.0-rc.1\t1.0.0\n')).toMatchObject({ exit: 0, stdout: '<\n' });
    expect(await compare('deb', '')).toMatchObject({ exit: 0, stdout: '', stderr: '' });
  });

  it('answers many lines in their order', async () => {
    const stdin = Array.from(
      { length: 20_000 },
      (_, index) => `1.${index}\t1.${index % 3 === 0 ? index : 99_999}\n`,
    ).join('');
    const { exit, stdout } = await compare('rpm', stdin);

    expect(exit).toBe(0);
    expect(stdout).toBe(Array.from({ length: 20_000 }, (_, index) => (index % 3 === 0 ? '=\n' : '<\n')).join(''));
  });

  it.each([
    ['no tab', '1\t2\nfoo\n3\t4\n', '<\n', 'line 2 has no tab'],
    ['two tabs', '1\t2\t3\n', '', 'line 1 has 2 tabs'],
    ['an empty line', '1\t1\n\n', '=\n', 'line 2 has no tab'],
    ['an empty version', '1\t1\n\t1\n', '=\n', 'line 2 has a first version that is none of deb: it is empty'],
    ['a version that dpkg refuses', '1\ta:1\n', '', 'line 1 has a second version that is none of deb'],
    ['an absurd version', `${'1'.repeat(2000)}\t1\n`, '', 'it is longer than 1024 characters'],
    ['a terminal command', '1\t\u001b[31m\n', '', 'it has blanks in it'],
  ])('%s ends with 1 and names the line, after the answers before it', async (_name, stdin, stdout, said) => {
    const outcome = await compare('deb', stdin);

    expect(outcome).toMatchObject({ exit: 1, stdout });
    expect(outcome.stderr).toContain('error VERSION_INVALID');
    expect(outcome.stderr).toContain(said);
  });

  it('a line without an end is not read for ever', async () => {
    expect(await compare('deb', '1'.repeat(100_000))).toMatchObject({
      exit: 1,
      stderr: expect.stringContaining('line 1'),
    });
  });

  it('an ecosystem that nobody knows is wrong use, and the known ones are named', async () => {
    expect(await compare('Windows', '1\t2\n')).toMatchObject({
      exit: 2,
      stdout: '',
      stderr: expect.stringMatching(
        /error USAGE: nobody here knows how Windows orders.*\nnext: choose one of deb: Debian, Ubuntu; rpm: /,
      ),
    });
  });
});

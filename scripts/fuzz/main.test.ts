import { describe, expect, it } from 'vitest';
import { main } from './main.ts';

function run(...args: string[]) {
  const [out, error]: [string[], string[]] = [[], []];
  const exit = main(args, { out: { write: (text) => out.push(text) }, error: { write: (text) => error.push(text) } });

  return { exit, out: out.join(''), error: error.join('') };
}

describe('when the fuzzer is run by hand', () => {
  it('says its seed, and the same seed gives the same cases', () => {
    const first = run('--seed', 'x1', '--count', '2000');

    expect(first.exit).toBe(0);
    expect(first.out).toContain('seed x1, cases 0 to 1999\neverything held\n');
    const outcomes = (text: string) => text.split('\n').filter((line) => line.startsWith('  '));
    expect(outcomes(run('--seed', 'x1', '--count', '2000').out)).toEqual(outcomes(first.out));
    expect(outcomes(run('--seed', 'x2', '--count', '2000').out)).not.toEqual(outcomes(first.out));
  });

  it('chooses a seed and says it when none is given', () => {
    expect(run('--count', '10').out).toMatch(/^seed [0-9a-f]{8}, cases 0 to 9\n/);
  });

  it.each([[['--count', '0']], [['--from', '-1']], [['--count', 'many']], [['--speed', '9']], [['extra']]])(
    '%j is USAGE',
    (args) => {
      expect(run(...args)).toMatchObject({ exit: 2, error: expect.stringContaining('error USAGE') });
    },
  );
});

// What is installed before the tests may fail for reasons that pass: each of them is tried again, and what does not pass is said.
import { describe, expect, it } from 'vitest';
import { PARTS } from '../../shared/testing/needs.ts';
import { installParts } from './parts.ts';

const ALL = [...new Set(Object.values(PARTS).flatMap((part) => part.packages))];

/** A machine on which the first `failures` installations fail, and nothing but `installed` is there before. */
function machine(installed: readonly string[], failures: number, afterwards: readonly string[] = ALL) {
  const there = new Set(installed);
  const commands: string[] = [];
  const waits: number[] = [];
  const said: string[] = [];
  let left = failures;
  const status = (file: string, args: readonly string[]) => {
    if (file !== 'apt-get' || args.includes('--fix-broken')) return 0;
    if (left > 0) {
      if (args.includes('install')) left -= 1;

      return 100;
    }
    if (args.includes('install')) for (const name of afterwards) there.add(name);

    return 0;
  };
  const tools: Parameters<typeof installParts>[0] = {
    run: (file, args) => {
      if (file === 'dpkg-query') return { status: 0, stdout: there.has(args.at(-1) ?? '') ? 'installed' : '' };
      commands.push([file, ...args.filter((arg) => !/^-[qo]$|=/.test(arg))].join(' '));

      return { status: status(file, args), stdout: '' };
    },
    wait: (ms) => waits.push(ms),
    say: (line) => said.push(line),
  };

  return { tools, commands, waits, said };
}

describe('when the parts that tests need are installed', () => {
  it('nothing is run where all are there', () => {
    const { tools, commands } = machine(ALL, 0);

    expect(installParts(tools)).toBe(true);
    expect(commands).toEqual([]);
  });

  it('only what is missing is asked for, once', () => {
    const { tools, commands, waits } = machine(
      ALL.filter((name) => name !== 'strace'),
      0,
    );

    expect(installParts(tools)).toBe(true);
    expect(commands).toEqual(['apt-get update', 'apt-get install -y --no-install-recommends strace']);
    expect(waits).toEqual([]);
  });

  it('a mirror that fails, or a lock that is held, is tried again with fresh lists, after what was cut off is ended', () => {
    const { tools, commands, waits, said } = machine(
      ALL.filter((name) => name !== 'strace'),
      2,
    );
    const once = ['apt-get update', 'apt-get install -y --no-install-recommends strace'];
    const repair = ['dpkg --configure -a', 'apt-get install -y --fix-broken'];

    expect(installParts(tools)).toBe(true);
    expect(commands).toEqual([...once, ...repair, ...once, ...repair, ...once]);
    expect(waits).toEqual([5000, 15_000]);
    expect(said).toHaveLength(2);
  });

  it('one that never answers is given up, and what is missing is named', () => {
    const { tools, waits, said } = machine([], Number.POSITIVE_INFINITY);

    expect(installParts(tools)).toBe(false);
    expect(waits.length).toBeGreaterThan(3);
    expect(said.at(-1)).toMatch(/^error PROCESS_FAILED: .* strace .*next: /);
  });
});

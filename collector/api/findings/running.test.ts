// Whether it runs is said as far as it is known, and of a kernel that does not run it is known.
import { describe, expect, it } from 'vitest';
import type { Machine } from '../../findings/fleet.ts';
import type { Open } from '../../findings/join.ts';
import { sampleSoftware } from '../../findings/testing/sample-fleet.ts';
import { runningOf } from './running.ts';

const machine = (over: Partial<Machine> = {}) =>
  ({
    listening: [],
    stillRunning: [],
    kernel: { running: '6.1.0-30-amd64', newest: null },
    unseenProcesses: 0,
    ...over,
  }) as Machine;
const open = (over: Parameters<typeof sampleSoftware>[0]) => ({ software: sampleSoftware(over) }) as Open;
const linux = { name: 'linux', version: '6.1.1-1' };
const PROCESS = { pid: 7, program: '/usr/bin/perf', service: null };
const OLD_TOOL = { source: 'linux', package: 'linux-perf', processes: [PROCESS] };

describe('when it is asked whether something runs', () => {
  it.each([
    ['headers of a kernel', open(linux), machine(), 'no'],
    ['headers, while an old tool of them runs', open(linux), machine({ stillRunning: [OLD_TOOL] }), 'no'],
    ['a kernel that is only installed', open({ ...linux, kernel: 'installed' }), machine(), 'no'],
    ['the kernel that runs', open({ ...linux, kernel: 'running' }), machine(), 'yes'],
    ['what nobody saw', open({ name: 'vim', version: '9' }), machine(), 'not seen'],
    ['what nobody could see', open({ name: 'vim', version: '9' }), machine({ listening: null }), 'unknown'],
  ])('of %s it is answered by %j', (_what, finding, of, answer) => {
    expect(runningOf(of, [finding])?.answer).toBe(answer);
  });

  it('one kernel that runs is enough', () => {
    const findings = [open({ ...linux, kernel: 'installed' }), open({ ...linux, kernel: 'running' })];

    expect(runningOf(machine(), findings)?.answer).toBe('yes');
  });
});

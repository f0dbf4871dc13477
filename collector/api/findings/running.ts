// Does it run? What of the packages listens, what runs that was replaced on disk, and which kernel; pure. Not seen is not the same as no.
import type { z } from 'zod';
import type { Machine } from '../../findings/fleet.ts';
import type { Open } from '../../findings/join.ts';
import { kernelNote } from '../../matching/kernel.ts';
import type { explanation } from '../contract/findings.ts';

export type Running = NonNullable<z.input<typeof explanation>['running']>;

export function runningOf(machine: Machine, findings: readonly Open[]): Running {
  const names = new Set(findings.flatMap(({ software: { name, source } }) => [name, source]));
  const listening = (machine.listening ?? []).filter(({ source }) => names.has(source));
  const old = (machine.stillRunning ?? []).filter((one) => names.has(one.source) || names.has(one.package));
  const kernels = new Set(findings.map(({ software }) => software.kernel));
  const runs = listening.length > 0 || kernels.has('running');
  const isIdle = findings.every(({ software }) => kernelNote(software) !== null);

  return {
    answer: isIdle ? 'no' : old.length > 0 ? 'old' : runs ? 'yes' : machine.listening === null ? 'unknown' : 'not seen',
    listening: listening.map(({ source: _source, ...socket }) => socket),
    old: old.flatMap(({ processes }) => processes.map((process) => ({ ...process }))),
    kernel: kernels.has('running') || kernels.has('installed') ? machine.kernel : null,
    unseen: machine.unseenProcesses,
  };
}

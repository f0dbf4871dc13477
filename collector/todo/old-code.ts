// What runs although it was replaced: kernels that wait for a reboot and processes that wait for a restart. Pure.
import type { Machine } from '../findings/fleet.ts';
import { compareText } from './counting.ts';

/** Services that are named. */
const MAX_SERVICES = 12;

export interface OldCode {
  /** With one of both, each machine once. */
  readonly machines: number;
  readonly reboot: number;
  readonly restart: number;
  /** Nobody could look at all of their processes: what runs there may be more. */
  readonly unseen: number;
  /** By how many machines they wait on; a process of no service goes by its program. */
  readonly services: readonly { readonly name: string; readonly machines: number }[];
}

export function oldCodeOf(machines: Iterable<Machine>): OldCode {
  const services = new Map<string, number>();
  let [all, reboot, restart, unseen] = [0, 0, 0, 0];
  for (const { kernel, stillRunning, unseenProcesses } of machines) {
    const waits = kernel !== null && kernel.newest !== null && kernel.newest !== kernel.running;
    const stale = stillRunning !== null && stillRunning.length > 0;
    if (waits) reboot += 1;
    if (stale) restart += 1;
    if (waits || stale) all += 1;
    if (stillRunning === null || unseenProcesses > 0) unseen += 1;
    if (!stale) continue;
    const names = new Set(stillRunning.flatMap(({ processes }) => processes.map(nameOf)));
    for (const name of names) services.set(name, (services.get(name) ?? 0) + 1);
  }

  return {
    ...{ machines: all, reboot, restart, unseen },
    services: [...services]
      .map(([name, count]) => ({ name, machines: count }))
      .sort((a, b) => b.machines - a.machines || compareText(a.name, b.name))
      .slice(0, MAX_SERVICES),
  };
}

function nameOf({ service, program }: { readonly service: string | null; readonly program: string }): string {
  return service ?? program.slice(program.lastIndexOf('/') + 1);
}

// The common case: a timer starts a service that updates. Who masked either of them, and why, is not asked: then it is off.

import type { UnitFacts } from './units.ts';
import type { Stop, UpdaterFacts, UpdaterHost } from './updater.ts';

/** States in which a timer is started at the next boot. */
const STARTED: readonly string[] = ['enabled', 'enabled-runtime', 'generated', 'alias'];

export interface TimerWay {
  /** The timer will start its service. */
  readonly on: boolean;
  readonly next: Temporal.Instant | null;
  readonly units: readonly UnitFacts[];
  /** What stops it; a mask where one can be set. */
  readonly stops: readonly Stop[];
}

export function isMasked({ state }: Pick<UnitFacts, 'state'>): boolean {
  return state === 'masked' || state === 'masked-runtime';
}

/** Running now, or at the next boot. A static timer is started by something else: where nobody can be asked it counts. */
export function isOn(unit: Pick<UnitFacts, 'state' | 'active'>): boolean {
  if (unit.active !== null && unit.active !== 'inactive' && unit.active !== 'failed') return true;

  return STARTED.includes(unit.state) || (unit.active === null && unit.state === 'static');
}

/** Null where there is no such timer. */
export async function timerWay({ root, units }: UpdaterHost, timer: string, service: string): Promise<TimerWay | null> {
  const found = await units.look([timer, service]);
  const first = found.find(({ name }) => name === timer);
  if (first === undefined) return null;
  const second = found.find(({ name }) => name === service);
  // On the host itself a timer is nothing without systemd; below another root the files say what its own boot would do.
  const on = (root !== '/' || units.running) && isOn(first) && second !== undefined && !isMasked(second);

  // Nobody is told to stop a service by hand, which could cut an installation off; without its timer nothing starts it.
  const stops = found.filter((unit) => unit.maskable || unit.name === timer).map(stopOf);

  return { on, next: on ? first.next : null, units: found, stops };
}

export function stopOf(unit: UnitFacts): Stop {
  return unit.maskable
    ? { by: 'mask', unit: unit.name }
    : {
        by: 'person',
        what: `the file of ${unit.name} lies in /etc/systemd/system, so it cannot be masked: systemctl disable --now ${unit.name}, or remove that file`,
      };
}

/** Said where `nextRun` is null though the timer is on. */
export function nextOf(way: TimerWay, host: Pick<UpdaterHost, 'units'>): string {
  if (!way.on || way.next !== null) return '';

  if (!host.units.running) return '; when is not known: systemd does not run here';

  return way.units.some(({ active }) => active === null)
    ? '; when is not known: systemd does not answer this user'
    : '; its timer waits for no time';
}

/** A row for an updater that is a timer and nothing else. */
export async function timerRow(
  host: UpdaterHost,
  about: {
    readonly name: string;
    readonly timer: string;
    readonly service: string;
    readonly installs: boolean;
    readonly detail: string;
  },
): Promise<readonly UpdaterFacts[]> {
  const way = await timerWay(host, about.timer, about.service);
  if (way === null) return [];

  return [
    {
      name: about.name,
      kind: 'timer',
      installs: about.installs,
      enabled: way.on,
      nextRun: way.next,
      detail: `${about.detail}${nextOf(way, host)}`,
      units: way.units,
      stops: about.installs ? way.stops : [],
    },
  ];
}

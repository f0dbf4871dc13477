// `selvage-agent release`: gives this host back to its other updaters as they were before the takeover.
import { type Released, release } from '../updaters/takeover/release.ts';
import type { Context } from './context.ts';
import { alone, takeoverDoor } from './updaters.ts';

export interface ReleaseFlags {
  readonly dryRun?: boolean;
  readonly json?: boolean;
  /** The runner has started what removes this program, and waits for it. */
  readonly withinRun?: boolean;
}

export async function releaseHost(
  context: Context,
  { dryRun = false, json = false, withinRun = false }: ReleaseFlags,
): Promise<void> {
  const settings = await context.settings();
  const door = takeoverDoor(context, settings);
  const done =
    dryRun || withinRun
      ? await release(door, 'released', dryRun)
      : await alone(settings, 'release', () => release(door, 'released'));
  if (json) context.json(done);
  else for (const line of describe(done)) context.say(line);
}

function describe({ dryRun, released, units, aptConf, snap, left }: Released): readonly string[] {
  if (!released) return ['nothing is taken over: nothing to give back'];
  const would = dryRun ? 'would be ' : '';

  return [
    ...units.map(({ name, state, active }) => `${would}unmasked  ${name} (${state}${active ? ', waiting again' : ''})`),
    ...(aptConf ? [`${would}removed   our file below /etc/apt/apt.conf.d`] : []),
    ...(snap ? [`${would}put back  refreshes of snaps`] : []),
    ...left.map((name) => `left      ${name}: somebody has changed it since; it stays as it is`),
    dryRun ? 'nothing was changed' : 'released: the other updaters of this host are as they were',
  ];
}

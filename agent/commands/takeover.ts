// `selvage-agent takeover`: from here on Selvage alone updates this host. It says what it did, and what only a person can do.
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import { explainPlan } from '../runner/explain.ts';
import type { Settings } from '../settings.ts';
import { type TakenOver, takeOver } from '../updaters/takeover/take.ts';
import type { Context } from './context.ts';
import { readRunnerHost } from './runner-host.ts';
import { running } from './running.ts';
import { alone, takeoverDoor } from './updaters.ts';

export interface TakeoverFlags {
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

/** Throws OTHER_UPDATER_ACTIVE when something is left that only a person can stop; what could be done is done then. */
export async function takeOverHost(context: Context, { dryRun = false, json = false }: TakeoverFlags): Promise<void> {
  const settings = await context.settings();
  const door = takeoverDoor(context, settings);
  if (!dryRun) {
    if (settings.mode !== 'managed') {
      throw new CodedError('MODE_FORBIDS', `mode ${settings.mode}: nobody would update this host any more`, {
        next: 'set "mode": "managed" in the settings of this host first; or look only: selvage-agent takeover --dry-run',
      });
    }
    // Without a collector there would never be an approval.
    await readRunnerHost(settings.runnerDir);
  }
  const done = dryRun ? await takeOver(door, true) : await alone(settings, 'takeover', () => takeOver(door));
  if (json) context.json(done);
  else for (const line of [...describe(done), ...(await withoutEnd(context, settings, dryRun))]) context.say(line);

  if (done.remaining.length > 0) {
    throw new CodedError('OTHER_UPDATER_ACTIVE', `${done.remaining.join(', ')}: only a person can stop that`, {
      next: done.persons[0]?.what ?? 'look at: selvage-agent inventory --json, section updaters',
    });
  }
}

/** A host that nobody gives back when its collector is gone would stay unpatched. */
async function withoutEnd(context: Context, settings: Settings, dryRun: boolean): Promise<readonly string[]> {
  if (dryRun) return [];
  // What is wrong with policy is said by `status`; here it only means that there is no end.
  const plan = await running(context, settings)
    .then(explainPlan)
    .catch(() => null);
  if (plan?.fallbackAfterMs != null) return [];

  return [
    'note     no accepted policy has a fallback: without its collector this host stays as it is until: selvage-agent release',
  ];
}

function describe({ dryRun, masked, saved, aptConf, snap, persons, ending, remaining }: TakenOver): readonly string[] {
  const would = dryRun ? 'would be ' : '';
  const alone =
    remaining.length === 0
      ? 'Selvage alone updates this host now'
      : 'nothing is installed until the rest is stopped too';
  const before = new Map(saved.map((unit) => [unit.name, unit]));
  const none = masked.length === 0 && !aptConf && !snap && persons.length === 0;
  const units = masked.map((name) => {
    const unit = before.get(name);

    return `${would}masked   ${name} (was ${unit?.state ?? 'not known'}${unit?.active ? ', waiting' : ''})`;
  });

  return [
    ...units,
    ...(aptConf ? [`${would}off      unattended-upgrades, in a file of ours below /etc/apt/apt.conf.d`] : []),
    ...(snap ? [`${would}held     refreshes of snaps`] : []),
    ...persons.map(({ updater, what }) => `for you  ${updater}: ${what}`),
    ...ending.map((name) => `ending   ${name} had begun already; it is left to its end`),
    ...(none ? [dryRun ? 'no other updater is in the way' : 'no other updater was in the way'] : []),
    dryRun
      ? 'nothing was changed'
      : `taken over: ${alone} (${saved.length} units saved; give back with: selvage-agent release)`,
  ];
}

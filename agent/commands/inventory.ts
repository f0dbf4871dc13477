// `selvage-agent inventory`: takes one inventory. The resident agent starts the same command as its short-lived child.
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import { type Inventory, SECTION_NAMES, type Section, type SectionName } from '@selvage/shared/model/inventory.ts';
import type { SentSections } from '../connector/parcel.ts';
import { collectInventory } from '../inventory/collect.ts';
import { packInventory } from '../inventory/parcel.ts';
import { refreshWhenDue } from '../inventory/refresh.ts';
import type { Context } from './context.ts';
import { leaveParcel } from './demand.ts';
import { observing } from './observing.ts';

export interface InventoryFlags {
  readonly json?: boolean;
  /** Only what the collector does not have: how the resident agent takes an inventory. */
  readonly parcel?: boolean;
  /** A person asked for it. */
  readonly refresh?: boolean;
  /** Only where the interval of the settings is over. */
  readonly refreshDue?: boolean;
  /** No inventory: only the package lists, where they are due. */
  readonly onlyLists?: boolean;
  /** All of it, left for the connector instead of printed. */
  readonly deposit?: boolean;
}

export async function showInventory(context: Context, flags: InventoryFlags): Promise<void> {
  const settings = await context.settings();
  const options = await observing(context, settings);

  if (flags.refresh || flags.refreshDue || flags.onlyLists) {
    const { observers } = options;
    const plan = { settings, observers, clock: context.clock, random: context.random, now: flags.refresh === true };
    for (const failure of await refreshWhenDue(plan)) {
      context.log.warn({ code: failure.code }, `the package lists were not refreshed: ${failure.message}`);
    }
  }

  if (flags.onlyLists) return;
  if (flags.deposit) {
    await leaveParcel(settings, await packInventory(await collectInventory(options), {}));

    return;
  }

  // Asked first: a child that nobody can talk to has no work.
  const sent = flags.parcel ? await readSent(context) : null;
  const inventory = await collectInventory(options);
  if (sent !== null) context.json(await packInventory(inventory, sent));
  else if (flags.json) context.json(inventory);
  else for (const line of describe(inventory)) context.say(line);
}

/** Throws USAGE when standard input is not what the resident agent writes there. */
async function readSent(context: Context): Promise<SentSections> {
  try {
    return JSON.parse(await context.input()) as SentSections;
  } catch (error) {
    throw new CodedError('USAGE', 'standard input is not a JSON object of section names and hashes', { cause: error });
  }
}

function describe(inventory: Inventory): readonly string[] {
  const width = Math.max(...SECTION_NAMES.map((name) => name.length)) + 2;

  return [
    `inventory of ${inventory.takenAt}`,
    ...SECTION_NAMES.map((name) => `${name.padEnd(width)}${line(inventory, name)}`),
  ];
}

function line({ sections }: Inventory, name: SectionName): string {
  const outcome = sections[name];
  if (!outcome.ok) return `MISSING ${outcome.code}: ${outcome.reason}`;

  switch (name) {
    case 'os':
      return sections.os.ok ? sections.os.data.prettyName : '';
    case 'kernel':
      return sections.kernel.ok ? `running ${sections.kernel.data.running}` : '';
    case 'updates':
      return updates(sections.updates);
    case 'reboot':
      return sections.reboot.ok
        ? sections.reboot.data.required
          ? sections.reboot.data.reasons.join('; ')
          : 'not required'
        : '';
    case 'changes':
      return sections.changes.ok ? changes(sections.changes.data) : '';
    case 'staleProcesses':
      return sections.staleProcesses.ok ? `${sections.staleProcesses.data.processes.length}` : '';
    default:
      return Array.isArray(outcome.data) ? `${outcome.data.length}` : 'taken';
  }
}

function changes({ told, complete }: Section<'changes'>): string {
  return `${told.length} transactions in the logs${complete ? '' : ', which hold more'}`;
}

function updates(outcome: Inventory['sections']['updates']): string {
  if (!outcome.ok) return '';
  const { data } = outcome;
  if (!data.known) return `unknown: ${data.reasons.map(({ reason }) => reason).join('; ')}`;
  const security = data.pending.filter((update) => update.security).length;

  return `${data.pending.length}, ${security} of them security`;
}

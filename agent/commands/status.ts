// `selvage-agent status`: who I am, what waits and why, what is wrong and what to do about it. Reads local state only.
import { X509Certificate } from 'node:crypto';
import { asCoded } from '@selvage/shared/errors/coded-error.ts';
import { CODES } from '@selvage/shared/errors/codes.ts';
import type { WindowsOfHost } from '@selvage/shared/policy/windows.ts';
import * as z from 'zod/mini';
import { identityState, loadIdentity } from '../connector/identity.ts';
import { lastInventory } from '../connector/last-inventory.ts';
import { explainPlan, type PlanReport } from '../runner/explain.ts';
import { runnerFolders } from '../runner/folders.ts';
import { readOverrun } from '../runner/overrun.ts';
import { readTrustReport } from '../runner/trust-facts.ts';
import { readTakeover, type TakeoverFacts, takeoverFacts, takeoverFile } from '../updaters/takeover/state.ts';
import { AGENT_VERSION } from '../version.ts';
import type { Context } from './context.ts';
import { agentFolders } from './folders.ts';
import { readLinkFacts } from './link-report.ts';
import { overdueOf } from './overdue.ts';
import { running } from './running.ts';
import { type Status, statusPage, type Wrong } from './status-page.ts';
import { unitsOff } from './units.ts';

/** Of the section `updates`: only what is counted. */
const pendingShape = z.object({ known: z.literal(true), pending: z.array(z.object({ security: z.boolean() })) });

export async function showStatus(context: Context, flags: { readonly json?: boolean }): Promise<void> {
  const status = await statusOf(context);
  if (flags.json) context.json(status);
  else for (const line of statusPage(status, context.clock.now())) context.say(line);
}

async function statusOf(context: Context): Promise<Status> {
  const settings = await context.settings();
  const folders = agentFolders(settings);
  const wrong: Wrong[] = [];
  const attempt = async <T>(work: () => Promise<T>): Promise<T | null> => {
    try {
      return await work();
    } catch (error) {
      const { code, message, next } = asCoded(error);
      if (!wrong.some((known) => known.code === code)) wrong.push({ code, message, next });

      return null;
    }
  };

  const identity = await attempt(() => loadIdentity(folders.identity));
  const link = await attempt(() => readLinkFacts(folders.link));
  const trust = await attempt(() => readTrustReport(runnerFolders(settings).next));
  // An ordinary user may not read the runner's folder on a real host; then the plan is what is missing, and it is said.
  const plan = identity === null ? null : await attempt(async () => explainPlan(await running(context, settings)));
  const off = identity === null ? null : await attempt(() => unitsOff(context, settings));
  if (off) wrong.push({ code: off.code, message: off.message, next: off.next });
  const takeover = await attempt(async () => takeoverFacts(await readTakeover(takeoverFile(settings.runnerDir))));
  wrong.push(...takeoverTrouble(settings.mode, takeover));
  const overrun = await readOverrun(settings.runnerDir);
  if (overrun) wrong.push({ code: 'PROCESS_DEADLINE', message: overrun.message, next: CODES.PROCESS_DEADLINE.next });
  if (link?.problem) {
    // What is to be typed elsewhere names this host.
    const next = CODES[link.problem.code].next.replace('NAME', identity?.name ?? 'NAME');
    wrong.push({ ...link.problem, next });
  }
  const rivals = settings.mode === 'managed' ? (plan?.otherUpdaters ?? []) : [];
  if (rivals.length > 0 && takeover?.state !== 'fallback') {
    const message = `${rivals.join(', ')} also installs updates here, so nothing approved is installed`;
    wrong.push({ code: 'OTHER_UPDATER_ACTIVE', message, next: CODES.OTHER_UPDATER_ACTIVE.next });
  }
  if (plan?.problem) wrong.push({ ...plan.problem, next: CODES[plan.problem.code].next });

  return {
    version: AGENT_VERSION,
    mode: settings.mode,
    takeover,
    host: identity && { id: identity.hostId, name: identity.name, collector: identity.collector, pin: identity.pin },
    certificate: identity && {
      state: identityState(identity, context.clock.now()),
      expires: identity.notAfter.toString(),
    },
    link,
    inventory: await attempt(() => inventoryOf(folders.outbox)),
    windows: plan?.windows ? windowsOf(plan.windows) : null,
    waiting: plan && waiting(plan),
    overdue: overdueOf(
      {
        certificate: identity,
        authorities: identity?.authorities.map(endOf) ?? [],
        policy: trust?.trust ?? null,
      },
      context.clock.now(),
    ),
    wrong,
  };
}

/** A host that gave itself back, and one that nobody updates. */
function takeoverTrouble(mode: string, takeover: TakeoverFacts | null): readonly Wrong[] {
  const code = 'OTHER_UPDATER_ACTIVE';
  if (takeover?.state === 'fallback') {
    const message = `no fresh policy came, so at ${takeover.since} this host was handed back to its own updaters`;

    return [{ code, message, next: 'let it reach its collector: with fresh policy it takes over again by itself' }];
  }
  if (takeover?.state === 'taken' && mode !== 'managed') {
    const message = `its other updaters are stopped, and in mode ${mode} Selvage installs nothing either`;

    return [{ code: 'MODE_FORBIDS', message, next: 'give it back: selvage-agent release; or set the mode to managed' }];
  }

  return [];
}

function endOf(pem: string): Temporal.Instant {
  return Temporal.Instant.fromEpochMilliseconds(new X509Certificate(pem).validToDate.getTime());
}

async function inventoryOf(outbox: string): Promise<Status['inventory']> {
  const last = await lastInventory(outbox);
  if (last === null) return null;
  const unknown = last.unknown.map(({ name }) => name);
  const packages = unknown.includes('packages') ? null : await last.section('packages');
  const updates = unknown.includes('updates') ? null : await last.section('updates');
  const pending = pendingShape.safeParse(updates).data?.pending ?? null;

  return {
    takenAt: last.takenAt,
    packages: Array.isArray(packages) ? packages.length : null,
    updates: pending?.length ?? null,
    security: pending?.filter(({ security }) => security).length ?? null,
    unknown,
  };
}

function windowsOf({ policies, next }: WindowsOfHost): NonNullable<Status['windows']> {
  const told = next && { window: next.window, opens: next.opens.toString(), closes: next.closes.toString() };

  return { policies, next: told };
}

function waiting(plan: PlanReport): NonNullable<Status['waiting']> {
  return plan.approvals
    .filter(({ verdict }) => verdict !== 'done')
    .map(({ fix, verdict, message }) => ({ fix: `${fix.source} ${fix.version}`, verdict, why: message }));
}

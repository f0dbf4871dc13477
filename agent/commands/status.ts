// `selvage-agent status`: who I am, what waits and why, what is wrong and what to do about it. Reads local state only.
import { X509Certificate } from 'node:crypto';
import { asCoded } from '@selvage/shared/errors/coded-error.ts';
import { CODES } from '@selvage/shared/errors/codes.ts';
import { formatDuration } from '@selvage/shared/time/duration.ts';
import { identityState, loadIdentity } from '../connector/identity.ts';
import { explainPlan, type PlanReport } from '../runner/explain.ts';
import { runnerFolders } from '../runner/folders.ts';
import { readTrustReport } from '../runner/trust-facts.ts';
import { AGENT_VERSION } from '../version.ts';
import type { Context } from './context.ts';
import { agentFolders } from './folders.ts';
import { type LinkFacts, readLinkFacts } from './link-report.ts';
import { type Overdue, overdueOf } from './overdue.ts';
import { running } from './running.ts';

interface Wrong {
  readonly code: string;
  readonly message: string;
  readonly next: string;
}

export interface Status {
  readonly version: string;
  readonly mode: string;
  readonly host: {
    readonly id: string;
    readonly name: string;
    readonly collector: string;
    readonly pin: string;
  } | null;
  readonly certificate: { readonly state: string; readonly expires: string } | null;
  readonly link: LinkFacts | null;
  readonly waiting: readonly { readonly fix: string; readonly verdict: string; readonly why: string }[];
  /** What of this host's trust ends soon, has ended or was not renewed. */
  readonly overdue: readonly Overdue[];
  readonly wrong: readonly Wrong[];
}

export async function showStatus(context: Context, flags: { readonly json?: boolean }): Promise<void> {
  const status = await statusOf(context);
  if (flags.json) context.json(status);
  else for (const line of describe(status, context.clock.now())) context.say(line);
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
  if (link?.problem) wrong.push({ ...link.problem, next: CODES[link.problem.code].next });
  if (plan?.problem) wrong.push({ ...plan.problem, next: CODES[plan.problem.code].next });

  return {
    version: AGENT_VERSION,
    mode: settings.mode,
    host: identity && { id: identity.hostId, name: identity.name, collector: identity.collector, pin: identity.pin },
    certificate: identity && {
      state: identityState(identity, context.clock.now()),
      expires: identity.notAfter.toString(),
    },
    link,
    waiting: plan === null ? [] : waiting(plan),
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

function endOf(pem: string): Temporal.Instant {
  return Temporal.Instant.fromEpochMilliseconds(new X509Certificate(pem).validToDate.getTime());
}

function waiting(plan: PlanReport): Status['waiting'] {
  return plan.approvals
    .filter(({ verdict }) => verdict !== 'done')
    .map(({ fix, verdict, message }) => ({ fix: `${fix.source} ${fix.version}`, verdict, why: message }));
}

function describe(status: Status, now: Temporal.Instant): readonly string[] {
  const since = (text: string | null | undefined) =>
    text ? `${formatDuration(Temporal.Instant.from(text).until(now).total('milliseconds'))} ago` : 'never';
  const { host, link, certificate } = status;
  const connected = link?.connectedSince ? `since ${link.connectedSince}` : `no, last ${since(link?.lastConnected)}`;

  return [
    `host         ${host ? `${host.name}  ${host.id}` : 'not enrolled'}`,
    `mode         ${status.mode}   agent ${status.version}`,
    ...(host ? [`collector    ${host.collector}`] : []),
    `connected    ${connected}`,
    ...(certificate ? [`certificate  ${certificate.state}, until ${certificate.expires}`] : []),
    `policy       ${link?.policy ?? 'none mirrored'}`,
    ...(status.waiting.length === 0 ? ['waits        nothing'] : []),
    ...status.waiting.map(({ fix, verdict, why }) => `waits        ${fix}: ${verdict}, ${why}`),
    ...status.overdue.flatMap(({ message, stops, next }) => [
      `overdue      ${message}; then ${stops}`,
      `             next: ${next}`,
    ]),
    ...(status.wrong.length === 0 ? ['wrong        nothing known'] : []),
    ...status.wrong.flatMap(({ code, message, next }) => [
      `wrong        ${code}: ${message}`,
      `             next: ${next}`,
    ]),
  ];
}

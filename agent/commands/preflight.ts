// `selvage-agent preflight`: in one line whether this machine can run the agent and reach its collector, and otherwise what to
// do. It changes nothing, needs no enrollment, and sends nothing secret.
import { join } from 'node:path';
import { asCoded, hasCode } from '@selvage/shared/errors/coded-error.ts';
import { parseProxy, proxyFor } from '@selvage/shared/net/proxy.ts';
import { targetOf } from '@selvage/shared/pki/https.ts';
import { loadIdentity } from '../connector/identity.ts';
import { answerOf } from '../preflight/answer.ts';
import { judge } from '../preflight/checks.ts';
import type { Reach, UserFacts } from '../preflight/facts.ts';
import { hasSystemd, lookAtDisks, lookAtSystem, managersIn } from '../preflight/look.ts';
import { reach } from '../preflight/reach.ts';
import { OBSERVERS } from '../providers/index.ts';
import type { Settings } from '../settings.ts';
import { updaterHost } from '../updaters/host.ts';
import { lookForUpdaters } from '../updaters/list.ts';
import type { Context } from './context.ts';
import { unprivilegedUser } from './user.ts';
import { wayOut } from './way-out.ts';

/** Milliseconds for each of two exchanges: a person waits. */
const DEADLINE_MS = 10_000;

export interface PreflightFlags {
  readonly collector?: string;
  readonly pin?: string;
  readonly json?: boolean;
  readonly verbose?: boolean;
}

/** Returns the exit code: see ../preflight/answer.ts. Throws SETTINGS_INVALID, USAGE. */
export async function preflight(context: Context, flags: PreflightFlags): Promise<number> {
  const settings = await context.settings();
  const { root, stateDir, runnerDir } = settings;
  const checks = judge({
    ...lookAtSystem(),
    disks: await lookAtDisks([
      { path: stateDir, kind: 'state' },
      { path: runnerDir, kind: 'runner' },
    ]),
    user: await userOf(settings),
    managers: managersIn(root, Object.keys(OBSERVERS)),
    updaters: await updatersOf(context, settings),
    systemd: hasSystemd(),
    collector: await collectorOf(context, settings, flags),
  });
  const { ready, line, more, exit } = answerOf(checks);
  if (flags.json) context.json({ ready, line, checks });
  else for (const each of [line, ...(flags.verbose ? more.map((text) => `  ${text}`) : [])]) context.say(each);

  return exit;
}

/** Those that would install something by themselves; null where one of them cannot be looked at. */
async function updatersOf({ run, clock }: Context, { root, zone }: Settings): Promise<readonly string[] | null> {
  try {
    const found = await lookForUpdaters(updaterHost({ root, zone, run, clock }));

    return found.filter(({ enabled, installs }) => enabled && installs).map(({ name }) => name);
  } catch (error) {
    // A fault of this program is none of the host.
    if (hasCode(asCoded(error), 'INTERNAL')) throw error;

    return null;
  }
}

async function userOf({ user: name }: Settings): Promise<UserFacts> {
  const asked = process.getuid?.() === 0;

  try {
    await unprivilegedUser(name);

    return { name, problem: null, asked };
  } catch (error) {
    if (!hasCode(error, 'SETTINGS_INVALID')) throw error;

    return { name, problem: error.message, asked };
  }
}

async function collectorOf(context: Context, settings: Settings, flags: PreflightFlags): Promise<Reach> {
  const known = await enrolledWith(settings);
  const url = flags.collector ?? settings.collector ?? known?.collector;
  if (url === undefined) return { state: 'not asked' };
  // The pin of another collector says nothing about this one.
  const pin = flags.pin ?? (known?.collector === url ? known.pin : null);

  return reach({
    ...{ url, pin, clock: context.clock, deadlineMs: DEADLINE_MS },
    connect: wayOut(settings, context.proxies),
    proxy: proxyOn(url, context, settings),
  });
}

async function enrolledWith({ stateDir }: Settings): Promise<{ collector: string; pin: string } | null> {
  try {
    return await loadIdentity(join(stateDir, 'identity'));
  } catch {
    // Whatever is wrong with an identity is not what is asked here; `status` tells it.
    return null;
  }
}

function proxyOn(url: string, { proxies }: Context, { proxy }: Settings): string | null {
  const target = URL.canParse(url) ? targetOf(new URL(url)) : null;
  const setting = proxy === null || proxy === 'none' ? proxy : parseProxy(proxy, 'the setting "proxy"');

  return target && (proxyFor(target, setting, proxies)?.toString() ?? null);
}

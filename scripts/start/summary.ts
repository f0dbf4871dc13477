// What one pass found on this machine, asked from the collector: it shows what arrived, not what was sent.
import { hostname } from 'node:os';
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import { systemClock } from '@selvage/shared/time/clock.ts';
import { todo as todoShape } from '../../collector/api/contract/todo.ts';
import { hostDetail } from '../../collector/api/contract.ts';
import type { HostDetail } from '../../collector/api/host-view.ts';
import type { Commands } from './commands.ts';

/** Counts are null when they are not known; `packageLists.stale` then says why. */
export interface Summary {
  readonly collector: { readonly url: string };
  readonly host: {
    readonly id: string;
    readonly hostname: string;
    readonly os: { readonly id: string; readonly version: string };
    readonly kernel: { readonly running: string; readonly installed: readonly string[] };
    readonly packages: number | null;
    readonly upgradable: number | null;
    readonly held: number | null;
    readonly phased: number | null;
    readonly security: number | null;
    readonly packageLists: {
      readonly asOf: string | null;
      readonly stale: readonly { readonly repository: string | null; readonly reason: string }[];
    };
    readonly rebootRequired: boolean | null;
    readonly staleProcesses: number | null;
  };
  /** Open findings by decision, whether a fix exists or not; of what is not known nothing is in it, see `unknown` of the todo list. */
  readonly findings: Findings;
  /** The rows of `selvage todo`. */
  readonly fixes: Todo['fixes'];
  readonly feeds: readonly { readonly name: string; readonly asOf: string | null; readonly records: number }[];
}

export type Todo = ReturnType<typeof todoShape.parse>;

interface Findings {
  readonly immediate: number;
  readonly outOfCycle: number;
  readonly scheduled: number;
  readonly defer: number;
  readonly unknown: number;
}

/** What has just been reported is matched within moments; a start waits so long for it, and then shows what there is. */
const SETTLE_MS = 60_000;
const ASK_AGAIN_MS = 200;

/** Why counts are unknown: per repository, or in general where not even the repositories are known. */
function staleOf({ packageLists, unknown }: HostDetail): Summary['host']['packageLists']['stale'] {
  const stale = packageLists.stale.map(({ repository, reason }) => ({ repository, reason }));

  return stale.length > 0 ? stale : unknown.map((reason) => ({ repository: null, reason }));
}

async function settledTodo(commands: Commands): Promise<Todo> {
  const until = systemClock.monotonic() + SETTLE_MS;
  for (;;) {
    const answer = todoShape.safeParse(JSON.parse(await commands.selvage(['todo', '--json'])));
    if (!answer.success) {
      throw new CodedError('INTERNAL', 'the collector gave a todo list in an unknown shape', { cause: answer.error });
    }
    const { settled, machines } = answer.data;
    if ((settled && machines.counted > 0) || systemClock.monotonic() > until) return answer.data;
    await systemClock.sleep(ASK_AGAIN_MS);
  }
}

export async function summarize(
  commands: Commands,
  url: string,
): Promise<{ readonly summary: Summary; readonly todo: Todo }> {
  const [text, todo] = await Promise.all([
    commands.selvage(['host', 'show', hostname(), '--json']),
    settledTodo(commands),
  ]);

  return { summary: summaryOf(text, todo, url), todo };
}

function summaryOf(text: string, todo: Todo, url: string): Summary {
  const page = JSON.parse(text) as { host?: unknown };
  const decoded = hostDetail.safeParse(page.host);
  if (!decoded.success) {
    throw new CodedError('INTERNAL', 'the collector described this host in an unknown shape', { cause: decoded.error });
  }

  const host = decoded.data;
  if (host.os === null || host.kernel === null) {
    const reasons = host.problems.map((problem) => `${problem.section}: ${problem.reason}`).join('; ');
    throw new CodedError('PARSE', `the inventory has no operating system or kernel: ${reasons}`);
  }

  return {
    collector: { url },
    host: {
      id: host.id,
      hostname: host.hostname ?? host.name,
      os: { id: host.os.id, version: host.os.version },
      kernel: host.kernel,
      packages: host.packages,
      upgradable: host.upgradable,
      held: host.held,
      phased: host.phased,
      security: host.security,
      packageLists: {
        asOf: host.packageLists.asOf,
        stale: staleOf(host),
      },
      rebootRequired: host.rebootRequired,
      staleProcesses: host.staleProcesses,
    },
    findings: findingsOf(todo),
    fixes: todo.fixes,
    feeds: todo.feeds.map(({ name, asOf, records }) => ({ name, asOf, records })),
  };
}

function findingsOf({ open }: Todo): Findings {
  const { 'out-of-cycle': outOfCycle, ...others } = open;

  return { ...others, outOfCycle };
}

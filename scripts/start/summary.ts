// What one pass found on this machine, asked from the collector: it shows what arrived, not what was sent.
import { hostname } from 'node:os';
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
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
}

/** Why counts are unknown: per repository, or in general where not even the repositories are known. */
function staleOf({ packageLists, unknown }: HostDetail): Summary['host']['packageLists']['stale'] {
  const stale = packageLists.stale.map(({ repository, reason }) => ({ repository, reason }));

  return stale.length > 0 ? stale : unknown.map((reason) => ({ repository: null, reason }));
}

export async function summarize(commands: Commands, url: string): Promise<Summary> {
  const page = JSON.parse(await commands.selvage(['host', 'show', hostname(), '--json'])) as { host?: unknown };
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
  };
}

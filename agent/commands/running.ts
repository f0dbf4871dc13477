// The privileged half, built: what a pass of the runner needs.

import { join } from 'node:path';
import { readBounded } from '@selvage/shared/files/durable.ts';
import { parseShellFacts } from '@selvage/shared/linux/shell-facts.ts';
import { compareDebVersions } from '@selvage/shared/versions/deb.ts';
import { createContext as createInventoryContext } from '../inventory/context.ts';
import { collectReboot } from '../inventory/sections/reboot.ts';
import { collectStaleProcesses } from '../inventory/sections/stale-processes.ts';
import { createAptInstaller } from '../providers/apt/installer.ts';
import type { Evidence, RunnerDeps } from '../runner/deps.ts';
import { writeOverrun } from '../runner/overrun.ts';
import { systemUptime } from '../runner/uptime.ts';
import type { Settings } from '../settings.ts';
import type { Context } from './context.ts';
import { agentFolders } from './folders.ts';
import { observing } from './observing.ts';
import { readRunnerHost } from './runner-host.ts';
import { otherUpdaters } from './updaters.ts';
import { unprivilegedUser } from './user.ts';

const MAX_OS_RELEASE_BYTES = 64 * 1024;

/** Throws NOT_ENROLLED before anything else is looked at. */
export async function running(context: Context, settings: Settings): Promise<RunnerDeps> {
  const host = await readRunnerHost(settings.runnerDir);
  const { root, runnerDir } = settings;

  return {
    settings,
    host: { id: host.hostId, name: host.name, os: await osOf(root) },
    installer: createAptInstaller({
      root,
      runnerDir,
      run: context.run,
      unprivileged: await unprivilegedUser(settings.user),
      packages: agentFolders(settings).packages,
      compare: compareDebVersions,
      overdue: (message) => {
        context.log.error({ code: 'PROCESS_DEADLINE' }, message);
        writeOverrun(runnerDir, context.clock.now(), message).catch((error: unknown) =>
          context.log.error({ error }, 'that an installation takes too long could not be written down'),
        );
      },
    }),
    compare: compareDebVersions,
    evidence: () => evidence(context, settings),
    updaters: otherUpdaters(context, settings),
    clock: context.clock,
    uptime: systemUptime,
    log: context.log,
  };
}

/** A policy selects by the operating system; when it cannot be read, no policy that names one selects this host. */
async function osOf(root: string): Promise<RunnerDeps['host']['os']> {
  const bytes =
    (await readBounded(join(root, 'usr/lib/os-release'), MAX_OS_RELEASE_BYTES)) ??
    (await readBounded(join(root, 'etc/os-release'), MAX_OS_RELEASE_BYTES));
  const facts = parseShellFacts(Buffer.from(bytes ?? []).toString('utf8'));

  return {
    id: facts.get('ID') ?? '',
    version: facts.get('VERSION_ID') ?? '',
    idLike: (facts.get('ID_LIKE') ?? '').split(' ').filter((id) => id !== ''),
  };
}

async function evidence(context: Context, settings: Settings): Promise<Evidence> {
  const inventory = createInventoryContext(await observing(context, settings));
  const [reboot, stale] = await Promise.all([collectReboot(inventory), collectStaleProcesses(inventory)]);

  return {
    rebootRequired: reboot.required,
    staleProcesses: stale.processes.map(({ pid, program, service }) => ({ pid, program, service })),
  };
}

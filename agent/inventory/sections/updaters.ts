// Other programs that may update this host by themselves. Three updaters fight each other; here they are seen.
import { access } from 'node:fs/promises';
import { hasErrno } from '@selvage/shared/files/durable.ts';
import type { Section } from '@selvage/shared/model/inventory.ts';
import type { InventoryContext } from '../context.ts';
import { namesIn, readText } from '../files.ts';

type Updater = Section<'updaters'>[number];

const APT_CONFIG_DEADLINE_MS = 10_000;

/** Package → the unit (or file) whose presence below etc/systemd or elsewhere turns it on. */
const SIMPLE: readonly { readonly package: string; readonly enabledBy: string; readonly detail: string }[] = [
  { package: 'packagekit', enabledBy: 'usr/lib/packagekitd', detail: 'updates when a desktop asks it' },
  {
    package: 'snapd',
    enabledBy: 'etc/systemd/system/multi-user.target.wants/snapd.service',
    detail: 'refreshes snaps',
  },
  { package: 'cron-apt', enabledBy: 'etc/cron.d/cron-apt', detail: 'runs from cron' },
  { package: 'apticron', enabledBy: 'etc/cron.d/apticron', detail: 'tells about updates' },
  { package: 'landscape-client', enabledBy: 'etc/landscape/client.conf', detail: 'installs what Landscape orders' },
  { package: 'fwupd', enabledBy: 'etc/systemd/system/timers.target.wants/fwupd-refresh.timer', detail: 'firmware' },
];

export async function collectUpdaters(context: InventoryContext): Promise<Section<'updaters'>> {
  const names = new Set((await context.installed()).map(({ name }) => name));
  const found: Updater[] = [];

  if (names.has('unattended-upgrades')) found.push(await unattendedUpgrades(context));
  for (const updater of SIMPLE) {
    if (!names.has(updater.package)) continue;
    const enabled = await exists(context.at(updater.enabledBy));
    found.push({ name: updater.package, enabled, detail: updater.detail });
  }

  const jobs = (await namesIn(context.at('etc/cron.d'))).filter((name) => /upgrade|autoupdate|auto-apt/.test(name));
  for (const name of jobs) found.push({ name: `cron: ${name}`, enabled: true, detail: `etc/cron.d/${name}` });

  return found;
}

/** It works when its own option says so and the timer of apt (or cron without systemd) starts it. */
async function unattendedUpgrades(context: InventoryContext): Promise<Updater> {
  const every = context.settings.root === '/' ? await periodic(context) : await periodicFromFiles(context);
  const timer = await exists(context.at('etc/systemd/system/timers.target.wants/apt-daily-upgrade.timer'));
  const cron = await exists(context.at('etc/cron.daily/apt-compat'));

  return {
    name: 'unattended-upgrades',
    enabled: every !== '0' && (timer || cron),
    detail: `every ${every} d, started by ${timer ? 'apt-daily-upgrade.timer' : cron ? 'cron' : 'nothing'}`,
  };
}

async function periodic(context: InventoryContext): Promise<string> {
  const { stdout } = await context.run({
    file: 'apt-config',
    args: ['dump', 'APT::Periodic::Unattended-Upgrade'],
    deadlineMs: APT_CONFIG_DEADLINE_MS,
    check: true,
  });

  return /^APT::Periodic::Unattended-Upgrade "([^"]+)";$/im.exec(stdout)?.[1] ?? '0';
}

async function periodicFromFiles(context: InventoryContext): Promise<string> {
  const text = await readText(context.at('etc/apt/apt.conf.d/20auto-upgrades'));

  return /^\s*APT::Periodic::Unattended-Upgrade\s+"([^"]+)";/im.exec(text ?? '')?.[1] ?? '0';
}

async function exists(path: string): Promise<boolean> {
  try {
    await access(path);

    return true;
  } catch (error) {
    if (hasErrno(error, 'ENOENT', 'ENOTDIR')) return false;
    throw error;
  }
}

// Services that systemd knows, with the package that brought each unit. Without systemd nothing certain can be said.
import { existsSync } from 'node:fs';
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import type { Section } from '@selvage/shared/model/inventory.ts';
import type { InventoryContext } from '../context.ts';

const DEADLINE_MS = 10_000;
const LINE = /^\s*(?:[●*] )?(\S+[.]service) +(\S+) +(\S+) +(\S+) /;
const UNIT_FOLDERS = ['/usr/lib/systemd/system', '/lib/systemd/system'];

export async function collectServices(context: InventoryContext): Promise<Section<'services'>> {
  // sd_booted(3): this folder, empty or not, exists exactly where systemd is the init system.
  if (!existsSync('/run/systemd/system') || context.settings.root !== '/') {
    throw new CodedError('TOOL_MISSING', 'systemd does not run here, so the services are not known', {
      next: 'nothing is to be done where another init system is wanted',
    });
  }

  const { stdout } = await context.run({
    file: 'systemctl',
    args: ['list-units', '--type=service', '--all', '--full', '--plain', '--no-legend', '--no-pager'],
    deadlineMs: DEADLINE_MS,
    check: true,
  });
  const services = parseUnits(stdout);
  const owners = await context.owners(services.flatMap(({ name }) => unitFiles(name)));

  return services.map(({ name, state }) => {
    const owner = unitFiles(name)
      .map((path) => owners.get(path))
      .find((found) => found !== undefined);

    return { name, state, package: owner ?? null };
  });
}

/*
 * cron.service          loaded    active   running Regular background program processing daemon
 * auditd.service        not-found inactive dead    auditd.service
 */
export function parseUnits(text: string): readonly { readonly name: string; readonly state: string }[] {
  return text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .flatMap((line) => {
      const [, name, load, active] = LINE.exec(`${line} `) ?? [];
      if (!name || !load || !active) {
        throw new CodedError('PARSE', `systemctl printed a line that is not understood: ${line}`);
      }

      // Units that others only mention are not on the host.
      return load === 'not-found' ? [] : [{ name, state: active }];
    });
}

function unitFiles(name: string): readonly string[] {
  const file = name.replace(/@.*(?=[.]service$)/, '@');

  return UNIT_FOLDERS.map((folder) => `${folder}/${file}`);
}

// The operating system: what os-release(5) says, when the host booted, until when it is supported.
import { hostname, machine } from 'node:os';
import { join } from 'node:path';
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import { endOfLife } from '@selvage/shared/linux/eol.ts';
import { parseShellFacts } from '@selvage/shared/linux/shell-facts.ts';
import type { Section } from '@selvage/shared/model/inventory.ts';
import type { InventoryContext } from '../context.ts';
import { readText } from '../files.ts';

/** machine-id(5): an image that was never booted says this, and so does the inventory of a host without the file. */
const NO_MACHINE_ID = 'uninitialized';

export async function collectOs(context: InventoryContext): Promise<Section<'os'>> {
  const text = (await readText(context.at('etc/os-release'))) ?? (await readText(context.at('usr/lib/os-release')));
  if (text === null) throw new CodedError('NOT_FOUND', 'this host has no os-release file');
  const facts = parseShellFacts(text);
  // os-release(5) gives these defaults.
  const id = facts.get('ID') || 'linux';
  const version = facts.get('VERSION_ID') ?? '';

  return {
    id,
    version,
    codename: facts.get('VERSION_CODENAME') || null,
    prettyName: facts.get('PRETTY_NAME') || 'Linux',
    idLike: (facts.get('ID_LIKE') ?? '').split(' ').filter((name) => name !== ''),
    hostname: hostname(),
    machineId: (await readText(context.at('etc/machine-id')))?.trim() || NO_MACHINE_ID,
    arch: machine(),
    timezone: context.settings.zone,
    bootedAt: (await bootTime(context.proc)).toString(),
    endOfLife: endOfLife(id, version),
  };
}

/** proc(5): `btime 1763892000` in /proc/stat, seconds. */
export async function bootTime(proc: string): Promise<Temporal.Instant> {
  const seconds = /^btime (\d+)$/m.exec((await readText(join(proc, 'stat'))) ?? '')?.[1];
  if (seconds === undefined) throw new CodedError('PARSE', `${proc}/stat says no boot time`);

  return Temporal.Instant.fromEpochMilliseconds(Number(seconds) * 1000);
}

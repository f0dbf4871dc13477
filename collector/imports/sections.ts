// The files of collect.sh as the sections that an agent would send: the same shapes, so that whatever looks at inventories needs
// not know where one is from. Pure. What was not collected, or cannot be read whole, is a section with a reason.
import { asCoded, CodedError } from '@selvage/shared/errors/coded-error.ts';
import { endOfLife } from '@selvage/shared/linux/eol.ts';
import { kernelReason } from '@selvage/shared/linux/kernel-release.ts';
import { parseShellFacts } from '@selvage/shared/linux/shell-facts.ts';
import { parseSockets } from '@selvage/shared/linux/sockets.ts';
import {
  SECTION_NAMES,
  SECTIONS,
  type Section,
  type SectionName,
  type SectionOutcome,
} from '@selvage/shared/model/inventory.ts';
import type { FileName, Text } from './archive.ts';
import type { Facts } from './facts.ts';
import { parseKernels } from './kernels.ts';
import { parsePackages } from './packages.ts';
import { parseStale } from './processes.ts';
import { parseRepositories } from './repositories.ts';

export type Outcomes = { readonly [N in SectionName]: SectionOutcome<N> };

/** What collect.sh cannot know without an agent, or does not look at. */
const NOT_COLLECTED = 'it was imported by file: collect.sh does not collect this';

/** Every section, each whole or with the reason why it is not there. Throws nothing. */
export function sectionsOf(text: Text, facts: Facts): Outcomes {
  const os = outcome('os', () => parseOs(need(text, 'os-release'), facts));
  const family = os.ok ? [os.data.id, ...os.data.idLike] : [];
  const packages = outcome('packages', () => parsePackages(text, family));
  const kernel = outcome('kernel', () => parseKernels(facts, packages.ok ? packages.data : [], need(text, 'kernels')));
  const found: Partial<Outcomes> = {
    ...{ os, packages, kernel },
    listeners: outcome('listeners', () => parseListeners(need(text, 'sockets'))),
    staleProcesses: outcome('staleProcesses', () =>
      parseStale({
        deleted: need(text, 'deleted'),
        processes: text('processes') ?? '',
        unreadable: text('unreadable'),
      }),
    ),
    repositories: outcome('repositories', () => parseRepositories(need(text, 'repositories'), family)),
    reboot: outcome('reboot', () => parseReboot(facts, kernel)),
    updates: outcome('updates', () => ({
      known: false,
      asOf: null,
      reasons: [{ repository: null, code: 'NOT_BUILT', reason: 'it was imported by file, without package lists' }],
    })),
  };
  const outcomes = Object.fromEntries(
    SECTION_NAMES.map((name) => [name, found[name] ?? { ok: false, code: 'NOT_BUILT', reason: NOT_COLLECTED }]),
  );

  return outcomes as Outcomes;
}

/** Whatever a file says, what comes out of it has the section's shape, or is a reason. */
function outcome<N extends SectionName>(name: N, parse: () => Section<N>): SectionOutcome<N> {
  try {
    const parsed = SECTIONS[name].safeParse(parse());
    if (parsed.success) return { ok: true, data: parsed.data as Section<N> };
    const [issue] = parsed.error.issues;

    return { ok: false, code: 'PARSE', reason: `${issue?.path.join('.')}: ${issue?.message}` };
  } catch (error) {
    const { code, message } = asCoded(error);

    return { ok: false, code, reason: message };
  }
}

function need(text: Text, name: FileName): string {
  const found = text(name);
  if (found === null) throw new CodedError('NOT_FOUND', `collect.sh could not collect ${name}`);

  return found;
}

function parseOs(release: string, facts: Facts): Section<'os'> {
  const said = parseShellFacts(release);
  // os-release(5) gives these defaults.
  const id = said.get('ID') || 'linux';
  const version = said.get('VERSION_ID') ?? '';
  const up = Math.round((facts.uptime ?? 0) * 1000);

  return {
    id,
    version,
    codename: said.get('VERSION_CODENAME') || null,
    prettyName: said.get('PRETTY_NAME') || 'Linux',
    idLike: (said.get('ID_LIKE') ?? '').split(' ').filter((name) => name !== ''),
    hostname: facts.hostname,
    machineId: facts.machine ?? 'uninitialized',
    arch: facts.arch,
    timezone: facts.zone || 'UTC',
    bootedAt: facts.now.subtract({ milliseconds: up }).toString(),
    endOfLife: endOfLife(id, version),
  };
}

/** Tables of /proc/net one after the other, each behind its name. */
function parseListeners(text: string): Section<'listeners'> {
  const tables = text.split(/^# (?=(?:tcp|udp)6?$)/m).slice(1);
  const listeners = tables.flatMap((table) =>
    parseSockets(table.slice(table.indexOf('\n') + 1), table.startsWith('tcp') ? 'tcp' : 'udp').map(
      ({ protocol, address, port }) => ({ protocol, address, port, pid: null, program: null, package: null }),
    ),
  );

  return [...new Map(listeners.map((each) => [`${each.protocol} ${each.address} ${each.port}`, each])).values()];
}

function parseReboot(facts: Facts, kernel: SectionOutcome<'kernel'>): Section<'reboot'> {
  const older = kernel.ok ? kernelReason(kernel.data) : null;
  const reasons = [...(facts.reboot === null ? [] : ['asked for in /run/reboot-required']), ...(older ? [older] : [])];
  // Without kernel images nothing speaks against a reboot, and nothing for it.
  if (reasons.length === 0 && !kernel.ok) throw new CodedError(kernel.code, kernel.reason);

  return { required: reasons.length > 0, reasons };
}

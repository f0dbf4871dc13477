// Writes the configuration file that APT_CONFIG names. The host's own apt.conf is never read by an apt that Selvage starts:
// its hooks would run, also with `-o Dir`. What matters of it (proxies, architectures, …) is copied by an allow list.
import { join } from 'node:path';
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import type { Run } from '@selvage/shared/exec/run.ts';
import { writeDurable } from '@selvage/shared/files/durable.ts';

/** One option as `apt-config dump` prints it; a name that ends in `::` adds to a list. */
export interface AptOption {
  readonly name: string;
  readonly value: string;
}

export interface UnprivilegedUser {
  readonly uid: number;
  readonly gid: number;
}

export interface AptConfig {
  /** Folder that holds the host's `etc/apt` and `var/lib/dpkg`; `/` on a real host. */
  readonly root: string;
  /** Own folders of this apt: package lists and caches. */
  readonly lists: string;
  readonly cache: string;
  /** Other sources than the host's; their folder is then not read at all. */
  readonly sourceList?: string;
  /** Options of the host, from `readHostOptions`. */
  readonly host: readonly AptOption[];
  /** Further options, written last: they win. */
  readonly options?: readonly AptOption[];
}

/**
 * Options of the host that change which lists are read, how they are fetched, or which version is the candidate
 * (apt.conf(5)). Everything else stays behind: hooks, sandboxing, cleaning, index targets that are not packages.
 */
const KEPT = ['acquire::', 'apt::architecture', 'apt::default-release', 'apt::machine-id', 'dir::etc::'];
const KEPT_EXACT = [
  'apt::get::always-include-phased-updates',
  'apt::get::never-include-phased-updates',
  'update-manager::always-include-phased-updates',
  'update-manager::never-include-phased-updates',
];
/** Within the kept ones: what is set here, or would start programs or fetch what nobody reads. */
const DROPPED = ['acquire::indextargets', 'acquire::languages', 'dir::etc::parts', 'dir::etc::main'];
const DUMP_DEADLINE_MS = 10_000;
const CONFIG_MODE = 0o600;
/** Ends the name of an option that adds to a list. */
const LIST = '::';

/** The text of the configuration. Values cannot hold a quote or a line end: apt.conf(5) has no escape for them. */
export function renderAptConfig(config: AptConfig): string {
  const sources =
    config.sourceList === undefined
      ? []
      : [
          { name: 'Dir::Etc::sourcelist', value: config.sourceList },
          { name: 'Dir::Etc::sourceparts', value: '/dev/null' },
        ];
  const options: AptOption[] = [
    ...config.host,
    { name: 'Dir', value: folder(config.root) },
    { name: 'Dir::Etc::parts', value: '/dev/null' },
    { name: 'Dir::Etc::main', value: '/dev/null' },
    ...sources,
    { name: 'Dir::State::Lists', value: folder(config.lists) },
    // The default is absolute, so `Dir` alone would still name the database of the host.
    { name: 'Dir::State::status', value: join(config.root, 'var/lib/dpkg/status') },
    { name: 'Dir::Cache', value: folder(config.cache) },
    { name: 'Acquire::Languages', value: 'none' },
    ...(config.options ?? []),
  ];

  // It is read twice (see `underConfig`): each list begins anew.
  const lists = new Set(
    options.filter(({ name }) => name.endsWith(LIST)).map(({ name }) => name.slice(0, -LIST.length)),
  );

  return [
    ...[...lists].map((name) => `#clear ${name};\n`),
    ...options.map(({ name, value }) => `${name} "${plain(name, value)}";\n`),
  ].join('');
}

/**
 * How a program of apt is started under `config`, and only under it. Where APT_CONFIG cannot be read, apt says so in a warning and
 * goes on with the host's configuration, hooks and all; what `-c` names it refuses to start without. So both name the same file.
 */
export function underConfig(config: string, [command = '', ...args]: readonly string[]) {
  return { args: [command, `-c=${config}`, ...args], env: { APT_CONFIG: config } } as const;
}

/** Writes the configuration durably, readable only by the user that apt will run as (it may hold a proxy's password). */
export async function writeAptConfig(path: string, config: AptConfig, user: UnprivilegedUser | null): Promise<void> {
  // Whole and theirs from its first moment: another apt of ours may be reading it now.
  await writeDurable(path, renderAptConfig(config), { mode: CONFIG_MODE, ...(user ? { owner: user } : {}) });
}

/**
 * The kept options of the host's configuration below `root`, read with apt-config, which runs no hook.
 * `scratch` is a path for the small file that names another root. Throws PACKAGE_MANAGER_FAILED and TOOL_MISSING.
 */
export async function readHostOptions(run: Run, root: string, scratch: string): Promise<readonly AptOption[]> {
  await writeDurable(scratch, `Dir "${plain('Dir', folder(root))}";\n`);
  const output = await run({
    file: 'apt-config',
    ...underConfig(scratch, ['dump']),
    deadlineMs: DUMP_DEADLINE_MS,
  });
  if (output.exitCode !== 0) {
    throw new CodedError(
      'PACKAGE_MANAGER_FAILED',
      `apt-config cannot read the host's settings: ${output.stderr.trim()}`,
    );
  }

  return parseDump(output.stdout).filter(isKept);
}

/*
 * Output of `apt-config dump`, a line per option; a list shows its head with an empty value first:
 *   Acquire::http::Proxy "http://proxy.example.org:3128";
 *   APT::Architectures "";
 *   APT::Architectures:: "amd64";
 */
export function parseDump(text: string): readonly AptOption[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const match = /^(\S+) "(.*)";$/.exec(line);
      if (!match?.[1]) throw new CodedError('PARSE', `apt-config printed a line that is not understood: ${line}`);

      return { name: match[1], value: match[2] ?? '' };
    });
}

function isKept({ name, value }: AptOption): boolean {
  const lower = name.toLowerCase();
  if (DROPPED.some((dropped) => lower.startsWith(dropped))) return false;
  // Heads of lists and options without a value say nothing.
  if (value === '') return false;

  return KEPT_EXACT.includes(lower) || KEPT.some((prefix) => lower.startsWith(prefix));
}

function folder(path: string): string {
  return path.endsWith('/') ? path : `${path}/`;
}

function plain(name: string, value: string): string {
  if (/["\n\r]/.test(value)) {
    throw new CodedError('SETTINGS_INVALID', `the apt option ${name} holds a quote or a line end`);
  }

  return value;
}

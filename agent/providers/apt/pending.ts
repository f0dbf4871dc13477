// Pending updates from the agent's own lists: exactly what `apt list --upgradable` counts, with what an admin asks next.
// The answer is kept beside the lists; while nothing changed no process is started. It never touches the network.
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import type { InstalledPackage, PendingUpdate, Repository } from '@selvage/shared/model/package.ts';
import { printedSuite } from '@selvage/shared/packages/apt-repositories.ts';
import { parseStanzas, type Stanza } from '@selvage/shared/packages/deb822.ts';
import { readSource } from '@selvage/shared/packages/dpkg-status.ts';
import { underConfig } from './apt-config.ts';
import { type AskApt, indexesIn, readRecords } from './index-records.ts';
import { type AnswerDeps, fingerprint, keepAnswer, readAnswer } from './pending-answer.ts';
import { type Policy, parsePolicy, parseUpgradable, type Upgradable } from './pending-output.ts';
import type { RefreshDeps } from './refresh.ts';

export interface PendingDeps extends AnswerDeps {
  readonly installed: () => Promise<readonly InstalledPackage[]>;
  /** Writes the configuration for apt; called only when the kept answer does not hold. */
  readonly prepare: () => Promise<RefreshDeps>;
}

/** Building apt's cache from all lists takes about a second on a small machine. */
const QUERY_DEADLINE_MS = 120_000;
const OUTPUT_LIMIT = 64 * 1024 * 1024;
/** Names per call, far below the kernel's limit for arguments. */
const NAMES_PER_CALL = 500;
/** A phased update that has reached everybody is one like any other. */
const ALL_MACHINES = 100;

/** Throws PACKAGE_MANAGER_FAILED when apt fails, PARSE when its output is not understood to the last line. */
export async function readPending(deps: PendingDeps): Promise<readonly PendingUpdate[]> {
  const of = await fingerprint(deps);
  const kept = await readAnswer(deps.workspace.pending, of);
  if (kept) return kept;

  const pending = await ask(deps);
  await keepAnswer(deps.workspace.pending, of, pending);

  return pending;
}

/** Programs of apt on the agent's own lists. A run that fails is PACKAGE_MANAGER_FAILED. */
export function createAskApt(own: RefreshDeps): AskApt {
  return async (file, args, options = {}) => {
    const output = await own.run({
      file,
      ...underConfig(own.workspace.config, args),
      cwd: '/',
      deadlineMs: QUERY_DEADLINE_MS,
      outputLimit: OUTPUT_LIMIT,
      ...own.user,
      ...options,
    });
    if (output.exitCode !== 0) {
      throw new CodedError(
        'PACKAGE_MANAGER_FAILED',
        `${file} ${args[0]} ended with ${output.exitCode}: ${output.stderr.trim()}`,
      );
    }

    return output.stdout;
  };
}

async function ask(deps: PendingDeps): Promise<readonly PendingUpdate[]> {
  const own = await deps.prepare();
  const apt = createAskApt(own);

  // Side by side: apt builds its cache with one processor, and only what is installed can be upgradable.
  const [upgradable, { installed, records }] = await Promise.all([
    apt('apt', ['list', '--upgradable']).then(parseUpgradable),
    deps.installed().then(async (packages) => {
      const { lists } = deps.workspace;
      const names = new Set(packages.map(({ name }) => name));

      return {
        installed: packages,
        records: await readRecords(apt, { lists, indexes: await indexesIn(lists), names }),
      };
    }),
  ]);
  const native = own.host.find(({ name }) => name === 'APT::Architecture')?.value ?? '';
  const asked = upgradable.map((update) => {
    const { name, arch } = update;

    return { update, selector: arch === native || arch === 'all' ? name : `${name}:${arch}` };
  });
  const policies = await readPolicies(apt, asked);
  const lacking = asked.filter(({ update }) => records.find(update) === null);
  const shown = await showRecords(apt, lacking);
  const heldOf = new Map(installed.map(({ name, arch, held }) => [`${name}:${arch}`, held]));

  return asked.map(({ update, selector }) => {
    const policy = policies.get(selector);
    const record = records.find(update) ?? shown.get(`${update.name} ${update.candidate} ${update.arch}`);
    if (!policy || !record)
      throw new CodedError('PARSE', `apt lists ${update.name} but shows no record of its candidate`);

    // An architecture may change between versions (any → all): then the name decides.
    const held = heldOf.get(`${update.name}:${update.arch}`) ?? heldOf.get(`${update.name}:all`) ?? false;

    return describe(update, policy, record, { repositories: deps.repositories, held });
  });
}

interface Asked {
  readonly update: Upgradable;
  /** As apt takes it on its command line. */
  readonly selector: string;
}

async function readPolicies(apt: AskApt, asked: readonly Asked[]): Promise<ReadonlyMap<string, Policy>> {
  const policies = new Map<string, Policy>();

  for (const part of parts(asked)) {
    const text = await apt('apt-cache', ['policy', '--', ...part.map(({ selector }) => selector)]);
    for (const [name, policy] of parsePolicy(text)) policies.set(name, policy);
  }

  return policies;
}

/** What the indexes do not say in so many words. */
async function showRecords(apt: AskApt, asked: readonly Asked[]): Promise<ReadonlyMap<string, Stanza>> {
  const records = new Map<string, Stanza>();

  for (const part of parts(asked)) {
    const exact = part.map(({ update, selector }) => `${selector}=${update.candidate}`);
    const text = await apt('apt-cache', ['show', '--', ...exact]);
    for (const record of parseStanzas(text, { file: 'apt-cache show', comments: false })) {
      records.set(recordKey(record), record);
    }
  }

  return records;
}

function* parts(asked: readonly Asked[]): Generator<readonly Asked[]> {
  for (let start = 0; start < asked.length; start += NAMES_PER_CALL) yield asked.slice(start, start + NAMES_PER_CALL);
}

function describe(
  update: Upgradable,
  policy: Policy,
  { fields }: Stanza,
  facts: { readonly repositories: readonly Repository[]; readonly held: boolean },
): PendingUpdate {
  const { name, arch, installed, candidate } = update;
  if (policy.candidate !== candidate) {
    throw new CodedError('PARSE', `apt names two candidates for ${name}: ${candidate} and ${policy.candidate}`);
  }

  const serving = (origins: readonly string[]) =>
    facts.repositories.filter((repository) => origins.some((origin) => isOf(origin, repository)));
  const chosen = policy.versions.find(({ version }) => version === candidate);
  const servingCandidate = serving(chosen?.origins ?? []);
  if (servingCandidate.length === 0) {
    throw new CodedError('PARSE', `no enabled repository serves ${name} ${candidate}, which apt would install`);
  }

  // The table runs from the newest to the oldest version: what lies between is newer than the one installed.
  const from = policy.versions.findIndex(({ version }) => version === candidate);
  const to = policy.versions.findIndex((version) => version.installed);
  const between = policy.versions.slice(from, to < 0 ? undefined : to);
  const source = readSource(fields.get('source'), { name, version: candidate }, 'apt-cache show');
  const size = fields.get('size');
  const phased = fields.get('phased-update-percentage');
  const share = chosen?.phased ?? (phased === undefined ? null : Number(phased));
  // Archives phase updates; the same version from a security repository reaches everyone (apt, ShouldKeep).
  const isPhased = !servingCandidate.some(({ security }) => security);

  return {
    provider: 'apt',
    name,
    arch,
    source: source.name,
    installed,
    candidate,
    candidateSourceVersion: source.version,
    repositories: servingCandidate.map(({ id }) => id),
    security: between.some(({ origins }) => serving(origins).some(({ security }) => security)),
    held: facts.held,
    phased: isPhased && share !== null && share < ALL_MACHINES ? share : null,
    downloadBytes: size === undefined ? null : Number(size),
  };
}

/** `http://deb.debian.org/debian bookworm/main amd64 Packages`, or `http://flat.example.org/x ./ Packages`. */
function isOf(origin: string, { uri, suite, components }: Repository): boolean {
  const heads =
    components.length === 0 ? [printedSuite(suite)] : components.map((component) => `${suite}/${component}`);

  return heads.some((head) => origin.startsWith(`${uri} ${head} `));
}

function recordKey({ fields }: Stanza): string {
  return `${fields.get('package')} ${fields.get('version')} ${fields.get('architecture')}`;
}

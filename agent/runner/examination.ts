// After an installation, or what is left of one: look at the host and say what really is. An exit code proves nothing here,
// and nothing is changed.
import { asCoded } from '@selvage/shared/errors/coded-error.ts';
import type { Code } from '@selvage/shared/errors/codes.ts';
import { CODES } from '@selvage/shared/errors/codes.ts';
import type { InstalledPackage } from '@selvage/shared/model/package.ts';
import type { RunResult } from '@selvage/shared/model/result.ts';
import type { Evidence, Parts } from './deps.ts';
import type { Intent } from './journal.ts';
import { isBroken, isSamePackage } from './planner.ts';
import { report, type Told } from './telling.ts';

export interface Problem {
  readonly code: Code;
  readonly message: string;
}

/** An approval that did not succeed is started at most this often; then only a new approval helps. */
const MAX_ATTEMPTS = 3;
/** The installer, or the last look at the clock, said so before the host was touched. */
const NOT_STARTED: readonly Code[] = [
  'MIRROR_REFUSED',
  'REPOSITORY_ROLLED_BACK',
  'NOT_FETCHED',
  'WINDOW_CLOSED',
  'NOT_YET_DUE',
  'APPROVAL_EXPIRED',
  'ACT_UNTIL_PASSED',
  'CLOCK_WRONG',
  'PACKAGE_MANAGER_LOCKED',
  'DISK_FULL',
];

/** Takes a fresh inventory, compares exact versions and states, and writes the signed result. */
export async function conclude(parts: Parts, intent: Intent, problem: Problem | null, log: string): Promise<RunResult> {
  parts.installed.drop();
  const look = await installedNow(parts);
  if ('unreadable' in look) return unprovable(parts, intent, look.unreadable, log);
  const { installed } = look;
  const rows = intent.packages.map((wanted) => ({
    wanted,
    have:
      installed.find((item) => isSamePackage(item, wanted) && item.arch === wanted.arch) ??
      installed.find((item) => isSamePackage(item, wanted)),
  }));
  const unproven = rows.filter(({ wanted, have }) => have?.version !== wanted.version || isBroken(have));
  const broken = rows.some(({ have }) => have !== undefined && isBroken(have));
  const unchanged = !broken && isAsBefore(intent, installed);
  const { evidence, note } = await evidenceOf(
    parts,
    rows.flatMap(({ have }) => have ?? []),
  );
  const facts = runFactsOf(intent);
  const told = (outcome: Told['outcome'], why: Problem | null): Told => ({
    outcome,
    problem: why,
    transaction: intent.transaction,
    evidence,
    log: `${log}${note}`,
  });
  const remember = (outcome: Told['outcome'], code: Code | null, attempts: number, final: boolean) => ({
    approval: intent.approval,
    outcome,
    code,
    attempts,
    final,
  });

  if (unproven.length === 0) {
    return report(parts, facts, told('installed', null), remember('installed', null, intent.attempt, true));
  }

  if (problem !== null && unchanged && NOT_STARTED.includes(problem.code)) {
    const outcome = CODES[problem.code].rule === 'retry' ? 'waiting' : 'refused';

    return report(parts, facts, told(outcome, problem), remember(outcome, problem.code, intent.attempt - 1, false));
  }

  const why = problem ?? { code: 'VERIFY_FAILED', message: 'the installation ended without an error' };
  const message = `${why.message}; ${unproven.map(({ wanted, have }) => `${wanted.name} is ${describe(have)}, approved is ${wanted.version}`).join('; ')}`;
  // A host that is not whole, or was tried often enough, waits for a person.
  const final = broken || intent.attempt >= MAX_ATTEMPTS;

  return report(
    parts,
    facts,
    told('failed', { code: why.code, message }),
    remember('failed', why.code, intent.attempt, final),
  );
}

async function installedNow(
  parts: Parts,
): Promise<{ readonly installed: readonly InstalledPackage[] } | { readonly unreadable: Problem }> {
  try {
    return { installed: await parts.installed.get() };
  } catch (error) {
    const { code, message } = asCoded(error);
    if (code !== 'PACKAGE_DATABASE_INVALID') throw error;

    return { unreadable: { code, message } };
  }
}

/** A database that cannot be read proves nothing: it is said, and a person has to look before anything more is tried. */
async function unprovable(parts: Parts, intent: Intent, problem: Problem, log: string): Promise<RunResult> {
  const { approval, attempt: attempts, transaction } = intent;
  const message = `what is installed cannot be told after the installation: ${problem.message}`;

  return report(
    parts,
    runFactsOf(intent),
    { outcome: 'failed', problem: { code: problem.code, message }, transaction, evidence: null, log },
    { approval, outcome: 'failed', code: problem.code, attempts, final: true },
  );
}

function isAsBefore(intent: Intent, installed: readonly InstalledPackage[]): boolean {
  return intent.before.every(({ name, arch, version }) =>
    installed.some((item) => item.name === name && item.arch === arch && item.version === version),
  );
}

function describe(have: InstalledPackage | undefined): string {
  if (have === undefined) return 'not installed';

  return isBroken(have) ? `${have.state} at ${have.version}` : `at ${have.version}`;
}

/** What could not be looked at is said in the log; it is not guessed, and it does not hide what is installed. */
async function evidenceOf(
  parts: Parts,
  packages: readonly InstalledPackage[],
): Promise<{ readonly evidence: RunResult['evidence']; readonly note: string }> {
  let seen: Evidence;
  try {
    seen = await parts.deps.evidence();
  } catch (error) {
    const { code, message } = asCoded(error);
    parts.deps.log.warn({ error }, 'no evidence about processes and reboot');

    return { evidence: null, note: `\nevidence about processes and reboot is missing: ${code}: ${message}\n` };
  }

  const rows = packages.map(({ name, arch, version, state }) => ({ name, arch, version, state }));

  return { evidence: { packages: rows, ...seen }, note: '' };
}

function runFactsOf(intent: Intent) {
  const { packages: _packages, removes: _removes, before: _before, transaction: _transaction, ...facts } = intent;

  return facts;
}

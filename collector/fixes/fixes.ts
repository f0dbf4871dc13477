// Turns the pending updates of all hosts into fixes: one source package at one version, with what each host needs of it
// and where it stands. Pure. It says what is known only: no update listed is not the same as fixed.
import type { HostId } from '@selvage/shared/model/ids.ts';
import type { PackageVersion, PendingUpdate, ProviderName } from '@selvage/shared/model/package.ts';
import type { RunResult } from '@selvage/shared/model/result.ts';
import type { ApprovalDocument } from '@selvage/shared/policy/documents.ts';
import type { StoredResult } from '../store/ports.ts';
import { compareInstants, type Decision, decide } from './decision.ts';
import type { Fix, FixHost, FixState, HostPackages, HostUpdates } from './fix.ts';
import { whyUnknown } from './hosts.ts';

/** What is gathered of one fix before the hosts are judged. */
interface Gathered {
  readonly provider: ProviderName;
  readonly source: string;
  readonly version: string;
  readonly packages: Map<string, PackageVersion>;
  readonly pending: Map<HostId, PendingUpdate[]>;
  /** Newest result of each host. */
  readonly results: Map<HostId, StoredResult>;
  readonly approvals: ApprovalDocument[];
}

/**
 * All fixes that some host needs, that were decided upon or that a runner reported: security first, then those with most
 * undecided hosts. `results` and `approvals` may be of any fix. Without `now` no approval counts as expired.
 */
export function fixesOf(...facts: Parameters<typeof fixSteps>): readonly Fix[] {
  const steps = fixSteps(...facts);
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
  }
}

/** The same, for whoever has other things to do between: hosts times fixes are millions. */
export function* fixSteps(
  updatesPerHost: readonly HostUpdates[],
  packagesPerHost: readonly HostPackages[],
  results: readonly StoredResult[],
  approvals: readonly ApprovalDocument[],
  now?: Temporal.Instant,
): Generator<void, readonly Fix[]> {
  const packages = new Map(packagesPerHost.map((host) => [host.id, host.packages]));
  // Worked out once per host, not once per fix.
  const seen: (Omit<Seen, 'packages'> & { readonly bySource: Map<string, Seen['packages'] & object> | null })[] = [];
  for (const host of updatesPerHost) {
    const all = packages.get(host.id) ?? null;
    seen.push({ host, unknown: whyUnknown(host), bySource: all && Map.groupBy(all, sourceOf) });
    yield;
  }
  const fixes: { readonly fix: Fix; readonly open: number }[] = [];

  for (const gathered of (yield* gather(updatesPerHost, results, approvals)).values()) {
    const { provider, source, version } = gathered;
    const decision = decide(gathered.approvals, now);
    const key = sourceOf(gathered);
    const hosts: FixHost[] = [];
    for (const { host, unknown, bySource } of seen) {
      const judged = judge({ host, unknown, packages: bySource && (bySource.get(key) ?? []) }, gathered, decision);
      if (judged) hosts.push({ id: host.id, name: host.name, ...judged });
    }
    const fix = {
      id: `${source}@${version}`,
      provider,
      source,
      version,
      security: [...gathered.pending.values()].flat().some(({ security }) => security),
      packages: [...gathered.packages.values()].sort(byPackage),
      hosts: hosts.sort((a, b) => compareText(a.name, b.name) || compareText(a.id, b.id)),
      approval: decision.approval,
    };
    fixes.push({ fix, open: countOf(fix, 'open') });
    yield;
  }

  return fixes
    .sort(
      ({ fix: a, ...one }, { fix: b, ...other }) =>
        Number(b.security) - Number(a.security) ||
        other.open - one.open ||
        compareText(a.id, b.id) ||
        compareText(a.provider, b.provider),
    )
    .map(({ fix }) => fix);
}

/** Whether an installed package matters to any fix of these; of `packagesPerHost` nothing else need be given. */
export function concernedBy(
  updatesPerHost: readonly HostUpdates[],
  results: readonly StoredResult[],
  approvals: readonly ApprovalDocument[],
): (one: { readonly provider: ProviderName; readonly source: string }) => boolean {
  const sources = new Set<string>();
  for (const { updates } of updatesPerHost) {
    if (updates?.known) for (const update of updates.pending) sources.add(sourceOf(update));
  }
  for (const { fix } of approvals) sources.add(sourceOf(fix));
  for (const { result } of results) sources.add(sourceOf({ provider: result.provider, source: result.fix.source }));

  return (one) => sources.has(sourceOf(one));
}

/** Number of hosts of a fix in a state. */
export function countOf(fix: Fix, state: FixState): number {
  return fix.hosts.filter((host) => host.state === state).length;
}

function* gather(
  updatesPerHost: readonly HostUpdates[],
  results: readonly StoredResult[],
  approvals: readonly ApprovalDocument[],
): Generator<void, ReadonlyMap<string, Gathered>> {
  const all = new Map<string, Gathered>();
  const fix = (provider: ProviderName, source: string, version: string): Gathered => {
    const key = JSON.stringify([provider, source, version]);
    const found = all.get(key) ?? {
      provider,
      source,
      version,
      packages: new Map(),
      pending: new Map(),
      results: new Map(),
      approvals: [],
    };
    all.set(key, found);

    return found;
  };

  for (const { id, updates } of updatesPerHost) {
    if (!updates?.known) continue;
    for (const update of updates.pending) {
      const { packages, pending } = fix(update.provider, update.source, update.candidateSourceVersion);
      addPackage(packages, { name: update.name, version: update.candidate, arch: update.arch });
      pending.set(id, [...(pending.get(id) ?? []), update]);
    }
    yield;
  }
  for (const approval of approvals) {
    const found = fix(approval.fix.provider, approval.fix.source, approval.fix.version);
    for (const one of approval.packages) addPackage(found.packages, one);
    found.approvals.push(approval);
  }
  for (const result of results) {
    const { provider, fix: named } = result.result;
    const newest = fix(provider, named.source, named.version).results;
    const other = newest.get(result.host);
    if (!other || isNewer(result, other)) newest.set(result.host, result);
  }

  return all;
}

type Judged = Pick<FixHost, 'state' | 'reason'>;

interface Seen {
  readonly host: HostUpdates;
  readonly unknown: string | null;
  /** Those of the fix's source; null when it is not known what is installed. */
  readonly packages: HostPackages['packages'];
}

/** Where a host stands with a fix; null when the fix does not concern it. */
function judge({ host, unknown, packages }: Seen, gathered: Gathered, decision: Decision): Judged | null {
  const result = gathered.results.get(host.id)?.result ?? null;
  if (unknown !== null) {
    const concerned = packages === null || result !== null || packages.length > 0;

    return concerned ? { state: 'unknown', reason: unknown } : null;
  }

  const pending = gathered.pending.get(host.id) ?? null;
  // What the host looks like now is believed over what a runner reported before.
  const outdated = result !== null && host.takenAt !== null && compareInstants(host.takenAt, result.finishedAt) > 0;
  if (!pending && hasFix(packages, gathered)) {
    return { state: 'installed', reason: result && !outdated ? leftToDo(result) : null };
  }
  const again = pending && undecided(decision, heldOf(pending));
  if (!result) return again;

  return judgeResult(result, outdated, again, decision);
}

function judgeResult(
  result: RunResult,
  outdated: boolean,
  /** Where it stands without the result; null: it is not pending. */
  again: Judged | null,
  decision: Decision,
): Judged | null {
  const reason = result.problem?.message ?? null;

  switch (result.outcome) {
    case 'installed':
    case 'already':
      return again && outdated ? again : { state: 'installed', reason: leftToDo(result) };
    case 'not-needed':
      return again;
    case 'waiting':
    case 'planned':
      return decision.verdict === 'approved' && !decidedAfter(decision, result) ? { state: 'waiting', reason } : again;
    case 'refused':
      // A new decision is needed, or was made since: the old refusal is no longer where it stands.
      if (again && decision.verdict === 'open') return { ...again, reason: again.reason ?? reason };

      return again && decidedAfter(decision, result) ? again : { state: 'refused', reason };
    case 'failed':
      return again && decidedAfter(decision, result) ? again : { state: 'failed', reason };
  }
}

/**
 * Where a host stands of which only this is known: that it still lists the fix, and what its runner said last. The same answer as
 * `fixesOf` gives for it.
 */
export function standOf(
  host: { readonly takenAt: string; readonly held: readonly string[] },
  result: RunResult | null,
  decision: Decision,
): Judged {
  const again = undecided(decision, host.held);
  if (result === null) return again;

  return judgeResult(result, compareInstants(host.takenAt, result.finishedAt) > 0, again, decision) ?? again;
}

function decidedAfter({ approval }: Decision, { finishedAt }: RunResult): boolean {
  return approval !== null && compareInstants(approval.approvedAt, finishedAt) > 0;
}

/** What still runs the old code after an installation, null when nothing does. */
function leftToDo({ evidence }: RunResult): string | null {
  const stale = [...new Set((evidence?.staleProcesses ?? []).map(({ program, service }) => service ?? program))];
  const left = [
    ...(stale.length > 0 ? [`restart ${stale.join(', ')}`] : []),
    ...(evidence?.rebootRequired ? ['reboot'] : []),
  ];

  return left.length > 0 ? left.join('; ') : null;
}

function heldOf(pending: readonly PendingUpdate[]): readonly string[] {
  return pending.filter((update) => update.held).map(({ name }) => name);
}

/** A pending fix of which the host has reported nothing that counts. */
function undecided({ verdict, approval }: Decision, held: readonly string[]): Judged {
  if (verdict === 'refused') return { state: 'refused', reason: approval?.reason ?? null };

  return { state: verdict, reason: held.length > 0 ? `held on the host: ${held.join(', ')}` : null };
}

/**
 * True when what is installed of the fix's packages has exactly the fix's versions, and something is. Only those names
 * count: older kernels of the same source stay installed beside the new one.
 */
function hasFix(packages: HostPackages['packages'], gathered: Gathered): boolean {
  if (packages === null || packages.length === 0) return false;
  const wanted = [...gathered.packages.values()];
  const installed = packages.filter((one) => wanted.some(({ name, arch }) => name === one.name && arch === one.arch));

  return (
    installed.length > 0 &&
    installed.every(
      ({ name, arch, version, state }) =>
        state === 'installed' && gathered.packages.has(keyOf({ name, arch, version })),
    )
  );
}

/** Names of providers hold no spaces. */
function sourceOf({ provider, source }: { readonly provider: ProviderName; readonly source: string }): string {
  return `${provider} ${source}`;
}

/** Of one host. */
export function isNewer(one: StoredResult, other: StoredResult): boolean {
  return (
    compareInstants(one.receivedAt, other.receivedAt) > 0 ||
    (one.receivedAt === other.receivedAt && one.result.number >= other.result.number)
  );
}

function addPackage(packages: Map<string, PackageVersion>, { name, version, arch }: PackageVersion): void {
  packages.set(keyOf({ name, arch, version }), { name, version, arch });
}

function keyOf({ name, arch, version }: PackageVersion): string {
  return JSON.stringify([name, arch, version]);
}

function byPackage(a: PackageVersion, b: PackageVersion): number {
  return compareText(a.name, b.name) || compareText(a.arch, b.arch) || compareText(a.version, b.version);
}

/** By code unit: the same order on every machine, whatever its language. */
function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

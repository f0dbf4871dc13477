// Compares a report of another scanner with what is known here, and keeps what it said of each machine. Nothing here changes a finding:
// a scanner that says otherwise is shown beside it.
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import { sha256 } from '@selvage/shared/files/canonical.ts';
import type { Timestamp } from '@selvage/shared/model/ids.ts';
import type { ApiDeps } from '../api/deps.ts';
import { inTurns } from '../api/in-turns.ts';
import type { Machine } from '../findings/fleet.ts';
import { openOf } from '../findings/join.ts';
import { packagesOf } from '../matching/matching.ts';
import type { Software } from '../matching/software.ts';
import type { PackageName, PackageRules } from '../store/feed-ports.ts';
import type { SoftwareId } from '../store/software-ports.ts';
import type { ScannerReport, ScannerRow } from '../store/vex-ports.ts';
import { invalidReport, type Report } from './format.ts';
import { type Called, type Comparison, hostLabel, joinSteps, type Line, type Matched, matchHosts } from './joining.ts';
import { readReportInThread } from './read-report.ts';

/** Packages whose rules are asked for at once. */
const AT_ONCE = 500;
/** Rows that are kept of one scanner and machine. */
const MAX_KEPT = 20_000;

export interface CompareRequest {
  readonly bytes: Uint8Array;
  /** Name of the file, without folders. */
  readonly file: string;
  /** The machine that a report without names is of. */
  readonly host?: string | undefined;
  /** `admin:NAME`. */
  readonly by: string;
}

export interface Compared extends Comparison {
  readonly scanner: string;
  readonly format: string;
  readonly withoutCve: number;
  readonly sha256: string;
  /** False soon after a start: not everything has been matched, answers may be missing, and nothing of it was kept. */
  readonly complete: boolean;
}

type Deps = Pick<ApiDeps, 'store' | 'fleet' | 'suppress' | 'clock'>;

/** One after the other: each takes a thread and the memory of its report. Throws SCAN_REPORT_INVALID, NOT_FOUND. */
export function createComparing(deps: Deps): (request: CompareRequest) => Promise<Compared> {
  let last: Promise<unknown> = Promise.resolve();

  return (request) => {
    const mine = last.then(() => compare(deps, request));
    last = mine.catch(() => undefined);

    return mine;
  };
}

async function compare(deps: Deps, request: CompareRequest): Promise<Compared> {
  const { store, fleet, suppress, clock } = deps;
  const report = await readReportInThread(request.bytes);
  const index = fleet();
  const { matched, unknown } = await hostsOf(deps, report, request.host);
  const options = { now: clock.now(), suppressions: suppress() };
  const rules = await rulesFor(deps, matched);
  const comparison = await inTurns(
    joinSteps(matched, unknown, { fleet: index, open: (machine) => openOf(index, machine, options), ...rules }),
  );
  const hash = sha256(request.bytes);
  const { complete } = index;
  const at = clock.now().toString() as Timestamp;
  const reports = complete ? kept(comparison, report, { file: request.file, sha256: hash, at, by: request.by }) : [];
  await store.transaction(async ({ scanners, audit }) => {
    await scanners.put(reports);
    await audit.append({
      ...{ at, actor: request.by, action: 'finding.compared', subject: report.scanner },
      details: {
        ...{ file: request.file, sha256: hash, format: report.format, machines: reports.length },
        ...{ agreed: comparison.agreed.length, answered: comparison.answered.length, open: comparison.open.length },
      },
    });
  });

  return {
    ...comparison,
    ...{ scanner: report.scanner, format: report.format, withoutCve: report.withoutCve, sha256: hash, complete },
  };
}

async function hostsOf(deps: Deps, report: Report, host: string | undefined) {
  const machines = [...deps.fleet().machines.values()];
  if (host === undefined) return matchHosts(report.hosts, await calledBy(deps, machines));
  const [only, ...others] = report.hosts;
  if (only === undefined) return { matched: [], unknown: [] };
  if (others.length > 0)
    throw invalidReport(`it is about ${report.hosts.length} hosts; --host is for a report that names none`);
  const named = machines.filter(({ name, id, key }) => [name, id, key].includes(host));
  const [machine] = named;
  if (machine === undefined) {
    throw new CodedError('NOT_FOUND', `no machine is called ${host}`, { next: 'list them: selvage host list' });
  }
  if (named.length > 1)
    throw new CodedError('NOT_FOUND', `${named.length} machines are called ${host}: name one by its id`);

  return { matched: [{ reported: only, machine }] satisfies Matched[], unknown: [] };
}

/** Names and addresses of all machines, as their newest inventories have them. */
async function calledBy({ store }: Deps, machines: readonly Machine[]): Promise<readonly Called[]> {
  const names = new Map<string, string[]>();
  const addresses = new Map<string, string[]>();
  const imports = new Map((await store.read.imports.list()).map((record) => [record.id, record]));
  for await (const { host, data } of store.read.inventory.eachSection('os'))
    if (data) names.set(`host:${host}`, [data.hostname]);
  for await (const { host, data } of store.read.inventory.eachSection('network')) {
    if (data)
      addresses.set(
        `host:${host}`,
        data.addresses.map(({ address }) => address),
      );
  }
  for (const { name, hostname } of imports.values()) names.set(`import:${name}`, [hostname]);
  for await (const { import: id, data } of store.read.imports.eachSection('network')) {
    const record = imports.get(id);
    if (data && record)
      addresses.set(
        `import:${record.name}`,
        data.addresses.map(({ address }) => address),
      );
  }

  return machines.map((machine) => {
    const all = [machine.name, machine.id ?? '', ...(names.get(machine.key) ?? [])].filter((name) => name !== '');
    const plain = all.map((name) => name.toLowerCase().replace(/\.$/, ''));

    return {
      machine,
      names: [...new Set(plain.flatMap((name) => [name, name.split('.')[0] ?? name]))],
      addresses: (addresses.get(machine.key) ?? []).map((address) => address.toLowerCase()),
    };
  });
}

/** Rules about the reported CVEs only, for every software of the machines and every package that the scanner names. */
async function rulesFor({ store, fleet }: Deps, matched: readonly Matched[]) {
  const index = fleet();
  const wanted = new Set(matched.flatMap(({ reported }) => reported.findings.map(({ cve }) => cve)));
  const packages = new Map<string, PackageName>();
  const ask = (each: PackageName) => packages.set(`${each.ecosystem} ${each.package}`, each);
  await inTurns(
    (function* () {
      const seen = new Set<SoftwareId>();
      for (const { machine, reported } of matched) {
        const ecosystems = new Set<string>();
        for (const { id } of machine.software) {
          const software = index.software(id);
          ecosystems.add(software.ecosystem);
          // The same software is on thousands of machines.
          if (seen.has(id)) continue;
          seen.add(id);
          for (const each of packagesOf(software)) ask(each);
        }
        for (const { package: name } of reported.findings) {
          if (name !== null) for (const ecosystem of ecosystems) ask({ ecosystem, package: name });
        }
        yield;
      }
    })(),
  );
  const found = new Map<string, PackageRules[]>();
  const all = [...packages.values()];
  for (let from = 0; from < all.length; from += AT_ONCE) {
    for (const each of await store.read.feeds.rules(all.slice(from, from + AT_ONCE))) {
      const rules = each.rules.filter(({ cves, record }) => wanted.has(record) || cves.some((cve) => wanted.has(cve)));
      if (rules.length === 0) continue;
      const key = `${each.ecosystem} ${each.package}`;
      found.set(key, [...(found.get(key) ?? []), { ...each, rules }]);
    }
  }

  return {
    rules: (software: Software) =>
      packagesOf(software).flatMap(({ ecosystem, package: name }) => found.get(`${ecosystem} ${name}`) ?? []),
    concerns: (ecosystem: string, name: string, cve: string) =>
      (found.get(`${ecosystem} ${name}`) ?? []).filter(({ rules }) =>
        rules.some(({ cves, record }) => record === cve || cves.includes(cve)),
      ),
  };
}

/** What is kept of it: per machine what the scanner says, and what we answered. */
function kept(
  comparison: Comparison,
  report: Report,
  about: {
    readonly file: string;
    readonly sha256: ReturnType<typeof sha256>;
    readonly at: Timestamp;
    readonly by: string;
  },
): readonly ScannerReport[] {
  const rows = new Map<string, ScannerRow[]>(comparison.machines.map(({ machine }) => [machine, []]));
  const put = (group: ScannerRow['group'], lines: readonly Line[]) => {
    for (const { machine, cve, package: name, answer } of lines) {
      rows.get(machine)?.push({ cve, package: name, group, answer });
    }
  };
  put('agreed', comparison.agreed);
  put('answered', comparison.answered);
  put('open', comparison.open);
  const scanned = new Map(report.hosts.map((host) => [hostLabel(host), host.scannedAt]));

  return [...rows].map(([machine, own]) => {
    const host = comparison.machines.find((each) => each.machine === machine)?.host ?? '';

    return {
      ...{ machine, scanner: report.scanner, scannedAt: scanned.get(host) ?? null, file: about.file },
      ...{ sha256: about.sha256, comparedAt: about.at, comparedBy: about.by, rows: own.slice(0, MAX_KEPT) },
    };
  });
}

// The history of dnf 4 (and yum of RHEL 8 and 9) and of dnf 5: a SQLite file each, read only, with bounds. Times are seconds since
// 1970; the user is the one who logged in, also through sudo.
import { stat } from 'node:fs/promises';
import type { StatementSync } from 'node:sqlite';
import { pathToFileURL } from 'node:url';
import { hasErrno } from '@selvage/shared/files/durable.ts';
import type { Told, ToldChange } from '@selvage/shared/model/changes.ts';
import type { LogProblem } from './logs.ts';
import { toldOf } from './told.ts';

/** 256 MiB: a history of 20 years is a tenth of it. */
const MAX_BYTES = 256 * 1024 * 1024;
/** Milliseconds to wait for a dnf that writes. */
const BUSY_MS = 2000;
/** loginuid of what nobody logged in for: timers, boot. */
const NOBODY = 4_294_967_295;

export interface DnfHistory {
  /** Oldest first, as in a log. */
  readonly told: readonly Told[];
  readonly complete: boolean;
  readonly problems: readonly LogProblem[];
}

interface Flavour {
  /** Newest first: id, began, ended, user, command, failed. */
  readonly transactions: string;
  /** Of transactions from an id on: trans, name, arch, evr, arrives (1: it came, 0: it went). */
  readonly items: string;
}

const EVR = `case when epoch > 0 then epoch || ':' else '' end || version || '-' || release`;

/** Actions of libdnf's TransactionItemAction: 3 downgraded, 5 obsoleted, 7 upgraded, 8 removed, 10 reinstalled went; 11 is no change. */
const DNF4: Flavour = {
  transactions: `select id, dt_begin as began, dt_end as ended, user_id as user, cmdline as command, state = 2 as failed
    from trans order by id desc limit ?`,
  items: `select trans_id as trans, rpm.name as name, rpm.arch as arch, ${EVR} as evr,
      action not in (3, 5, 7, 8, 10) as arrives
    from trans_item join rpm on rpm.item_id = trans_item.item_id
    where trans_id >= ? and action <> 11 and state <> 2 order by trans_item.id desc limit ?`,
};
/** Actions of libdnf5: 5 removed and 6 replaced went; 7 is no change. States: 3 is an error. */
const DNF5: Flavour = {
  transactions: `select id, dt_begin as began, dt_end as ended, user_id as user, description as command, state_id = 3 as failed
    from trans order by id desc limit ?`,
  items: `select trans_id as trans, pkg_name.name as name, arch.name as arch, ${EVR} as evr, action_id not in (5, 6) as arrives
    from trans_item join rpm on rpm.item_id = trans_item.item_id join pkg_name on pkg_name.id = rpm.name_id
      join arch on arch.id = rpm.arch_id
    where trans_id >= ? and action_id <> 7 and state_id <> 3 order by trans_item.id desc limit ?`,
};

export const DNF_FILES: readonly { readonly path: string; readonly flavour: Flavour }[] = [
  { path: 'var/lib/dnf/history.sqlite', flavour: DNF4 },
  { path: 'usr/lib/sysimage/libdnf5/transaction_history.sqlite', flavour: DNF5 },
];

/** `path` is absolute; a file that is not there tells nothing. `users`: uid → name. */
export async function readDnfHistory(
  path: string,
  flavour: Flavour,
  limits: { readonly most: number; readonly changes: number; readonly users: ReadonlyMap<number, string> },
): Promise<DnfHistory> {
  try {
    const facts = await stat(path);
    if (!facts.isFile() || facts.size === 0) return { told: [], complete: true, problems: [] };
    if (facts.size > MAX_BYTES) return failed(path, 'FILE_TOO_LARGE', `it has more than ${MAX_BYTES} bytes`);
  } catch (error) {
    if (hasErrno(error, 'ENOENT', 'ENOTDIR')) return { told: [], complete: true, problems: [] };
    if (hasErrno(error, 'EACCES', 'EPERM')) return failed(path, 'FILE_UNREADABLE', 'only root may read it');
    throw error;
  }

  try {
    return await query(path, flavour, limits);
  } catch (error) {
    // Locked, damaged, of another shape: its own words say which.
    return failed(path, 'FILE_UNREADABLE', error instanceof Error ? error.message : 'it cannot be read');
  }
}

async function query(
  path: string,
  flavour: Flavour,
  { most, changes: mostChanges, users }: Parameters<typeof readDnfHistory>[2],
): Promise<DnfHistory> {
  // Loaded where there is such a file only: most hosts have none.
  const { DatabaseSync } = await import('node:sqlite');
  const location = (await hasJournal(path)) ? path : immutable(path);
  const database = new DatabaseSync(location, { readOnly: true, allowExtension: false, timeout: BUSY_MS });

  try {
    const transactions = rowsOf(database.prepare(flavour.transactions), most + 1);
    const shown = transactions.slice(0, most);
    const oldest = numberOf(shown.at(-1)?.id) ?? 0;
    const items = rowsOf(database.prepare(flavour.items), oldest, mostChanges + 1);
    const byTransaction = Map.groupBy(items.slice(0, mostChanges), ({ trans }) => trans);
    // Of the oldest one that has items some may be missing when there are too many.
    const cut = items.length > mostChanges ? items[mostChanges - 1]?.trans : undefined;
    const told = shown
      .filter(({ id }) => cut === undefined || (numberOf(id) ?? 0) > (numberOf(cut) ?? 0))
      .flatMap((row) => toldOfRow(row, byTransaction.get(row.id ?? null) ?? [], users) ?? [])
      .reverse();

    return { told, complete: transactions.length <= most && cut === undefined, problems: [] };
  } finally {
    database.close();
  }
}

/** dnf 4 leaves what it wrote last in the write-ahead log beside the file. */
async function hasJournal(path: string): Promise<boolean> {
  for (const journal of [`${path}-wal`, `${path}-journal`]) {
    const size = await stat(journal).then(
      (facts) => facts.size,
      () => 0,
    );
    if (size > 0) return true;
  }

  return false;
}

/** Without one nothing is locked or made beside it: looking changes nothing on the host, and needs no right to. */
function immutable(path: string): URL {
  const url = pathToFileURL(path);
  url.search = '?immutable=1';

  return url;
}

type Value = string | number | null;
type Row = Readonly<Record<string, Value>>;

function rowsOf(statement: StatementSync, ...parameters: readonly number[]): readonly Row[] {
  // A number that JavaScript does not have would be an error for all of them.
  statement.setReadBigInts(true);

  return statement
    .all(...parameters)
    .map((row) => Object.fromEntries(Object.entries(row).map(([key, value]) => [key, plainValue(value)])));
}

/** Text and numbers as they are; what else somebody may have put there is nothing. */
function plainValue(value: unknown): Value {
  if (typeof value === 'string') return value;

  return typeof value === 'bigint' && Number.isSafeInteger(Number(value)) ? Number(value) : null;
}

function numberOf(value: Value | undefined): number | null {
  return typeof value === 'number' && Number.isSafeInteger(value) ? value : null;
}

function toldOfRow(row: Row, items: readonly Row[], users: ReadonlyMap<number, string>): Told | null {
  const at = instantOf(numberOf(row.began));
  if (at === null) return null;
  const user = numberOf(row.user);

  return toldOf({
    source: 'dnf',
    beginning: `${row.id} ${row.began}`,
    at,
    endedAt: instantOf(numberOf(row.ended)),
    certain: true,
    actor: user === null || user < 0 || user >= NOBODY ? null : `${users.get(user) ?? 'uid'} (${user})`,
    command: typeof row.command === 'string' && row.command !== '' ? withProgram(row.command) : null,
    problem: row.failed === 1 ? 'dnf ended it with an error' : null,
    changes: changesOf(items),
    identity: [],
  });
}

/** dnf 4 writes its arguments only. */
function withProgram(command: string): string {
  return /^(?:\S*\/)?(?:dnf|yum|microdnf)\S* /.test(`${command} `) ? command : `dnf ${command}`;
}

/** What came and what went of one package is one change; several versions of one (kernels) come and go one by one. */
function changesOf(items: readonly Row[]): readonly ToldChange[] {
  const byPackage = Map.groupBy(items, ({ name, arch }) => `${name} ${arch}`);

  return [...byPackage.values()]
    .flatMap((list): ToldChange[] => {
      const [{ name, arch } = {}] = list;
      if (typeof name !== 'string' || typeof arch !== 'string') return [];
      const versions = (arrives: number) => [
        ...new Set(
          list.flatMap((item) => (item.arrives === arrives && typeof item.evr === 'string' ? [item.evr] : [])),
        ),
      ];
      const [came, went] = [versions(1), versions(0)];
      const [to, from] = [came[0], went[0]];
      if (came.length === 1 && went.length === 1 && to !== undefined && from !== undefined) {
        return [{ name, arch, from, to }];
      }

      return [
        ...came.map((version) => ({ name, arch, from: null, to: version })),
        ...went.map((version) => ({ name, arch, from: version, to: null })),
      ];
    })
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Seconds that are an instant a person would know: a database may hold any number. */
const MAX_SECONDS = 253_402_300_799;

function instantOf(seconds: number | null): string | null {
  if (seconds === null || seconds <= 0 || seconds > MAX_SECONDS) return null;

  return Temporal.Instant.fromEpochMilliseconds(seconds * 1000).toString();
}

function failed(log: string, code: LogProblem['code'], reason: string): DnfHistory {
  return { told: [], complete: false, problems: [{ log, code, reason: reason.slice(0, 300) }] };
}

// Tables hostChanges and hostHistory: changes of packages on hosts, and how far the sections and results they are made of were
// looked at. Times are milliseconds, so that they sort; rows are bounded for each host, and it is said when some were let go.
import type { HostId } from '@selvage/shared/model/ids.ts';
import { z } from 'zod';
import { type ChangeRow, ROW_SOURCES, VERDICTS } from '../history/rows.ts';
import type { ChangeReader, ChangeWriter, HistoryState } from './change-ports.ts';
import { type Db, written } from './dialect.ts';
import * as rows from './rows.ts';

const flag = z.union([z.literal(0), z.literal(1)]).transform((value) => value === 1);
const ms = z.number().int();
/** Bytes of the changes of one row: 8,000 packages. */
const MAX_CHANGES_JSON = 8 * 1024 * 1024;
const packed = z
  .string()
  .max(MAX_CHANGES_JSON)
  .transform((text, context) => {
    try {
      return JSON.parse(text) as unknown;
    } catch {
      context.addIssue({ code: 'custom', message: 'not JSON' });

      return z.NEVER;
    }
  })
  .pipe(z.array(z.tuple([z.string(), z.string(), z.string().nullable(), z.string().nullable()])))
  .transform((list) => list.map(([name, arch, from, to]) => ({ name, arch, from, to })));
const record = z.object({
  id: rows.name,
  source: z.enum(ROW_SOURCES),
  at: ms,
  endedAt: ms.nullable(),
  since: ms.nullable(),
  certain: flag,
  actor: rows.text.nullable(),
  command: rows.text.nullable(),
  run: rows.text.nullable(),
  problem: rows.text.nullable(),
  changes: packed,
  toldAt: ms,
  verdict: z.enum(VERDICTS),
});
const state = z.object({
  told: rows.sha256.nullable(),
  packages: rows.sha256.nullable(),
  packagesAt: ms.nullable(),
  result: ms,
  complete: flag,
  problems: rows.json(z.array(z.object({ log: z.string(), reason: z.string() }))),
  cutAt: ms.nullable(),
  lastOutside: ms.nullable(),
  ledgerDay: ms,
  ledgerEntries: ms,
  unentered: ms,
});
const known = z.object({ id: rows.name, endedAt: ms.nullable(), size: ms });
const outside = z.object({ host: rows.hostId, count: ms, lastAt: ms });
const last = z.object({ host: rows.hostId, lastOutside: ms });
const owner = z.object({ host: rows.hostId });
const counted = z.object({ total: ms });
const oldest = z.object({ id: rows.name, at: ms, size: ms });
const amount = z.object({ total: ms, size: ms });

const COLUMNS = 'id, source, at, endedAt, since, certain, actor, command, run, problem, changes, toldAt, verdict';
const STATE = `
  select told, packages, packagesAt, result, complete, problems, cutAt, lastOutside, ledgerDay, ledgerEntries, unentered
  from hostHistory where host = ?`;
const KNOWN = 'select id, endedAt, size from hostChanges where host = ?';
const NEAR = `select ${COLUMNS} from hostChanges where host = ? and at >= ? order by at`;
const OF_HOST = `
  select ${COLUMNS} from hostChanges where host = ? and at >= ? and verdict <> 'same' order by at desc, id limit ?`;
const UNRESOLVED = `
  select ifnull(min(ifnull(since, at)), 0) as total from hostChanges
  where host = ? and verdict in ('open', 'outside') and toldAt >= ?`;
const OUTSIDE = `
  select host, count(*) as count, max(min(at, toldAt)) as lastAt from hostChanges
  where verdict = 'outside' and toldAt >= ? group by host`;
const LAST_OUTSIDE_OF = `
  select ${COLUMNS} from hostChanges where host = ? and verdict = 'outside' order by min(at, toldAt) desc limit 1`;
const LAST_OUTSIDE = 'select host, lastOutside from hostHistory where lastOutside is not null';
const LATE = `select distinct host from hostChanges where verdict = 'open' and toldAt < ?`;
/** Results that a killed collector left are among the newest; of older ones is asked when their host sends something. */
const BEHIND = `
  select reportSections.host as host from reportSections left join hostHistory on hostHistory.host = reportSections.host
  where name = 'changes' and sha256 is not null and sha256 is not told
  union
  select reportSections.host from reportSections left join hostHistory on hostHistory.host = reportSections.host
  where name = 'packages' and sha256 is not null and sha256 is not packages
  union
  select results.host from results left join hostHistory on hostHistory.host = results.host
  where results.serial > (select max(serial) from results) - 20000 and results.serial > ifnull(hostHistory.result, 0)`;
const BEGIN = `
  insert into hostHistory (host, packages, packagesAt) values (?, ?, ?)
  on conflict (host) do update set
    packages = case when packages is null then excluded.packages else packages end,
    packagesAt = case when packages is null then excluded.packagesAt when packages = ? then ? else packagesAt end`;
const PUT = `
  insert into hostChanges (host, id, source, at, endedAt, since, certain, actor, command, run, problem, size, changes, toldAt, verdict)
  select ?, value ->> 'id', value ->> 'source', value ->> 'at', value ->> 'endedAt', value ->> 'since', value ->> 'certain',
    value ->> 'actor', value ->> 'command', value ->> 'run', value ->> 'problem', value ->> 'size', value ->> 'changes',
    value ->> 'toldAt', value ->> 'verdict'
  from json_each(?) where true
  on conflict (host, id) do update set endedAt = excluded.endedAt, problem = excluded.problem, size = excluded.size,
    changes = excluded.changes, verdict = excluded.verdict`;
const DROP = 'delete from hostChanges where host = ? and id in (select value from json_each(?))';
const COUNT = 'select count(*) as total, ifnull(sum(size), 0) as size from hostChanges where host = ?';
/**
 * What only logs tell of from before the enrollment goes first; what was seen since then goes last. No log tells of what is to come: a
 * time after the collector heard of it would otherwise stay for ever, and push out what is true.
 */
const OLDEST = `
  select id, min(at, toldAt) as at, size from hostChanges where host = ?
  order by case verdict when 'log' then 0 when 'same' then 0 else 1 end, min(at, toldAt), at desc`;
const PUT_STATE = `
  insert into hostHistory (host, told, packages, packagesAt, result, complete, problems, cutAt, lastOutside, ledgerDay, ledgerEntries, unentered)
  values (?, ?, ?, ?, ?, ?, ?, ?, (select max(min(at, toldAt)) from hostChanges where host = ? and verdict = 'outside'), ?, ?, ?)
  on conflict (host) do update set told = excluded.told, packages = excluded.packages, packagesAt = excluded.packagesAt,
    result = excluded.result, complete = excluded.complete, problems = excluded.problems, cutAt = excluded.cutAt,
    lastOutside = excluded.lastOutside, ledgerDay = excluded.ledgerDay, ledgerEntries = excluded.ledgerEntries,
    unentered = excluded.unentered`;

export function changeReader(db: Db): ChangeReader {
  const all = async <S extends z.ZodType>(shape: S, text: string, parameters: readonly unknown[]) =>
    rows.decodeRows(shape, 'hostChanges', (await written(db, text, parameters)).rows);

  return {
    state: async (host) => {
      const [row] = (await written(db, STATE, [host])).rows;

      return row === undefined ? null : rows.decodeRow(state, 'hostHistory', row);
    },
    known: (host) => all(known, KNOWN, [host]),
    near: (host, from) => all(record, NEAR, [host, from]),
    ofHost: (host, { since, limit }) => all(record, OF_HOST, [host, since, limit]),
    unresolvedSince: async (host, toldAfter) => (await all(counted, UNRESOLVED, [host, toldAfter]))[0]?.total || null,
    outside: (since) => all(outside, OUTSIDE, [since]),
    lastOutsideOf: async (host) => (await all(record, LAST_OUTSIDE_OF, [host]))[0] ?? null,
    lastOutside: async () => new Map((await all(last, LAST_OUTSIDE, [])).map((row) => [row.host, row.lastOutside])),
    late: async (before) => (await all(owner, LATE, [before])).map(({ host }) => host),
    behind: async () => (await all(owner, BEHIND, [])).map(({ host }) => host),
  };
}

export function changeWriter(db: Db): ChangeReader & ChangeWriter {
  return {
    ...changeReader(db),
    begin: async (host, { packages, at, before, beforeAt }) => {
      await written(db, BEGIN, [host, packages, packages === null ? null : at, before, beforeAt]);
    },
    put: async (host, list) => {
      if (list.length > 0) await written(db, PUT, [host, JSON.stringify(list.map(rowOf))]);
    },
    drop: async (host, ids) => {
      if (ids.length > 0) await written(db, DROP, [host, JSON.stringify(ids)]);
    },
    trim: (host, most) => trim(db, host, most),
    setState: async (host, put: HistoryState) => {
      const { told, packages, packagesAt, result, complete, problems, cutAt } = put;
      await written(db, PUT_STATE, [
        ...[host, told, packages, packagesAt, result, complete ? 1 : 0, JSON.stringify(problems), cutAt, host],
        ...[put.ledgerDay, put.ledgerEntries, put.unentered],
      ]);
    },
  };
}

async function trim(
  db: Db,
  host: HostId,
  most: { readonly rows: number; readonly changes: number },
): Promise<number | null> {
  const [count] = rows.decodeRows(amount, 'hostChanges', (await written(db, COUNT, [host])).rows);
  let { total, size } = count ?? { total: 0, size: 0 };
  if (total <= most.rows && size <= most.changes) return null;
  const gone: { readonly id: string; readonly at: number }[] = [];
  for (const row of rows.decodeRows(oldest, 'hostChanges', (await written(db, OLDEST, [host])).rows)) {
    if (total <= most.rows && size <= most.changes) break;
    total -= 1;
    size -= row.size;
    gone.push(row);
  }
  await written(db, DROP, [host, JSON.stringify(gone.map(({ id }) => id))]);

  return Math.max(...gone.map(({ at }) => at));
}

function rowOf(row: ChangeRow) {
  const { changes, certain, ...rest } = row;

  return {
    ...rest,
    certain: certain ? 1 : 0,
    size: changes.length,
    changes: JSON.stringify(changes.map(({ name, arch, from, to }) => [name, arch, from, to])),
  };
}

// The floor for ../benches/feed-import.ts: the same files unpacked and parsed with JSON.parse or split, and one bare row written for
// each package, score or entry, with better-sqlite3, the same settings and nothing else, all in one thread.
import { readFileSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { gunzipSync } from 'node:zlib';
import SQLite from 'better-sqlite3';

/** Rows of one transaction. */
const ROWS = 5000;

interface Osv {
  readonly id: string;
  readonly affected: readonly { readonly package: { readonly name: string }; readonly ranges?: unknown }[];
}

const [database = '', ...files] = process.argv.slice(2);
const db = new SQLite(database);
for (const pragma of ['journal_mode = wal', 'synchronous = full']) db.pragma(pragma);
db.exec('create table bare (name text, id text, data text)');
const insert = db.prepare('insert into bare (name, id, data) values (?, ?, ?)');
const began = performance.now();
let pending = 0;

function put(name: string, id: string, data: string): void {
  if (pending === 0) db.exec('begin immediate');
  insert.run(name, id, data);
  pending += 1;
  if (pending < ROWS) return;
  db.exec('commit');
  pending = 0;
}

for (const path of files) {
  const bytes = readFileSync(path);
  const text = (path.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8');
  if (path.includes('csv')) {
    for (const line of text.split('\n')) {
      const [cve = '', score = '', percentile = ''] = line.split(',');
      if (cve.startsWith('CVE-'))
        put('epss', cve, JSON.stringify({ score: Number(score), percentile: Number(percentile) }));
    }
  } else if (path.includes('jsonl')) {
    for (const line of text.split('\n')) {
      if (line === '') continue;
      const record = JSON.parse(line) as Osv;
      for (const { package: named, ranges } of record.affected)
        put(named.name, record.id, JSON.stringify(ranges ?? []));
    }
  } else {
    const { vulnerabilities } = JSON.parse(text) as { vulnerabilities: { cveID: string }[] };
    for (const entry of vulnerabilities) put('kev', entry.cveID, JSON.stringify(entry));
  }
}
if (pending > 0) db.exec('commit');
const tookMs = performance.now() - began;
db.close();
process.stdout.write(`${JSON.stringify({ tookMs, peak: process.resourceUsage().maxRSS * 1024 })}\n`);

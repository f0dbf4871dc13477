// Full inventories committed per second: the collector's intake, many hosts at once as connections hand them over,
// against bare better-sqlite3 writing the same rows in the same transactions to a database with the same settings.
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { systemClock } from '@selvage/shared/time/clock.ts';
import type { Durable, DurableBody } from '@selvage/shared/wire/wire.ts';
import SQLite from 'better-sqlite3';
import { Events } from '../../../collector/events.ts';
import { createIntake } from '../../../collector/intake/intake.ts';
import { AT, hostId, hostSample } from '../../../collector/store/samples.ts';
import { openStore } from '../../../collector/store/store.ts';
import type { Bench } from '../bench.ts';
import { inventoryOf } from '../intake/inventories.ts';
import { median } from '../median.ts';

const HOSTS = 300;
const QUICK_HOSTS = 60;
const RUNS = 3;
const SECOND_MS = 1000;

type Host = { readonly number: number; readonly messages: readonly DurableBody[] };

export const intake: Bench = {
  name: 'intake',
  describe: 'full inventories of 770 packages committed per second',
  run: async (context) => {
    const count = context.quick ? QUICK_HOSTS : HOSTS;
    const hosts = Array.from({ length: count }, (_, index) => ({
      number: index + 1,
      messages: inventoryOf(index + 1),
    }));
    const ours: number[] = [];
    const bare: number[] = [];

    for (let run = 1; run <= RUNS; run++) {
      const mine = await measureOurs(join(context.folder, `ours-${run}.db`), hosts);
      ours.push(mine.perSecond);
      bare.push(await measureBare(join(context.folder, `bare-${run}.db`), hosts, mine.messagesPerTransaction));
      context.say(`run ${run}: ours ${ours.at(-1)?.toFixed(1)}, bare ${bare.at(-1)?.toFixed(1)} inventories a second`);
    }

    return [
      {
        name: 'intake.rate',
        unit: '1/s',
        ours: median(ours),
        peer: { name: 'bare better-sqlite3', value: median(bare) },
        target: { atLeast: 0.7 },
      },
    ];
  },
};

async function measureOurs(file: string, hosts: readonly Host[]) {
  const store = await openStore({ file, clock: systemClock });
  await store.transaction(async (writers) => {
    for (const { number } of hosts) await writers.hosts.add(hostSample(number));
  });
  const work = createIntake({ store, clock: systemClock, events: new Events() });
  const began = performance.now();

  await Promise.all(
    hosts.map(async ({ number, messages }) => {
      for (const [index, message] of messages.entries()) {
        const { refused } = await work.accept(hostId(number), durable(number, index, message));
        if (refused) throw refused;
      }
    }),
  );

  const seconds = (performance.now() - began) / SECOND_MS;
  await store.close();

  return { perSecond: hosts.length / seconds, messagesPerTransaction: 1 };
}

async function measureBare(file: string, hosts: readonly Host[], perTransaction: number): Promise<number> {
  // The collector makes the tables, then the bare connection has the file to itself.
  const store = await openStore({ file, clock: systemClock });
  await store.transaction(async (writers) => {
    for (const { number } of hosts) await writers.hosts.add(hostSample(number));
  });
  await store.close();
  const db = new SQLite(file);
  for (const pragma of ['journal_mode = wal', 'synchronous = full', 'foreign_keys = on']) db.pragma(pragma);
  const write = writer(db);
  const turns = Math.max(...hosts.map(({ messages }) => messages.length));
  const began = performance.now();
  let pending = 0;

  for (let turn = 0; turn < turns; turn++) {
    for (const { number, messages } of hosts) {
      const message = messages[turn];
      if (!message) continue;
      if (pending === 0) db.exec('begin immediate');
      write(number, turn + 1, message);
      pending += 1;
      if (pending < perTransaction) continue;
      db.exec('commit');
      pending = 0;
    }
  }
  if (pending > 0) db.exec('commit');

  const seconds = (performance.now() - began) / SECOND_MS;
  db.close();

  return hosts.length / seconds;
}

function writer(db: SQLite.Database): (host: number, sequence: number, message: DurableBody) => void {
  const section = db.prepare('insert into sections (host, name, sha256, zstdJson) values (?, ?, ?, ?)');
  const report = db.prepare('insert into reports (host, takenAt) values (?, ?)');
  const states = db.prepare('insert into reportSections (host, name, sha256) values (?, ?, ?)');
  const seen = db.prepare('update hosts set lastSeen = ? where id = ?');
  const position = db.prepare(
    'insert into streams (host, stream, sequence) values (?, ?, ?) on conflict do update set sequence = excluded.sequence',
  );

  return (number, sequence, message) => {
    const host = hostId(number);
    if (message.type === 'section') section.run(host, message.name, message.sha256, message.zstdJson);
    if (message.type === 'report') {
      report.run(host, message.takenAt);
      for (const { name, sha256 } of message.sections) states.run(host, name, sha256);
      seen.run(AT, host);
    }
    position.run(host, streamOf(number), sequence);
  };
}

function durable(number: number, index: number, message: DurableBody): Durable {
  return { type: 'durable', stream: streamOf(number), sequence: BigInt(index + 1), message };
}

function streamOf(number: number): string {
  return `inventory:${hostId(number)}`;
}

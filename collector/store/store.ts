// Opens the store: the file, its schema, the one writer with its queue and the reader beside it, and puts the
// tables together behind the ports. Rooms of the collector get the ports; they never see SQL.

import { resolve } from 'node:path';
import type { Clock } from '@selvage/shared/time/clock.ts';
import type SQLite from 'better-sqlite3';
import { adminReader, adminWriter } from './admins.ts';
import { assetReader, assetWriter } from './assets.ts';
import { auditReader, auditWriter } from './audit.ts';
import { changeReader, changeWriter } from './changes.ts';
import { type Db, queriesOn, type Scope } from './dialect.ts';
import { storeFailure } from './failure.ts';
import { feedWriter } from './feed-writer.ts';
import { feedReader } from './feeds.ts';
import { makePrivate, openReader, openWriter, prepareFile } from './file.ts';
import { hostReader, hostWriter } from './hosts.ts';
import { importReader, importWriter } from './imports.ts';
import { inventoryReader, inventoryWriter } from './inventory.ts';
import { assertKnown, migrate } from './migrate.ts';
import { MIGRATIONS } from './migrations.ts';
import { policyReader, policyWriter } from './policy.ts';
import type { Readers, Store, Writers } from './ports.ts';
import { proposalReader, proposalWriter } from './proposals.ts';
import { resultReader, resultWriter } from './results.ts';
import { softwareReader, softwareWriter } from './software.ts';
import { streamReader, streamWriter } from './streams.ts';
import { tokenReader, tokenWriter } from './tokens.ts';
import { tracked } from './tracked.ts';
import { TRANSACTION_DEADLINE_MS, Transactions } from './transactions.ts';
import { scannerReader, scannerWriter, vexReader, vexWriter } from './vex.ts';

export interface StoreOptions {
  /** Path of the database; it and its folder are made when they are missing. */
  readonly file: string;
  readonly clock: Clock;
  /** Refuse instead of making a new one: the home says that there was a database. */
  readonly existing?: boolean;
  /** Looks at what is there; what it throws refuses the database, which is left as it was. */
  readonly verify?: (read: Readers) => Promise<void>;
  readonly transactionDeadlineMs?: number;
  /** Milliseconds that a transaction waits for another program's lock before STORE_BUSY. */
  readonly busyMs?: number;
}

/**
 * Opens or makes the database and brings it to the newest schema. Throws FILE_UNSAFE, STORE_CORRUPT, STORE_NEWER,
 * STORE_BUSY, STORE_FAILED or DISK_FULL; a file that is refused is left as it was.
 */
export async function openStore(options: StoreOptions): Promise<Store> {
  const { clock, existing = false, transactionDeadlineMs = TRANSACTION_DEADLINE_MS } = options;
  // Absolute, so that SQLite never takes a name for something special (":memory:", "file:…").
  const file = resolve(options.file);
  await prepareFile(file, { existing });
  const writer = openWriter(file, (connection) => assertKnown(connection, { migrations: MIGRATIONS, file }));
  let reader: SQLite.Database | undefined;

  try {
    await makePrivate(file);
    migrate(writer, { migrations: MIGRATIONS, clock, file });
    reader = openReader(file);
    // From here on others wait for this thread too: waiting for a lock is the queue's, by timer.
    for (const connection of [writer, reader]) connection.pragma('busy_timeout = 0');
  } catch (error) {
    writer.close();
    throw storeFailure(error, 'opening the database', file);
  }

  const store = assemble(writer, reader, new Transactions(writer, transactionDeadlineMs, options.busyMs));
  try {
    await options.verify?.(store.read);
  } catch (error) {
    // The reader last: a connection that only reads leaves the write-ahead log, which may not be ours, out of the database.
    writer.close();
    reader.close();
    throw error;
  }

  return store;
}

function assemble(writer: SQLite.Database, reader: SQLite.Database, transactions: Transactions): Store {
  const reading: Scope = { open: true, kind: 'reader' };
  // Made once: a transaction of a message would spend more on making them than on all that it asks.
  const writers = writersOn(queriesOn(writer, () => transactions.scope()));
  const follow = tracked(writers, (scope, work) => transactions.within(scope, work));

  return {
    read: readersOn(queriesOn(reader, reading)),
    transaction: (work, options) =>
      transactions.run(async (scope) => {
        const { rooms, settled } = follow(scope);
        const result = await work(rooms);
        settled();

        return result;
      }, options),
    close: async () => {
      await transactions.close();
      reading.open = false;
      // The writer last: the last connection to close moves the write-ahead log into the database.
      reader.close();
      writer.close();
    },
  };
}

function readersOn(db: Db): Readers {
  return {
    hosts: hostReader(db),
    tokens: tokenReader(db),
    admins: adminReader(db),
    streams: streamReader(db),
    inventory: inventoryReader(db),
    results: resultReader(db),
    policy: policyReader(db),
    proposals: proposalReader(db),
    changes: changeReader(db),
    imports: importReader(db),
    assets: assetReader(db),
    feeds: feedReader(db),
    software: softwareReader(db),
    vex: vexReader(db),
    scanners: scannerReader(db),
    audit: auditReader(db),
  };
}

function writersOn(db: Db): Writers {
  return {
    hosts: hostWriter(db),
    tokens: tokenWriter(db),
    admins: adminWriter(db),
    streams: streamWriter(db),
    inventory: inventoryWriter(db),
    results: resultWriter(db),
    policy: policyWriter(db),
    proposals: proposalWriter(db),
    changes: changeWriter(db),
    imports: importWriter(db),
    assets: assetWriter(db),
    feeds: feedWriter(db),
    software: softwareWriter(db),
    vex: vexWriter(db),
    scanners: scannerWriter(db),
    audit: auditWriter(db),
  };
}

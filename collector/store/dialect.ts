// kysely on one open better-sqlite3 connection, for as long as a scope is open. It never begins, commits or rolls back:
// that is the queue's (./transactions.ts), so that no query can open a transaction of its own.

import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import type SQLite from 'better-sqlite3';
import {
  type CompiledQuery,
  type DatabaseConnection,
  type Driver,
  Kysely,
  type QueryResult,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from 'kysely';
import { storeFailure } from './failure.ts';
import type { Tables } from './schema.ts';
import { statement } from './statements.ts';

/** How long queries are allowed: a transaction closes its own at its end, readers when the store closes. */
export interface Scope {
  open: boolean;
  readonly kind: 'reader' | 'transaction';
}

export type Db = Kysely<Tables>;

const connections = new WeakMap<Db, ScopedConnection>();

/**
 * Typed queries over `connection`; each one throws STATE once `scope` is closed. A function is asked before each query
 * for the scope that the query belongs to.
 */
export function queriesOn(connection: SQLite.Database, scope: Scope | (() => Scope | undefined)): Db {
  const scoped = new ScopedConnection(connection, typeof scope === 'function' ? scope : () => scope);
  const db = new Kysely<Tables>({
    dialect: {
      createAdapter: () => new SqliteAdapter(),
      createDriver: () => new ScopedDriver(scoped),
      createIntrospector: (queries) => new SqliteIntrospector(queries),
      createQueryCompiler: () => new SqliteQueryCompiler(),
    },
  });
  connections.set(db, scoped);

  return db;
}

/**
 * Runs a query that is written out in SQL, with `?` for each parameter: for what every message or connection asks, where
 * building the same text anew costs more than the answer. Columns are whatever the text selects; decode them.
 */
export async function written(db: Db, text: string, parameters: readonly unknown[]): Promise<QueryResult<unknown>> {
  const connection = connections.get(db);
  if (!connection) throw new CodedError('INTERNAL', 'these queries have no connection');

  return connection.run(text, parameters);
}

class ScopedDriver implements Driver {
  readonly #connection: ScopedConnection;

  constructor(connection: ScopedConnection) {
    this.#connection = connection;
  }

  async init(): Promise<void> {
    // The connection is open already.
  }

  async acquireConnection(): Promise<DatabaseConnection> {
    return this.#connection;
  }

  async beginTransaction(): Promise<void> {
    throw refused();
  }

  async commitTransaction(): Promise<void> {
    throw refused();
  }

  async rollbackTransaction(): Promise<void> {
    throw refused();
  }

  async releaseConnection(): Promise<void> {
    // There is one connection; nothing to hand back.
  }

  async destroy(): Promise<void> {
    // The store closes the connection it opened.
  }
}

class ScopedConnection implements DatabaseConnection {
  readonly #connection: SQLite.Database;
  readonly #scope: () => Scope | undefined;

  constructor(connection: SQLite.Database, scope: () => Scope | undefined) {
    this.#connection = connection;
    this.#scope = scope;
  }

  async executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
    return this.run<R>(query.sql, query.parameters);
  }

  run<R>(text: string, parameters: readonly unknown[]): QueryResult<R> {
    // Checked in the same tick as the query runs: a query that was not awaited must not land in the next transaction.
    this.#check();

    try {
      const prepared = statement(this.#connection, text);
      if (prepared.reader) return { rows: prepared.all(parameters) as R[] };

      const { changes } = prepared.run(parameters);

      return { rows: [], numAffectedRows: BigInt(changes) };
    } catch (error) {
      throw storeFailure(error, 'a query');
    }
  }

  streamQuery(): never {
    throw new CodedError(
      'NOT_BUILT',
      'streaming queries are not used: a reader held open would pin the write-ahead log',
    );
  }

  #check(): void {
    const scope = this.#scope();
    if (!scope?.open) {
      const ended = scope?.kind === 'reader' ? 'the store was closed' : 'its transaction had ended';
      throw new CodedError('STATE', `a query came after ${ended}`);
    }
    // SQLite itself rolls back on some failures (full disk, I/O); what follows must not run outside the transaction.
    if (scope.kind === 'transaction' && !this.#connection.inTransaction) {
      throw new CodedError('STORE_FAILED', 'the database ended the transaction after a failure before this query');
    }
  }
}

function refused(): CodedError {
  return new CodedError('STATE', 'transactions begin with Store.transaction only');
}

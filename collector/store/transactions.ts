// The one queue in front of the one write connection.
//
// INVARIANTS: transactions run one after the other in the order they were asked for. A transaction is committed before
// its promise resolves; any thrown error rolls back all of it. Nothing of a transaction runs after it has ended.
import { AsyncLocalStorage } from 'node:async_hooks';
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import type SQLite from 'better-sqlite3';
import type { Scope } from './dialect.ts';
import { storeFailure } from './failure.ts';

/** Milliseconds a transaction may stay open: one that waits for something that never comes must not stop all intake. */
export const TRANSACTION_DEADLINE_MS = 30_000;

export class Transactions {
  readonly #connection: SQLite.Database;
  readonly #deadlineMs: number;
  readonly #context = new AsyncLocalStorage<Scope>();
  #last: Promise<unknown> = Promise.resolve();
  #refusal: CodedError | null = null;

  constructor(connection: SQLite.Database, deadlineMs: number) {
    this.#connection = connection;
    this.#deadlineMs = deadlineMs;
  }

  /** Queues `work`. Throws STATE inside another transaction or after `close`, STORE_FAILED when the deadline passes. */
  async run<T>(work: (scope: Scope) => Promise<T>): Promise<T> {
    if (this.#context.getStore()?.open) {
      throw new CodedError('STATE', 'a transaction was asked for inside a transaction: it would wait for itself');
    }
    if (this.#refusal) throw this.#refusal;

    const mine = this.#last.then(() => this.#transact(work));
    // The queue goes on whatever happened to this one; its caller gets the error.
    this.#last = mine.catch(() => undefined);

    return mine;
  }

  /** Refuses new transactions and waits for the queued ones. */
  async close(): Promise<void> {
    this.#refusal ??= new CodedError('STATE', 'the store is closed');
    await this.#last;
  }

  async #transact<T>(work: (scope: Scope) => Promise<T>): Promise<T> {
    const scope: Scope = { open: true, kind: 'transaction' };

    try {
      this.#connection.exec('begin immediate');
      const result = await this.#withDeadline(() => this.#context.run(scope, () => work(scope)));
      scope.open = false;
      if (!this.#connection.inTransaction) {
        throw new CodedError('STORE_FAILED', 'the database ended the transaction after a failure inside it');
      }
      this.#connection.exec('commit');

      return result;
    } catch (error) {
      scope.open = false;
      this.#rollBack();
      throw error instanceof CodedError || !isSqlite(error) ? error : storeFailure(error, 'a transaction');
    }
  }

  #rollBack(): void {
    if (!this.#connection.inTransaction) return;

    try {
      this.#connection.exec('rollback');
    } catch (error) {
      // The connection is in no known state: nothing more may be written through it.
      this.#refusal = storeFailure(error, 'rolling back a transaction');
    }
  }

  async #withDeadline<T>(work: () => Promise<T>): Promise<T> {
    // A real timer on purpose: it guards the process against itself and must not follow a clock that tests move.
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        reject(new CodedError('STORE_FAILED', `a transaction did not end within ${this.#deadlineMs} ms`));
      }, this.#deadlineMs);
      timer.unref();
    });

    try {
      return await Promise.race([work(), late]);
    } finally {
      clearTimeout(timer);
    }
  }
}

function isSqlite(error: unknown): boolean {
  return error instanceof Error && error.name === 'SqliteError';
}

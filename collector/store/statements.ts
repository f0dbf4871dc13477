// Prepared statements of one connection, kept by their SQL: preparing one costs more than running most of them.
import type SQLite from 'better-sqlite3';

/** Statements kept; the rooms ask about a hundred different ones. The one that was used longest ago goes first. */
const MAX_STATEMENTS = 256;

const kept = new WeakMap<SQLite.Database, Map<string, SQLite.Statement>>();

/** The statement for `text` on `connection`. Throws what SQLite says of the text. */
export function statement(connection: SQLite.Database, text: string): SQLite.Statement {
  const statements = kept.get(connection) ?? new Map<string, SQLite.Statement>();
  kept.set(connection, statements);
  const prepared = statements.get(text) ?? connection.prepare(text);
  statements.delete(text);
  statements.set(text, prepared);
  if (statements.size > MAX_STATEMENTS) {
    const [oldest] = statements.keys();
    if (oldest !== undefined) statements.delete(oldest);
  }

  return prepared;
}

// selvage audit verify: recomputes the hash chain of the whole ledger here, and compares it with what was verified last
// time from this folder: a ledger that was cut, or written anew from the start, does not contain that entry any more.

import { CodedError, hasCode } from '@selvage/shared/errors/coded-error.ts';
import type { Command } from 'commander';
import { z } from 'zod';
import { auditHead, auditPage, MAX_AUDIT_PAGE } from '../../api/contract.ts';
import { type Head, START, verifyChain } from '../../audit/chain.ts';
import type { AuditEntry } from '../../store/ports.ts';
import { type Cli, openSession } from '../cli.ts';
import type { Client } from '../client.ts';
import { addAuditList } from './audit-list.ts';

const HEAD_FILE = 'audit-head.json';
const headSchema = z.strictObject({
  sequence: z.number().int().nonnegative(),
  hash: z.string().regex(/^[0-9a-f]{64}$/),
});

export function addAudit(program: Command, cli: Cli): void {
  const noun = program.command('audit').description('the append-only, hash-chained ledger');

  addAuditList(noun, cli);

  noun
    .command('verify')
    .description('recompute the hash chain of the whole ledger, and compare it with the last time')
    .option('--json', 'print one JSON document')
    .action(async (options: { json?: boolean }) => {
      const { client } = await openSession(cli);
      const before = await headBefore(cli);
      const head = await verifyLedger(client, before).catch((error: unknown) => explain(error, before, cli));
      await cli.admin.keep(HEAD_FILE, `${JSON.stringify(head)}\n`);
      if (options.json === true) return cli.screen.json({ ok: true, entries: head.sequence, head, previous: before });

      cli.screen.line(`ledger whole: ${head.sequence} entries, head ${head.hash}`, 'good');
      cli.screen.line(
        before
          ? `  contains what was verified last time: entry ${before.sequence}, ${before.hash.slice(0, 16)}`
          : '  first time from here: later runs will notice entries that are cut off or rewritten',
      );
    });
}

/** After a restore the ledger lacks what came after the backup: true, and a person's to accept. */
function explain(error: unknown, before: Head | null, { admin }: Cli): never {
  if (!hasCode(error, 'AUDIT_BROKEN') || before === null) throw error;
  const { code, message, details } = error;
  const next = `compare with the last exported ledger; if the collector was restored from an older backup, remove ${HEAD_FILE} in ${admin.path} and verify again`;
  throw new CodedError(code, message, { cause: error, next, details });
}

async function headBefore({ admin }: Cli): Promise<Head | null> {
  const bytes = await admin.kept(HEAD_FILE);
  if (!bytes) return null;

  try {
    return headSchema.parse(JSON.parse(Buffer.from(bytes).toString('utf8'))) as Head;
  } catch (error) {
    throw new CodedError('FILE_CORRUPT', `${HEAD_FILE} in ${admin.path} cannot be read`, { cause: error });
  }
}

/** The verified head of the ledger. Throws AUDIT_BROKEN for the first entry that is wrong, or when `known` is gone. */
async function verifyLedger(client: Client, known: Head | null): Promise<Head> {
  // The head first: entries that arrive while pages are read lie behind it.
  const { head: claimed } = await client.get('/v1/audit/head', auditHead);
  let head: Head = START;

  for (;;) {
    const { entries } = await client.get(`/v1/audit?after=${head.sequence}&limit=${MAX_AUDIT_PAGE}`, auditPage);
    // `known` is looked for in the page that should hold it; one past the end is looked for below.
    const expected = known && known.sequence > head.sequence && known.sequence <= head.sequence + entries.length;
    ({ head } = verifyChain(entries as AuditEntry[], { from: head, ...(expected ? { expected: known } : {}) }));
    if (entries.length < MAX_AUDIT_PAGE) break;
  }

  mustContain(head, known);
  mustContain(head, claimed as Head | null);

  return head;
}

function mustContain(head: Head, other: Head | null): void {
  if (!other || other.sequence < head.sequence || (other.sequence === head.sequence && other.hash === head.hash))
    return;

  throw new CodedError(
    'AUDIT_BROKEN',
    `the audit ledger ends at entry ${head.sequence}, but entry ${other.sequence} (${other.hash.slice(0, 16)}) was there`,
    { details: { sequence: head.sequence + 1, wrong: 'cut', known: other.hash } },
  );
}

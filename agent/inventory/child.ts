// The short-lived child that takes the inventory, and its parent's side. One JSON document on the output, complete or none:
// the parent keeps nothing of a child that was killed or printed something else.
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import { CODES, type Code } from '@selvage/shared/errors/codes.ts';
import type { Run } from '@selvage/shared/exec/run.ts';
import { type Inventory, SECTION_NAMES, SECTIONS } from '@selvage/shared/model/inventory.ts';
import { z } from 'zod';
import { collectInventory } from './collect.ts';
import type { InventoryOptions } from './context.ts';

/** All packages of a large host are some MB; the wire bounds sections again. */
const MAX_DOCUMENT_BYTES = 128 * 1024 * 1024;

/** What the child does: takes the inventory and writes it, once, when it is complete. */
export async function printInventory(
  options: InventoryOptions,
  output: { write(text: string, done: (error?: Error | null) => void): unknown },
): Promise<void> {
  const text = `${JSON.stringify(await collectInventory(options))}\n`;
  await new Promise<void>((resolve, reject) => {
    output.write(text, (error) => (error ? reject(error) : resolve()));
  });
}

export interface ChildCommand {
  readonly file: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Milliseconds; past it the child is killed, and nothing is lost but this inventory. */
  readonly deadline: number;
}

/** What the parent does. Throws PROCESS_FAILED, PROCESS_DEADLINE, and PARSE when the document is not whole. */
export async function inventoryFromChild(run: Run, command: ChildCommand): Promise<Inventory> {
  const { stdout } = await run({
    file: command.file,
    args: command.args,
    deadlineMs: command.deadline,
    outputLimit: MAX_DOCUMENT_BYTES,
    check: true,
    ...(command.env === undefined ? {} : { env: command.env }),
  });

  return decodeInventory(stdout);
}

const failed = z.strictObject({
  ok: z.literal(false),
  code: z.enum(Object.keys(CODES) as [Code, ...Code[]]),
  reason: z.string(),
});
const outcomes = Object.fromEntries(
  SECTION_NAMES.map((name) => [
    name,
    z.discriminatedUnion('ok', [z.strictObject({ ok: z.literal(true), data: SECTIONS[name] }), failed]),
  ]),
);
const document = z.strictObject({ takenAt: z.iso.datetime(), sections: z.strictObject(outcomes) });

export function decodeInventory(text: string): Inventory {
  try {
    return document.parse(JSON.parse(text)) as Inventory;
  } catch (error) {
    throw new CodedError('PARSE', 'the inventory of the child is not whole; nothing of it was kept', { cause: error });
  }
}

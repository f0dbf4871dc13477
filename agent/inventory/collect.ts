// Takes one inventory: every section by itself, each whole or with the reason why it is not there. It stores nothing, so a
// child that is killed half-way has lost nothing.
import { asCoded, CodedError } from '@selvage/shared/errors/coded-error.ts';
import {
  type Inventory,
  SECTION_NAMES,
  SECTIONS,
  type SectionName,
  type SectionOutcome,
} from '@selvage/shared/model/inventory.ts';
import type { Clock } from '@selvage/shared/time/clock.ts';
import { createContext, type InventoryContext, type InventoryOptions } from './context.ts';
import { COLLECTORS, type Collectors } from './sections/index.ts';

/** A section that takes longer hangs on something (a dead mount, a stuck program); the others stand. */
const SECTION_DEADLINE_MS = 60_000;

export async function collectInventory(
  options: InventoryOptions,
  collectors: Collectors = COLLECTORS,
): Promise<Inventory> {
  const context = createContext(options);
  const takenAt = options.clock.now().toString();
  const outcomes = await Promise.all(
    SECTION_NAMES.map(async (name) => [name, await collectSection(name, context, collectors)] as const),
  );

  return { takenAt, sections: Object.fromEntries(outcomes) as Inventory['sections'] };
}

async function collectSection<N extends SectionName>(
  name: N,
  context: InventoryContext,
  collectors: Collectors,
): Promise<SectionOutcome<N>> {
  try {
    const data = await withDeadline(collectors[name](context), context.clock, name);
    const checked = SECTIONS[name].safeParse(data);
    if (!checked.success) {
      const [issue] = checked.error.issues;
      throw new CodedError(
        'PARSE',
        `the section ${name} is not what it must be: ${issue?.path.join('.')}: ${issue?.message}`,
      );
    }

    return { ok: true, data };
  } catch (error) {
    const { code, message } = asCoded(error);

    return { ok: false, code, reason: message };
  }
}

async function withDeadline<T>(work: Promise<T>, clock: Clock, name: string): Promise<T> {
  const done = new AbortController();
  const late = clock.sleep(SECTION_DEADLINE_MS, done.signal).then(
    () => {
      throw new CodedError('PROCESS_DEADLINE', `the section ${name} was not taken within ${SECTION_DEADLINE_MS} ms`);
    },
    // Aborted: the work was done in time, and nobody waits for this any more.
    () => new Promise<never>(() => undefined),
  );

  try {
    return await Promise.race([work, late]);
  } finally {
    done.abort();
  }
}

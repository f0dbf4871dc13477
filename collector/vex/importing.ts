// Takes a VEX document of somebody else, word for word, with who brought it, and says what of it is about software that is here.
// A document at its limits has 200,000 products: everything that is done with each of them is done in turns.
// INVARIANT: nothing of a document is kept that was not understood, and nothing is forgotten but by a named admin, in the ledger.
import { extname } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { sha256 } from '@selvage/shared/files/canonical.ts';
import type { Timestamp } from '@selvage/shared/model/ids.ts';
import type { Clock } from '@selvage/shared/time/clock.ts';
import { inTurns } from '../api/in-turns.ts';
import type { Events } from '../events.ts';
import type { Fleet } from '../findings/fleet.ts';
import { inThread } from '../imports/in-thread.ts';
import type { Software } from '../matching/software.ts';
import type { Store } from '../store/ports.ts';
import type { VexDocument, VexProduct, VexStatement } from '../store/vex-ports.ts';
import { statementsOf, type VexInParts } from './parts.ts';
import { isAbout, type PackageFacts, packageOf } from './purl.ts';
import { invalidVex, isOwn } from './shapes.ts';

/** Milliseconds: the largest documents take two seconds. */
const DEADLINE_MS = 30_000;
const MEMORY_MIB = 1024;
const THREAD = new URL(`./vex-thread${extname(import.meta.filename)}`, import.meta.url);
/** Clocks that differ, and dates without a time in the east. */
const MAX_AHEAD_HOURS = 24;
/** Digits of the hash that name a document. */
const ID_DIGITS = 12;
const MAX_SHOWN = 50;

export interface VexImported {
  readonly document: VexDocument;
  /** Statements by status. */
  readonly statuses: Readonly<Record<string, number>>;
  /** Products that name software which some machine here has. */
  readonly applies: number;
  /** Products that do not, and why; kept all the same. */
  readonly elsewhere: readonly { readonly product: string; readonly reason: string }[];
  readonly elsewhereCount: number;
}

export interface VexDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly events: Events;
  readonly fleet: () => Fleet;
}

/** One after the other: each takes a thread and its memory. Throws VEX_INVALID, ALREADY_EXISTS. */
export function createVexImporting(deps: VexDeps) {
  let last: Promise<unknown> = Promise.resolve();

  return (request: {
    readonly bytes: Uint8Array;
    readonly file: string;
    readonly by: string;
  }): Promise<VexImported> => {
    const mine = last.then(() => importVex(deps, request));
    last = mine.catch(() => undefined);

    return mine;
  };
}

async function importVex(
  { store, clock, events, fleet }: VexDeps,
  { bytes, file, by }: { readonly bytes: Uint8Array; readonly file: string; readonly by: string },
): Promise<VexImported> {
  const hash = sha256(bytes);
  // That of 32 MiB takes a turn of its own, and so does handing them to a thread.
  await setImmediate();
  const read = await inThread<VexInParts>({
    file: THREAD,
    message: bytes,
    ...{ deadlineMs: DEADLINE_MS, memoryMib: MEMORY_MIB, refusal: 'VEX_INVALID' as const },
  });
  assertSaid(read, clock.now());
  const now = clock.now().toString() as Timestamp;
  const document: VexDocument = {
    ...{ id: hash.slice(0, ID_DIGITS), format: read.format, document: read.document, version: read.version },
    ...{ author: read.author, at: read.at as Timestamp, file, sha256: hash, importedAt: now, importedBy: by },
    statements: read.statements,
  };
  const statements = await inTurns(statementsOf(read.parts));
  await store.transaction(async ({ vex, audit }) => {
    await vex.add(document, statements);
    await audit.append({
      ...{ at: now, actor: by, action: 'vex.imported', subject: document.id },
      details: {
        ...{ format: read.format, document: read.document, version: read.version, author: read.author, file },
        ...{ sha256: hash, statements: read.statements },
      },
    });
  });
  events.publish({ type: 'vex.changed', document: document.id });
  const products = await inTurns(productsOf(statements));

  const about = isOwn(read)
    ? { applies: 0, elsewhere: [], elsewhereCount: products.size }
    : await inTurns(aboutUs(products.values(), fleet()));

  return { document, statuses: read.statuses, ...about };
}

/** The last word of an author counts: one from the future would be the last whatever its author says afterwards. */
function assertSaid({ latest }: VexInParts, now: Temporal.Instant): void {
  if (Temporal.Instant.compare(latest, now.add({ hours: MAX_AHEAD_HOURS })) <= 0) return;
  throw invalidVex(`it says something at ${latest}, which is not yet`);
}

/** Forgets a document. NOT_FOUND. */
export async function removeVex({ store, clock, events }: VexDeps, id: string, by: string): Promise<void> {
  await store.transaction(async ({ vex, audit }) => {
    await vex.remove(id);
    const at = clock.now().toString() as Timestamp;
    await audit.append({ at, actor: by, action: 'vex.removed', subject: id });
  });
  events.publish({ type: 'vex.changed', document: id });
}

function* aboutUs(products: Iterable<VexProduct>, fleet: Fleet) {
  const elsewhere: { readonly product: string; readonly reason: string }[] = [];
  const counts = { applies: 0, elsewhereCount: 0 };
  for (const product of products) {
    const reason = reasonAgainst(product, fleet);
    if (reason === null) counts.applies += 1;
    else counts.elsewhereCount += 1;
    if (reason !== null && elsewhere.length < MAX_SHOWN) elsewhere.push({ product: product.id, reason });
    yield;
  }

  return { ...counts, elsewhere };
}

/** Each once, by its id; a step for each statement. */
function* productsOf(statements: readonly VexStatement[]): Generator<void, ReadonlyMap<string, VexProduct>> {
  const products = new Map<string, VexProduct>();
  for (const statement of statements) {
    for (const product of statement.products) products.set(product.id, product);
    yield;
  }

  return products;
}

/** Why a product is no software of ours; null when it is. */
function reasonAgainst({ purl, machine }: VexProduct, fleet: Fleet): string | null {
  if (purl === null) return 'it is no package, or a part of another product';
  const facts = packageOf(purl);
  if (facts === null) return 'its package URL is of a kind or release that is not known here';
  if (machine !== null && !fleet.machines.has(machine)) return 'the machine is not known here';

  return candidates(fleet, facts).some((software) => isAbout(facts, software))
    ? null
    : 'no machine has this package in this version';
}

function candidates(fleet: Fleet, { name }: PackageFacts): readonly Software[] {
  return fleet.byName(name).map((software) => fleet.software(software));
}

// Takes a VEX document of somebody else, word for word, with who brought it, and says what of it is about software that is here.
// INVARIANT: nothing of a document is kept that was not understood, and nothing is forgotten but by a named admin, in the ledger.
import { extname } from 'node:path';
import { sha256 } from '@selvage/shared/files/canonical.ts';
import type { Timestamp } from '@selvage/shared/model/ids.ts';
import type { Clock } from '@selvage/shared/time/clock.ts';
import type { Events } from '../events.ts';
import type { Fleet } from '../findings/fleet.ts';
import { inThread } from '../imports/in-thread.ts';
import type { Software } from '../matching/software.ts';
import type { Store } from '../store/ports.ts';
import type { VexDocument, VexProduct, VexStatement } from '../store/vex-ports.ts';
import { isAbout, type PackageFacts, packageOf } from './purl.ts';
import { invalidVex, isOwn, type ReadVex } from './shapes.ts';

/** Milliseconds: the largest documents take two seconds. */
const DEADLINE_MS = 30_000;
const MEMORY_MIB = 1024;
const THREAD = new URL(`./vex-thread${extname(import.meta.filename)}`, import.meta.url);
/** Clocks that differ, and dates without a time in the east. */
const MAX_AHEAD_HOURS = 24;
/** Digits of the hash that name a document. */
const ID_DIGITS = 12;
const MAX_SHOWN = 50;
/** Products of one statement as it is kept; what is said of more is said in several. */
const PRODUCTS_AT_ONCE = 5000;

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
  const read = await inThread<ReadVex>({
    file: THREAD,
    message: bytes,
    ...{ deadlineMs: DEADLINE_MS, memoryMib: MEMORY_MIB, refusal: 'VEX_INVALID' as const },
  });
  assertSaid(read, clock.now());
  const now = clock.now().toString() as Timestamp;
  const document: VexDocument = {
    ...{ id: hash.slice(0, ID_DIGITS), format: read.format, document: read.document, version: read.version },
    ...{ author: read.author, at: read.at as Timestamp, file, sha256: hash, importedAt: now, importedBy: by },
    statements: read.statements.length,
  };
  await store.transaction(async ({ vex, audit }) => {
    await vex.add(document, read.statements.flatMap(divided));
    await audit.append({
      ...{ at: now, actor: by, action: 'vex.imported', subject: document.id },
      details: {
        ...{ format: read.format, document: read.document, version: read.version, author: read.author, file },
        ...{ sha256: hash, statements: read.statements.length },
      },
    });
  });
  events.publish({ type: 'vex.changed', document: document.id });
  const products = new Map(read.statements.flatMap(({ products }) => products.map((each) => [each.id, each] as const)));

  const about = isOwn(read)
    ? { applies: 0, elsewhere: [], elsewhereCount: products.size }
    : aboutUs([...products.values()], fleet());

  return { document, statuses: countBy(read), ...about };
}

/** The last word of an author counts: one from the future would be the last whatever its author says afterwards. */
function assertSaid({ statements, at }: ReadVex, now: Temporal.Instant): void {
  const latest = now.add({ hours: MAX_AHEAD_HOURS });
  const ahead = [at, ...statements.map((statement) => statement.at)].find(
    (each) => Temporal.Instant.compare(each, latest) > 0,
  );
  if (ahead !== undefined) throw invalidVex(`it says something at ${ahead}, which is not yet`);
}

/** The same said of some products at a time. */
function divided(statement: VexStatement): readonly VexStatement[] {
  const { products } = statement;
  if (products.length <= PRODUCTS_AT_ONCE) return [statement];

  return Array.from({ length: Math.ceil(products.length / PRODUCTS_AT_ONCE) }, (_, index) => ({
    ...statement,
    products: products.slice(index * PRODUCTS_AT_ONCE, (index + 1) * PRODUCTS_AT_ONCE),
  }));
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

function countBy({ statements }: ReadVex): Readonly<Record<string, number>> {
  const groups = Map.groupBy(statements, ({ status }) => status);

  return Object.fromEntries([...groups].map(([status, all]) => [status, all.length]));
}

function aboutUs(products: readonly VexProduct[], fleet: Fleet) {
  const reasons = products.map((product) => ({ product: product.id, reason: reasonAgainst(product, fleet) }));
  const elsewhere = reasons.flatMap(({ product, reason }) => (reason === null ? [] : [{ product, reason }]));

  return {
    applies: products.length - elsewhere.length,
    elsewhere: elsewhere.slice(0, MAX_SHOWN),
    elsewhereCount: elsewhere.length,
  };
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

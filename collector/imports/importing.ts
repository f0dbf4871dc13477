// Takes what a machine without an agent brought: reads it, holds its clock against others, and keeps it as the machine's newest.
// Nothing of it is kept when anything about it is refused.
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import type { Timestamp } from '@selvage/shared/model/ids.ts';
import type { Labels } from '@selvage/shared/model/labels.ts';
import type { Random } from '@selvage/shared/random.ts';
import type { Clock } from '@selvage/shared/time/clock.ts';
import type { ImportRecord } from '../store/import-ports.ts';
import type { Store, Writers } from '../store/ports.ts';
import { asOf } from './as-of.ts';
import { readImportInThread } from './read-import.ts';
import type { ReadImport } from './reading.ts';

export interface ImportRequest {
  readonly bytes: Uint8Array;
  readonly name: string;
  /** Left out: what the import before had. */
  readonly labels?: Labels | undefined;
  readonly owner?: string | undefined;
  /** When the file was last written, where whoever brings it knows. */
  readonly fileDate?: string | undefined;
  /** Another machine may take the name. */
  readonly replace?: boolean | undefined;
  /** An import may be older than the one that is there. */
  readonly replaceOlder?: boolean | undefined;
  /** `admin:NAME`. */
  readonly by: string;
}

export interface Imported {
  readonly record: ImportRecord;
  /** The one whose place it took. */
  readonly before: ImportRecord | null;
  /** Exactly this file was there already: nothing was changed. */
  readonly unchanged: boolean;
}

export interface ImportDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
  readonly read?: (bytes: Uint8Array) => Promise<ReadImport>;
}

/** One after the other: each takes a thread and the memory of its tar. Throws IMPORT_INVALID, HOST_NAME_TAKEN, ALREADY_EXISTS. */
export function createImporting(deps: ImportDeps): (request: ImportRequest) => Promise<Imported> {
  const { store, clock, random, read = readImportInThread } = deps;
  let last: Promise<unknown> = Promise.resolve();

  const run = async (request: ImportRequest): Promise<Imported> => {
    const found = await read(request.bytes);

    return store.transaction((writers) => keep(writers, request, found, { now: clock.now(), id: random.uuid() }));
  };

  return (request) => {
    const mine = last.then(() => run(request));
    last = mine.catch(() => undefined);

    return mine;
  };
}

async function keep(
  writers: Writers,
  request: ImportRequest,
  read: ReadImport,
  made: { readonly now: Temporal.Instant; readonly id: string },
): Promise<Imported> {
  const { name, by } = request;
  await refuseAgents(writers, name);
  const newest = await writers.imports.byName(name);
  const before = newest?.state === 'current' ? newest : null;
  const record = recordOf(request, read, before, made);
  if (before !== null) {
    if (isSame(before, record)) return { record: before, before, unchanged: true };
    refuseReplacing(before, record, request);
  }

  await writers.imports.put(record, read.sections);
  await writers.audit.append({
    at: record.importedAt,
    actor: by,
    action: 'host.imported',
    subject: name,
    details: {
      ...{
        import: record.id,
        sha256: record.sha256,
        bytes: record.bytes,
        asOf: record.asOf,
        asOfFrom: record.asOfFrom,
      },
      ...{ clock: record.clock, hostname: record.hostname, replaces: before?.id ?? null },
    },
  });

  return { record, before, unchanged: false };
}

function recordOf(
  { name, labels, owner, fileDate, by }: ImportRequest,
  read: ReadImport,
  before: ImportRecord | null,
  { now, id }: { readonly now: Temporal.Instant; readonly id: string },
): ImportRecord {
  const written = fileDate === undefined ? null : Temporal.Instant.from(fileDate);
  const when = asOf(Temporal.Instant.from(read.clock), written, now);

  return {
    ...{ id, name, state: 'current' },
    ...{ asOf: when.at.toString() as Timestamp, asOfFrom: when.from, clock: read.clock as Timestamp },
    ...{ importedAt: now.toString() as Timestamp, importedBy: by },
    ...{ sha256: read.sha256, bytes: read.bytes, hostname: read.hostname, machineId: read.machineId },
    owner: owner ?? before?.owner ?? null,
    labels: labels ?? before?.labels ?? {},
    facts: { ...read.facts, warnings: when.warnings },
    ...{ endedAt: null, endedBy: null },
  };
}

async function refuseAgents({ hosts }: Writers, name: string): Promise<void> {
  const host = await hosts.byName(name);
  if (host?.state !== 'active') return;

  throw new CodedError(
    'HOST_NAME_TAKEN',
    `${name} has an agent (it enrolled at ${host.enrolledAt}): it reports itself`,
    {
      next: `import it under another name, or first: selvage host retire ${name}`,
      details: { host: host.id },
    },
  );
}

function isSame(before: ImportRecord, now: ImportRecord): boolean {
  const said = ({ sha256, owner, labels }: ImportRecord) => JSON.stringify([sha256, owner, labels]);

  return said(before) === said(now);
}

function refuseReplacing(before: ImportRecord, record: ImportRecord, request: ImportRequest): void {
  const one = before.machineId ?? before.hostname;
  const other = record.machineId ?? record.hostname;
  if (one !== other && request.replace !== true) {
    throw new CodedError(
      'ALREADY_EXISTS',
      `${before.name} is another machine: it was ${before.hostname} as of ${before.asOf}, this is ${record.hostname}`,
      { next: 'choose another name; or, where the machine was installed anew or exchanged, add --replace' },
    );
  }
  const older = Temporal.Instant.compare(Temporal.Instant.from(record.asOf), Temporal.Instant.from(before.asOf)) < 0;
  if (older && request.replaceOlder !== true) {
    throw new CodedError(
      'ALREADY_EXISTS',
      `this is ${before.name} as of ${record.asOf}, and it is known as of ${before.asOf} already`,
      { next: 'import a newer file; to go back to this one, add --replace-older' },
    );
  }
}

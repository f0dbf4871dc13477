// Takes in the durable messages of hosts: each exactly once, committed together with the position of its stream before it
// is acknowledged. It trusts nothing that a message says about who sent it.
//
// INVARIANTS:
// - The position of a stream and what the message did are one transaction; both happen or neither.
// - Inventory comes in order and without gaps. Results are known by what the runner signed, never by where a stream is
//   said to stand: only a signed result moves their stream, and one that is not kept yet is taken whatever its number.
// - A message that can never be accepted is committed as refused (audit ledger) and acknowledged: it blocks nothing.
// - Events are published after the commit only.
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import { sha256 } from '@selvage/shared/files/canonical.ts';
import type { HostId, Timestamp } from '@selvage/shared/model/ids.ts';
import { SECTION_NAMES, type SectionName } from '@selvage/shared/model/inventory.ts';
import { reportHash } from '@selvage/shared/model/report-hash.ts';
import type { Clock } from '@selvage/shared/time/clock.ts';
import type { Durable, StreamPosition } from '@selvage/shared/wire/wire.ts';
import type { CollectorEvent, Events } from '../events.ts';
import type { HostReader, HostRecord, Sender, Store, StoredSection, StreamReader, Writers } from '../store/ports.ts';
import { SectionParser } from './parser.ts';
import { overfull } from './pending.ts';
import { type Prepared, type PreparedState, prepareInventory, prepareResult } from './prepare.ts';
import type { Unpacked } from './section.ts';

/** Sections that a host may store without a report that uses them: unused ones must not fill the disk. */
const MAX_SECTIONS_BEFORE_REPORT = 4 * SECTION_NAMES.length;
/** Streams that a host may begin or skip in an hour, each a row for ever; a true one does when its folder was restored. */
const MAX_BEGINNINGS = 32;
const BEGINNINGS_MS = 60 * 60_000;
/** Characters of a reason kept in the ledger. */
const MAX_REASON = 1000;

export interface IntakeAnswer {
  /** What may be acknowledged: of inventory the highest committed sequence, of results this one. */
  readonly acknowledged: bigint;
  /** Sections that the report names and the store lacks. */
  readonly wanted: readonly SectionName[];
  /** The report that this one is said to be the same as is not here: a whole one is wanted. */
  readonly reportWanted?: boolean;
  /** Why this message was refused for good; it is acknowledged all the same. */
  readonly refused: CodedError | null;
}

export interface Intake {
  /**
   * Commits one message. Throws FRAME_UNEXPECTED for a gap in an inventory stream, RATE_LIMITED for new streams without
   * end, HOST_REVOKED, HOST_QUARANTINED, CERTIFICATE_INVALID (unknown host), STORE_FAILED and DISK_FULL; nothing is
   * committed then and nothing may be acknowledged. `unpacked` is told what the message became, also when it is refused.
   */
  accept(host: HostId, durable: Durable, unpacked?: Unpacked): Promise<IntakeAnswer>;
  /**
   * Where the streams of a host stand when it connects. An inventory stream whose host will not send again what the store
   * never committed (restored backup, damaged disk) is moved on, and the ledger says which messages are lost. Of results
   * the host sends what it has: who says so here may be anybody with its certificate. Throws RATE_LIMITED.
   */
  resume(host: HostId, streams: readonly StreamPosition[]): Promise<readonly StreamPosition[]>;
}

export function createIntake(parts: { readonly store: Store; readonly clock: Clock; readonly events: Events }): Intake {
  const { store, clock, events } = parts;
  const now = () => clock.now().toString() as Timestamp;
  const unused = new Map<HostId, number>();
  const begins = beginnings(clock);
  const parser = new SectionParser();
  const inOrder = new InOrder();

  const acceptResult = async (hostId: HostId, durable: Durable): Promise<IntakeAnswer> => {
    const host = await activeHost(store.read.hosts, hostId);
    const prepared = await prepareResult(host, durable);

    const { answer, event } = await store.transaction(async (writers) => {
      const current = await activeHost(writers.hosts, hostId);
      if (prepared.type === 'result' && (await isKept(writers, hostId, prepared))) {
        return { answer: repeated(durable.sequence), event: null };
      }
      const done = await commit(writers, current, durable, prepared, now());
      if (prepared.type === 'result') await follow(writers, hostId, durable, now());

      return { answer: { acknowledged: durable.sequence, ...done.answer }, event: done.event };
    });
    if (event) events.publish(event);

    return answer;
  };

  return {
    accept: async (hostId, durable, unpacked) => {
      if (isResults(durable.stream)) return acceptResult(hostId, durable);

      // Looked at before, so that nothing is unpacked in vain; who has just sent the message before this one is known.
      if (!inOrder.has(hostId, durable)) {
        const committed = await senderOf(store.read.streams, hostId, durable.stream);
        if (durable.sequence <= committed.position) return repeated(committed.position);
        assertActive(committed, committed.quarantined);
        if (committed.position === 0n) begins(hostId);
      }
      const prepared =
        durable.message.type === 'section' && (unused.get(hostId) ?? 0) >= MAX_SECTIONS_BEFORE_REPORT
          ? refusedAsUnused(durable)
          : await prepareInventory(durable, parser, unpacked);

      const { answer, event } = await store.transaction(async (writers) => {
        // Again inside: the host may have been revoked, or the same message committed by another connection.
        const current = await senderOf(writers.streams, hostId, durable.stream);
        assertActive(current, current.quarantined);
        const { position } = current;
        if (durable.sequence <= position) return { answer: repeated(position), event: null };
        if (durable.sequence !== position + 1n) throw gap(durable, position);

        const done = await commit(writers, current, durable, prepared, now());
        await writers.streams.advance(hostId, durable.stream, durable.sequence);

        return { answer: { acknowledged: durable.sequence, ...done.answer }, event: done.event };
      });

      inOrder.committed(hostId, durable);
      if (prepared.type === 'section') unused.set(hostId, (unused.get(hostId) ?? 0) + 1);
      if (prepared.type === 'report') unused.delete(hostId);
      if (event) events.publish(event);

      return answer;
    },

    resume: async (hostId, streams) => {
      const positions = await Promise.all(
        streams.map(({ stream, sequence }) =>
          isResults(stream) ? sequence : store.read.streams.position(hostId, stream),
        ),
      );
      const behind = streams.filter(({ sequence }, index) => sequence > (positions[index] ?? 0n));
      for (const _ of behind) begins(hostId);
      if (behind.length > 0) await store.transaction((writers) => skip(writers, hostId, behind, now()));

      return streams.map(({ stream, sequence }, index) => {
        const position = positions[index] ?? 0n;

        return { stream, sequence: position > sequence ? position : sequence };
      });
    },
  };
}

interface Done {
  readonly answer: Omit<IntakeAnswer, 'acknowledged'>;
  readonly event: CollectorEvent | null;
}

const NOTHING_MORE = { wanted: [], refused: null } as const;

/** Whom a message is committed for. */
type Committer = Pick<HostRecord, 'id' | 'name' | 'mode' | 'agentVersion' | 'acceptedAt'>;

async function commit(
  writers: Writers,
  host: Committer,
  durable: Durable,
  prepared: Prepared,
  now: Timestamp,
): Promise<Done> {
  switch (prepared.type) {
    case 'section': {
      const refused = await overfull(writers, host, prepared.zstdJson.length);
      if (refused) return { answer: { wanted: [], refused }, event: null };
      await writers.inventory.putSection(host.id, prepared.name, prepared.sha256, prepared.zstdJson);

      return { answer: NOTHING_MORE, event: null };
    }
    case 'report':
      return commitReport(writers, host, prepared.takenAt, prepared.sections, now);
    case 'unchanged':
      return commitUnchanged(writers, host, prepared, now);
    case 'result': {
      const { result, signed } = prepared;
      await writers.results.put(host.id, now, result, signed);
      await writers.audit.append({
        at: now,
        actor: `host:${host.id}`,
        action: 'result.received',
        subject: result.run,
        details: { number: result.number, approval: result.approval, outcome: result.outcome, fix: result.fix },
      });
      const { run, outcome } = result;

      return { answer: NOTHING_MORE, event: { type: 'result.received', host: host.id, name: host.name, run, outcome } };
    }
    case 'refused': {
      const { code, message } = prepared.error;
      const answer = { wanted: [], refused: prepared.error };
      // The ledger is for ever, and a token for many may have come into anybody's hands: who is pending writes nothing there.
      if (host.acceptedAt === null) return { answer, event: null };
      await writers.audit.append({
        at: now,
        actor: `host:${host.id}`,
        action: 'message.refused',
        subject: `${durable.stream}/${durable.sequence}`,
        details: { type: durable.message.type, code, reason: message.slice(0, MAX_REASON) },
      });

      return { answer, event: null };
    }
  }
}

/** The report before with the time of this one, if it is the one that the host means. */
async function commitUnchanged(
  writers: Writers,
  host: Committer,
  { takenAt, sha256: said }: Prepared & { readonly type: 'unchanged' },
  now: Timestamp,
): Promise<Done> {
  const before = await writers.inventory.sections(host.id);
  if (before.length === 0 || reportHash(before) !== said) {
    return { answer: { ...NOTHING_MORE, reportWanted: true }, event: null };
  }

  return commitReport(
    writers,
    host,
    takenAt,
    before.map(({ name, sha256: hash, problem }) => ({ name, sha256: hash, problem })),
    now,
  );
}

/** Makes the report current. A section that the store lacks is unknown until it comes; its old data is not the host's state. */
async function commitReport(
  writers: Writers,
  host: Committer,
  takenAt: Timestamp,
  sections: readonly PreparedState[],
  now: Timestamp,
): Promise<Done> {
  const earlier = await writers.inventory.sections(host.id);
  const before = new Map(earlier.map(({ name, sha256 }) => [name, sha256]));
  const changed = sections.filter(({ name, sha256 }) => before.get(name) !== sha256).map(({ name }) => name);
  const named = sections.flatMap(({ name, sha256 }) => (sha256 === null ? [] : [{ name, sha256 }]));
  const stored = new Set((await writers.inventory.kept(host.id, named)).map(({ name }) => name));
  const wanted: SectionName[] = [];
  const kept: PreparedState[] = [];

  for (const section of sections) {
    const { name, sha256 } = section;
    if (sha256 === null || stored.has(name)) {
      kept.push(section);
    } else {
      wanted.push(name);
      const reason = 'the collector does not have this section yet and has asked for it';
      kept.push({ name, sha256: null, problem: { code: 'NOT_FOUND', reason } });
    }
  }

  const packages = (list: readonly Pick<StoredSection, 'name' | 'sha256'>[]) =>
    list.find(({ name }) => name === 'packages')?.sha256 ?? null;
  if (packages(earlier) !== packages(kept)) {
    // Before the report drops the section of before: the packages to compare with are kept.
    const beforeAt = earlier[0] === undefined ? null : Temporal.Instant.from(earlier[0].takenAt).epochMilliseconds;
    const at = Temporal.Instant.from(takenAt).epochMilliseconds;
    await writers.changes.begin(host.id, { packages: packages(kept), at, before: packages(earlier), beforeAt });
  }
  await writers.inventory.putReport(host.id, takenAt, kept);
  if (host.agentVersion !== null) {
    await writers.hosts.seen(host.id, now, { agentVersion: host.agentVersion, mode: host.mode });
  }

  return {
    answer: { wanted, refused: null },
    event: { type: 'inventory.received', host: host.id, name: host.name, changed },
  };
}

type PreparedResult = Extract<Prepared, { type: 'result' }>;

/** By what was signed: the same number may stand for two results of a runner whose folder was restored or wiped. */
function isKept(writers: Writers, host: HostId, { result, signed }: PreparedResult): Promise<boolean> {
  return writers.results.has(host, result.number, sha256(signed.payload));
}

/** Moves the stream to a signed result that was just kept; what is missing before it is in the ledger. */
async function follow(
  writers: Writers,
  host: HostId,
  { stream, sequence }: StreamPosition,
  now: Timestamp,
): Promise<void> {
  const position = await writers.streams.position(host, stream);
  if (sequence <= position) return;
  await writers.streams.advance(host, stream, sequence);

  const between = sequence - position - 1n;
  if (between === 0n) return;
  const kept = await writers.results.countNumbers(host, position + 1n, sequence - 1n);
  if (BigInt(kept) === between) return;
  await writers.audit.append({
    at: now,
    actor: `host:${host}`,
    action: 'results.missing',
    subject: stream,
    details: { after: `${position}`, upTo: `${sequence - 1n}`, missing: `${between - BigInt(kept)}` },
  });
}

async function skip(writers: Writers, host: HostId, streams: readonly StreamPosition[], now: Timestamp): Promise<void> {
  const isPending = (await writers.hosts.byId(host))?.acceptedAt === null;
  for (const { stream, sequence } of streams) {
    const position = await writers.streams.position(host, stream);
    if (sequence <= position) continue;
    await writers.streams.advance(host, stream, sequence);
    // Of who is pending nothing was lost that counts, and the ledger is for ever.
    if (isPending) continue;
    await writers.audit.append({
      at: now,
      actor: `host:${host}`,
      action: 'stream.skipped',
      subject: stream,
      details: { after: `${position}`, upTo: `${sequence}` },
    });
  }
}

function isResults(stream: string): boolean {
  return stream.startsWith('results:');
}

/** Counts the streams that each host begins; throws RATE_LIMITED. Hosts have proved who they are, so the table is bounded. */
function beginnings(clock: Clock): (host: HostId) => void {
  const counts = new Map<HostId, { readonly since: number; readonly count: number }>();

  return (host) => {
    const now = clock.monotonic();
    const before = counts.get(host);
    const { since, count } = before && now - before.since < BEGINNINGS_MS ? before : { since: now, count: 0 };
    if (count >= MAX_BEGINNINGS) {
      throw new CodedError('RATE_LIMITED', `host ${host} began ${MAX_BEGINNINGS} streams within an hour`);
    }
    counts.set(host, { since, count: count + 1 });
  };
}

/**
 * Which message each host sent last in order, so that the next one needs no look before the transaction. A hint only: what
 * counts is read in the transaction. Hosts have proved who they are, so the table is bounded.
 */
class InOrder {
  readonly #last = new Map<HostId, StreamPosition>();

  has(host: HostId, { stream, sequence }: Durable): boolean {
    const last = this.#last.get(host);

    return last !== undefined && last.stream === stream && last.sequence + 1n === sequence;
  }

  committed(host: HostId, { stream, sequence }: Durable): void {
    this.#last.set(host, { stream, sequence });
  }
}

async function activeHost(hosts: HostReader, id: HostId): Promise<HostRecord> {
  const host = await hosts.byId(id);
  if (host === null) throw notEnrolled(id);
  assertActive(host, host.quarantine !== null);

  return host;
}

async function senderOf(streams: StreamReader, host: HostId, stream: string): Promise<Sender> {
  const sender = await streams.sender(host, stream);
  if (sender === null) throw notEnrolled(host);

  return sender;
}

function assertActive({ name, state }: Pick<HostRecord, 'name' | 'state'>, quarantined: boolean): void {
  if (state !== 'active') throw new CodedError('HOST_REVOKED', `host ${name} is revoked`);
  if (quarantined) throw new CodedError('HOST_QUARANTINED', `host ${name} is quarantined`);
}

function notEnrolled(id: HostId): CodedError {
  return new CodedError('CERTIFICATE_INVALID', `no host ${id} is enrolled here`);
}

function refusedAsUnused({ sequence }: Durable): Prepared {
  const message = `section message ${sequence}: ${MAX_SECTIONS_BEFORE_REPORT} sections came without a report`;

  return { type: 'refused', error: new CodedError('FRAME_UNEXPECTED', message) };
}

function repeated(acknowledged: bigint): IntakeAnswer {
  return { acknowledged, wanted: [], refused: null };
}

function gap(durable: Durable, position: bigint): CodedError {
  return new CodedError(
    'FRAME_UNEXPECTED',
    `message ${durable.sequence} of stream ${durable.stream} came, but ${position + 1n} is next`,
    { details: { stream: durable.stream, acknowledged: `${position}` } },
  );
}

// What the door of the gateway writes down about an identity: a quarantine, a knock, the first use of a new certificate.
// Each change and its ledger entry are one transaction. It decides nothing; see ./standing.ts.
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import type { Code } from '@selvage/shared/errors/codes.ts';
import type { HostId, Sha256, Timestamp } from '@selvage/shared/model/ids.ts';
import type { Clock } from '@selvage/shared/time/clock.ts';
import type { Events } from '../events.ts';
import type { HostRecord, Quarantine, Store, Writers } from '../store/ports.ts';

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;
/** A refused host is noted at most so often: its attempts must cost the one writer nothing. */
const KNOCK_EVERY_MS = 10 * MINUTE_MS;
/** And it gets one entry in the ledger, which is for ever, in such a time. */
const KNOCK_ENTRY_EVERY_MS = DAY_MS;

export interface Custody {
  /** Nobody may use the identity until an admin has looked. A host that is quarantined stays as it is. */
  quarantine(
    host: HostRecord,
    reason: Quarantine['reason'],
    other: { readonly machine: string; readonly address: string; readonly certificate: Sha256 },
  ): Promise<void>;
  /** The host came with a certificate of its own and was refused. */
  knock(host: HostRecord, address: string, code: Code): Promise<void>;
  /** A certificate of which the record knows nothing, though it is the newest: it is the current one again. */
  adopt(
    host: HostRecord,
    shown: { readonly certificate: Sha256; readonly until: number; readonly key: Sha256 },
  ): Promise<void>;
  /** The next certificate has been used: it is the current one, in the transaction given. */
  promote(writers: Writers, host: HostRecord, address: string): Promise<void>;
}

export function createCustody({ store, clock, events }: { store: Store; clock: Clock; events: Events }): Custody {
  const timestamp = () => clock.now().toString() as Timestamp;

  return {
    quarantine: async ({ id, name }, reason, other) => {
      const at = timestamp();
      const put = await store.transaction(async (writers) => {
        const host = await current(writers, id);
        if (host.quarantine) return null;
        const put: Quarantine = {
          ...{ at, reason },
          machines: [...new Set([host.machineId, other.machine])],
          addresses: [...(host.lastAddress === null ? [] : [host.lastAddress]), other.address],
        };
        await writers.hosts.quarantine(id, put);
        await writers.audit.append({
          ...{ at, actor: `host:${id}`, action: 'host.quarantined', subject: `host:${id}` },
          details: { ...put, name, certificate: other.certificate },
        });

        return put;
      });
      if (put) events.publish({ type: 'host.quarantined', host: id, name, reason });
    },

    knock: async ({ id, name, knock }, address, code) => {
      const now = clock.now();
      if (knock?.code === code && !knock.answered && age(knock.at, now) < KNOCK_EVERY_MS) return;

      const at = timestamp();
      const entered = await store.transaction(async (writers) => {
        const { knock: last } = await current(writers, id);
        const due = last === null || age(last.entered, now) >= KNOCK_ENTRY_EVERY_MS;
        await writers.hosts.knock(id, { at, address, code, entered: due ? at : last.entered });
        if (!due) return false;
        await writers.audit.append({
          ...{ at, actor: `host:${id}`, action: 'host.knocked', subject: `host:${id}` },
          details: { name, address, code },
        });

        return true;
      });
      if (entered) events.publish({ type: 'host.knocked', host: id, name, reason: code });
    },

    adopt: async ({ id, name, certificate: known }, { certificate, until, key }) => {
      const at = timestamp();
      const expires = Temporal.Instant.fromEpochMilliseconds(until).toString() as Timestamp;
      await store.transaction(async (writers) => {
        await writers.hosts.renewCertificate(id, certificate, expires, { key, authority: null });
        await writers.audit.append({
          ...{ at, actor: `host:${id}`, action: 'host.adopted', subject: `host:${id}` },
          details: { name, certificate, expires, known },
        });
      });
    },

    promote: async (writers, { id, name, certificate, next }, address) => {
      await writers.hosts.promote(id);
      await writers.audit.append({
        ...{ at: timestamp(), actor: `host:${id}`, action: 'host.superseded', subject: `host:${id}` },
        details: { name, certificate, by: next?.certificate ?? null, address },
      });
    },
  };
}

async function current({ hosts }: Writers, id: HostId): Promise<HostRecord> {
  const host = await hosts.byId(id);
  if (host?.state !== 'active') throw new CodedError('HOST_REVOKED', `host ${id} is revoked`);

  return host;
}

/** Milliseconds; a clock that went back counts as a long time. */
function age(since: Timestamp, now: Temporal.Instant): number {
  const ms = now.epochMilliseconds - Temporal.Instant.from(since).epochMilliseconds;

  return ms < 0 ? Number.POSITIVE_INFINITY : ms;
}

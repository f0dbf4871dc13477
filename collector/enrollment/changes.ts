// What admins say of hosts, of one or of hundreds at once: let in, described, retired, revoked. Each change is in the ledger
// with who made it, in the transaction that makes it; events follow the commit.
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import type { HostId, Timestamp } from '@selvage/shared/model/ids.ts';
import { type Labels, labelsFlaw } from '@selvage/shared/model/labels.ts';
import { flawIn } from '@selvage/shared/text/printable.ts';
import type { CollectorEvent } from '../events.ts';
import { type HostState, hostState } from '../host-state.ts';
import type { HostRecord, Writers } from '../store/ports.ts';
import { type Context, timestamp } from './context.ts';
import { BATCH_HOSTS, MAX_OWNER, MAX_REASON } from './limits.ts';

export type HostChange =
  | { readonly kind: 'accept' }
  /** `set` puts values in the place of those of that name, `remove` takes names away. */
  | { readonly kind: 'label'; readonly set: Labels; readonly remove: readonly string[] }
  | { readonly kind: 'owner'; readonly owner: string | null }
  | { readonly kind: 'retire' | 'revoke'; readonly reason?: string | undefined };

/** What became of one host: the change, or why nothing was to be done. */
export interface Changed {
  readonly id: HostId;
  readonly name: string;
  readonly state: HostState;
  readonly changed: boolean;
  /** Why nothing was changed; empty where something was. */
  readonly why: string;
}

interface Step {
  readonly action: string;
  readonly event: CollectorEvent['type'] & ('host.accepted' | 'host.described' | 'host.retired' | 'host.revoked');
  readonly details: Readonly<Record<string, unknown>>;
  write(writers: Writers, at: Timestamp): Promise<void>;
}

/**
 * Changes hosts, some in each transaction, so that the one writer is nobody's alone. A host for which there is nothing to do is
 * left as it is and said. Throws USAGE for what cannot be said of a host, NOT_FOUND for an id that is none; what was committed
 * until then stays, and asking again does the rest.
 */
export async function changeHosts(
  context: Context,
  ids: readonly HostId[],
  change: HostChange,
  by: string,
): Promise<readonly Changed[]> {
  const flaw = flawOf(change);
  if (flaw !== null) throw new CodedError('USAGE', flaw);
  const { store, clock, events } = context;
  const all: Changed[] = [];

  for (let from = 0; from < ids.length; from += BATCH_HOSTS) {
    const heard: CollectorEvent[] = [];
    const batch = await store.transaction(async (writers) => {
      const done: Changed[] = [];
      const at = timestamp(clock.now());
      for (const id of ids.slice(from, from + BATCH_HOSTS)) {
        const host = await writers.hosts.byId(id);
        if (!host) throw new CodedError('NOT_FOUND', `there is no host ${id}`);
        const step = stepFor(host, change);
        if (typeof step === 'string') {
          done.push({ ...shown(host), changed: false, why: step });
          continue;
        }
        await step.write(writers, at);
        const { action, event, details } = step;
        const subject = `host:${id}`;
        await writers.audit.append({ at, actor: by, action, subject, details: { name: host.name, ...details } });
        heard.push({ type: event, host: id, name: host.name });
        done.push({ ...shown((await writers.hosts.byId(id)) ?? host), changed: true, why: '' });
      }

      return done;
    });
    all.push(...batch);
    // Whoever hears it finds the host changed: the gateway closes live connections, and tells of policy.
    for (const event of heard) events.publish(event);
  }

  return all;
}

/** What the change would do to a host: the step, or why nothing is to be done. Pure. */
export function stepFor(host: HostRecord, change: HostChange): Step | string {
  const state = hostState(host);
  const { id } = host;

  switch (change.kind) {
    case 'accept':
      if (state !== 'pending') return state === 'active' ? 'it is accepted already' : `it is ${state}`;
      return {
        ...{
          action: 'host.accepted',
          event: 'host.accepted',
          details: { machineId: host.machineId, token: host.token },
        },
        write: ({ hosts }, at) => hosts.accept(id, at),
      };
    case 'label': {
      const labels = relabelled(host.labels, change);
      if (isSame(labels, host.labels)) return 'it has these labels already';
      const flaw = labelsFlaw(labels);
      if (flaw !== null) return flaw;
      return {
        ...{ action: 'host.labelled', event: 'host.described', details: { labels, before: host.labels } },
        write: ({ hosts }) => hosts.describe(id, { labels }),
      };
    }
    case 'owner': {
      const { owner } = change;
      if (owner === host.owner) return owner === null ? 'it has no owner' : 'it has this owner already';
      return {
        ...{ action: 'host.owned', event: 'host.described', details: { owner, before: host.owner } },
        write: ({ hosts }) => hosts.describe(id, { owner }),
      };
    }
    case 'retire':
      if (state === 'retired') return 'it is retired already';
      return {
        ...{ action: 'host.retired', event: 'host.retired', details: { ...ending(host), ...said(change.reason) } },
        write: async (writers, at) => {
          await writers.hosts.retire(id, at);
          await forgetStranger(writers, host);
        },
      };
    case 'revoke':
      if (host.state === 'revoked') return `it is ${state} already`;
      return {
        ...{ action: 'host.revoked', event: 'host.revoked', details: { ...ending(host), ...said(change.reason) } },
        write: async (writers, at) => {
          await writers.hosts.revoke(id, at);
          await forgetStranger(writers, host);
        },
      };
  }
}

/** What was never let in leaves its record, and nothing that it laid down. */
async function forgetStranger({ inventory }: Writers, { id, acceptedAt }: HostRecord): Promise<void> {
  if (acceptedAt === null) await inventory.forget(id);
}

/** Pending hosts that nobody has accepted for so long are retired; how many that were. */
export async function retireUnaccepted(context: Context, olderThanMs: number): Promise<number> {
  const before = context.clock.now().subtract({ milliseconds: olderThanMs });
  const late = (await context.store.read.hosts.pending()).filter(
    ({ enrolledAt }) => Temporal.Instant.compare(Temporal.Instant.from(enrolledAt), before) < 0,
  );
  const reason = 'nobody accepted it in time';
  const done = await changeHosts(
    context,
    late.map(({ id }) => id),
    { kind: 'retire', reason },
    'collector',
  );

  return done.filter(({ changed }) => changed).length;
}

function shown(host: HostRecord): Pick<Changed, 'id' | 'name' | 'state'> {
  return { id: host.id, name: host.name, state: hostState(host) };
}

function ending({ certificate }: HostRecord) {
  return { certificate };
}

function said(reason: string | undefined) {
  return reason === undefined ? {} : { reason };
}

function relabelled(labels: Labels, { set, remove }: HostChange & { readonly kind: 'label' }): Labels {
  const kept = Object.entries(labels).filter(([name]) => !remove.includes(name));

  return Object.fromEntries([...new Map([...kept, ...Object.entries(set)])].sort(([a], [b]) => (a < b ? -1 : 1)));
}

function isSame(a: Labels, b: Labels): boolean {
  const text = (labels: Labels) => JSON.stringify(Object.entries(labels).sort(([x], [y]) => (x < y ? -1 : 1)));

  return text(a) === text(b);
}

/** What is wrong with what would be said; null when nothing is. */
function flawOf(change: HostChange): string | null {
  if (change.kind === 'label') {
    const both = change.remove.find((name) => Object.hasOwn(change.set, name));
    const flaw = labelsFlaw(change.set);

    return flaw !== null ? `the labels are refused: ${flaw}` : both ? `${both} is both set and removed` : null;
  }
  if (change.kind === 'owner' && change.owner !== null) return prefixed('the owner', flawIn(change.owner, MAX_OWNER));
  if ('reason' in change && change.reason !== undefined)
    return prefixed('the reason', flawIn(change.reason, MAX_REASON));

  return null;
}

function prefixed(what: string, flaw: string | null): string | null {
  return flaw === null ? null : `${what}: ${flaw}`;
}

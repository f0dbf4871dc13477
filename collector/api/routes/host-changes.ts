// One address for what admins do to hosts, to one or to hundreds: let in, label, own, retire, revoke. By name, or by a select
// text; a text that selects more than a few is done only when the admin says how many they expect.
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import type { FastifyInstance } from 'fastify';
import type { z } from 'zod';
import { type HostChange, stepFor } from '../../enrollment/changes.ts';
import { hostState } from '../../host-state.ts';
import type { HostRecord } from '../../store/ports.ts';
import { hostChanges, hostsChanged } from '../contract/host-changes.ts';
import type { ApiDeps } from '../deps.ts';
import { hostOf } from '../found.ts';
import { SEEN_OF_PENDING } from '../host-fields.ts';
import { asksFor, selectHosts } from '../host-select.ts';
import { type HostSummary, summariesOf, twinsOf } from '../host-view.ts';
import { addRoute } from '../route.ts';
import type { SelectionShown } from '../selecting.ts';

/** Hosts that a text may select without the admin saying how many they expect. */
const A_FEW = 10;
/** 20,000 names of 253 characters. */
const MAX_BODY_BYTES = 6 * 1024 * 1024;

const OWN_WORD =
  'name, os, mode and labels are what pending hosts say of themselves; add token=ID or address=NETWORK for what the collector saw';

type Body = z.output<typeof hostChanges>;
type Answer = z.input<typeof hostsChanged>;

interface Meant {
  readonly records: readonly HostRecord[];
  readonly selection: SelectionShown;
}

export function addHostChanges(app: FastifyInstance, deps: ApiDeps): void {
  const { store, enrollment, connections } = deps;

  addRoute(app, {
    method: 'POST',
    url: '/v1/hosts/changes',
    guard: 'admin',
    summary: 'Accept, label, own, retire or revoke hosts, by name or by a select text; or only say which that would be',
    body: hostChanges,
    bodyLimit: MAX_BODY_BYTES,
    reply: hostsChanged,
    handle: async ({ body, actor }) => {
      const { change, dryRun } = body;
      const { records, selection } = await meant(deps, body);
      const all = await store.read.hosts.list();
      const rows = await summariesOf(records, store.read.inventory, connections.connected(), twinsOf(all));
      const left = new Map<string, string>();
      // Named one by one, somebody has looked; by a text, a copied machine would come along unseen.
      if (change.kind === 'accept' && selection !== null) {
        for (const { id, sameMachineAs } of rows) if (sameMachineAs.length > 0) left.set(id, twin(sameMachineAs));
      }
      const due = records.filter((record) => !left.has(record.id) && typeof stepFor(record, change) !== 'string');
      if (selection !== null) refuseUnexpected(body, due.length);

      const ids = records.filter(({ id }) => !left.has(id)).map(({ id }) => id);
      const done = dryRun ? [] : await enrollment.changeHosts(ids, change, actor);
      const after = new Map(done.map((one) => [String(one.id), one]));
      const answer: Answer = { dryRun, changed: [], unchanged: [], selection };
      for (const [index, record] of records.entries()) {
        const row = rows[index];
        if (!row) continue;
        const why = left.get(record.id) ?? (dryRun ? whyNot(record, change) : (after.get(record.id)?.why ?? ''));
        const shown = rowOf(row, record, after.get(record.id)?.state ?? hostState(record));
        if (why === '') answer.changed.push(shown);
        else answer.unchanged.push({ ...shown, why, refused: isRefused(record, change) });
      }

      return answer;
    },
  });
}

/** The hosts that are meant, each once. Throws NOT_FOUND for a name that no host has, SELECT_INVALID. */
async function meant(deps: ApiDeps, { hosts, select, change }: Body): Promise<Meant> {
  if ((hosts === undefined) === (select === undefined)) {
    throw new CodedError('REQUEST_INVALID', 'body: either hosts or select, not both and not neither');
  }
  if (hosts !== undefined) {
    const found = new Map<string, HostRecord>();
    for (const name of hosts) {
      const record = await hostOf(deps.store.read.hosts, name);
      found.set(record.id, record);
    }

    return { records: [...found.values()], selection: null };
  }
  // A text that asks for a state means all of them, as in lists.
  const anyState = asksFor(select, 'state');
  const among = (record: HostRecord) =>
    change.kind === 'accept' ? hostState(record) === 'pending' : anyState || record.state === 'active';
  const { chosen, selection } = await selectHosts(deps, { select, among });
  const records = chosen.map(({ record }) => record);
  if (change.kind !== 'accept' || selection === null || rests(select)) return { records, selection };

  return { records, selection: { ...selection, notes: [...selection.notes, OWN_WORD] } };
}

/** True where a text asks for something that is not the word of the pending hosts themselves. */
function rests(select: string | undefined): boolean {
  return [...SEEN_OF_PENDING].some((field) => field !== 'state' && asksFor(select, field));
}

function refuseUnexpected({ expect, dryRun }: Body, count: number): void {
  if (dryRun || expect === count || (expect === undefined && count <= A_FEW)) return;
  const said = expect === undefined ? '' : `, not ${expect}`;

  throw new CodedError('REQUEST_INVALID', `the text selects ${count} hosts for this${said}; nothing was changed`, {
    next: `look at them with --dry-run; then say how many you expect: --expect ${count}`,
    details: { hosts: count },
  });
}

function whyNot(record: HostRecord, change: HostChange): string {
  const step = stepFor(record, change);

  return typeof step === 'string' ? step : '';
}

/** A pending host is asked for and there is none: not the same as one that has been accepted already. */
function isRefused(record: HostRecord, change: HostChange): boolean {
  return change.kind === 'accept' && record.state === 'revoked';
}

function twin(names: readonly string[]): string {
  return `it says that it is the same machine as ${names.join(', ')}; look at it, then accept it by name`;
}

function rowOf(row: HostSummary, { lastAddress }: HostRecord, state: HostSummary['state']): Answer['changed'][number] {
  return {
    ...{ id: row.id, name: row.name, state, lastSeen: row.lastSeen, sameMachineAs: row.sameMachineAs },
    os: row.os && `${row.os.id} ${row.os.version}`.trim(),
    address: lastAddress,
  };
}

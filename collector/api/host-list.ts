// GET /v1/hosts: all hosts at once, as releases before pages were answered, or a page of them. A page costs what is on it, however
// large the fleet is; a host that comes, goes or reports meanwhile moves no other one from page to page.
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import type { HostId } from '@selvage/shared/model/ids.ts';
import { z } from 'zod';
import { HOST_STATES, hostState } from '../host-state.ts';
import type { HostPlace } from '../store/host-ports.ts';
import type { HostRecord } from '../store/ports.ts';
import { hasText, runningFlag } from './contract/hunt.ts';
import { selectText } from './contract/select.ts';
import { type hosts, MAX_HOSTS_PAGE } from './contract.ts';
import type { ApiDeps } from './deps.ts';
import type { EnrolledFacts } from './host-fields.ts';
import { asksFor, type HostPage, selectHostPage, selectHosts } from './host-select.ts';
import { asBefore, type HostSummary } from './host-view.ts';
import { hunting } from './hunting.ts';
import { inTurns } from './in-turns.ts';

export const hostsQuery = z.strictObject({
  state: z.enum(['current', ...HOST_STATES, 'all']).optional(),
  select: selectText,
  has: hasText,
  running: runningFlag,
  limit: z.coerce
    .number()
    .int()
    .positive()
    .max(MAX_HOSTS_PAGE)
    .describe(
      'So many hosts at most, by name, with `next` where others follow; there may be fewer, or none, before the last page. `selection` and `hunt` are of the hosts that were looked at for the page, `notInDatabase` comes with the first. Left out: all hosts at once.',
    )
    .optional(),
  after: z.string().max(2000).describe('`next` of the page before; with `limit`.').optional(),
});

type Answer = z.input<typeof hosts>;

/** Throws SELECT_INVALID and REQUEST_INVALID (a page that nobody gave out) before anything is gathered. */
export async function listHosts(deps: ApiDeps, query: z.output<typeof hostsQuery>): Promise<Answer> {
  const { select, limit, has, running } = query;
  const after = placeOf(query.after, limit);
  // A text that asks for a state means all of them.
  const wanted = query.state ?? (asksFor(select, 'state') ? 'all' : 'current');
  const among = (record: HostRecord) =>
    wanted === 'all' || (wanted === 'current' ? record.state === 'active' : hostState(record) === wanted);
  const selected: Omit<HostPage, 'next'> & Partial<HostPage> =
    limit === undefined
      ? await selectHosts(deps, { select, among })
      : await selectHostPage(deps, { select, among, after, limit });
  const { chosen, hunt } = await hunting(deps, { has, running }, selected.chosen, ({ row: { id, name } }) => ({
    ...{ key: `host:${id}` as const, id, name },
  }));
  const { next } = selected;

  return {
    hosts: limit === undefined ? await inTurns(rowsAsBefore(chosen)) : chosen.map(({ row }) => row),
    hunt,
    // Nothing is known of them that a text could ask for.
    notInDatabase:
      select === undefined && has === undefined && after === null
        ? deps.connections.unknownHosts().map((host) => ({ ...host }))
        : [],
    selection: selected.selection,
    ...(next === undefined ? {} : { next: next && encodePlace(next) }),
  };
}

function* rowsAsBefore(chosen: readonly EnrolledFacts[]): Generator<void, HostSummary[]> {
  const rows: HostSummary[] = [];
  for (const { row } of chosen) {
    rows.push(asBefore(row));
    yield;
  }

  return rows;
}

function encodePlace({ name, id }: HostPlace): string {
  return Buffer.from(JSON.stringify([name, id])).toString('base64url');
}

function placeOf(text: string | undefined, limit: number | undefined): HostPlace | null {
  if (text === undefined) return null;
  if (limit === undefined) throw new CodedError('REQUEST_INVALID', 'query.after: goes with query.limit');
  const place = decodePlace(text);
  if (place === null) throw new CodedError('REQUEST_INVALID', 'query.after: is not the `next` of a page');

  return place;
}

/** Null for what no page has given out. */
function decodePlace(text: string): HostPlace | null {
  try {
    const [name, id] = z
      .tuple([z.string(), z.string()])
      .parse(JSON.parse(Buffer.from(text, 'base64url').toString('utf8')));

    return { name, id: id as HostId };
  } catch {
    // Not ours; the caller says so.
    return null;
  }
}

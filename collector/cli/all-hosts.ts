// The list of hosts, read page by page and put together as one answer. A page that does not go on is refused, so that no answer of a
// collector keeps a command busy for ever.
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import type { z } from 'zod';
import type { hunt } from '../api/contract/hunt.ts';
import { hosts, MAX_HOSTS_PAGE } from '../api/contract.ts';
import { added } from '../api/selecting.ts';
import type { Client } from './client.ts';
import { pathWith } from './options.ts';

/** A million hosts. */
const MAX_PAGES = 1000;

type Page = z.output<typeof hosts>;
export type AllHosts = Omit<Page, 'next'>;
type Hunt = z.output<typeof hunt>;

export interface HostsAsked {
  readonly state?: string | undefined;
  readonly select?: string | undefined;
  readonly has?: string | undefined;
  readonly running?: string | undefined;
}

/** Throws what the collector answers, and INTERNAL for pages without an end. */
export async function allHosts(client: Pick<Client, 'get'>, asked: HostsAsked = {}): Promise<AllHosts> {
  const all: Page['hosts'] = [];
  let [selection, hunted]: [Page['selection'], Hunt] = [null, null];
  let notInDatabase: Page['notInDatabase'] = [];
  const seen = new Set<string>();

  for (let after: string | undefined; ; ) {
    const page: Page = await client.get(
      pathWith('/v1/hosts', { ...asked, limit: String(MAX_HOSTS_PAGE), after }),
      hosts,
    );
    all.push(...page.hosts);
    selection = added(selection, page.selection);
    hunted = together(hunted, page.hunt);
    notInDatabase = [...notInDatabase, ...page.notInDatabase];
    const next = page.next ?? null;
    if (next === null) return { hosts: all, notInDatabase, selection, hunt: hunted };
    if (seen.has(next) || seen.size >= MAX_PAGES) {
      throw new CodedError('INTERNAL', 'the list of hosts does not end', {
        next: 'use the selvage command of the same version as the collector',
      });
    }
    seen.add(next);
    after = next;
  }
}

function together(one: Hunt, other: Hunt): Hunt {
  if (one === null || other === null) return one ?? other;

  return {
    has: other.has,
    complete: one.complete && other.complete,
    found: Object.assign(one.found, other.found),
    unknown: one.unknown.concat(other.unknown),
    notSeenRunning: one.notSeenRunning + other.notSeenRunning,
  };
}

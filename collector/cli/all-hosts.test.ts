import { describe, expect, it } from 'vitest';
import type { z } from 'zod';
import type { hosts } from '../api/contract.ts';
import { allHosts } from './all-hosts.ts';
import type { Client } from './client.ts';

type Page = z.input<typeof hosts>;

const EMPTY: Page = { hosts: [], notInDatabase: [], selection: null, hunt: null };
const hunted = (host: string): NonNullable<Page['hunt']> => ({
  ...{ has: 'xz-utils', complete: host !== 'b', notSeenRunning: 2 },
  found: { [host]: [{ name: 'xz-utils', version: '5.6.0', ecosystem: 'Debian:13', running: null }] },
  unknown: [{ id: `${host}?`, name: host, reason: 'no inventory' }],
});
const selected = (of: number): Page['selection'] => ({
  ...{ select: 'tier=web', of, selected: 1, unknown: 0 },
  ...{ because: [], notes: [] },
});

function answering(pages: readonly Page[]) {
  const asked: string[] = [];
  const client: Pick<Client, 'get'> = {
    get: async (path, reply) => {
      asked.push(path);

      return reply.parse(pages[asked.length - 1] ?? pages.at(-1)) as never;
    },
  };

  return { client, asked };
}

describe('when the list of hosts is read', () => {
  it('page after page is asked for, and what is said of each is put together', async () => {
    const lost = { id: 'x', address: '10.0.0.9', lastSeen: '2026-11-20T12:00:00Z' };
    const { client, asked } = answering([
      { ...EMPTY, notInDatabase: [lost], selection: selected(10), hunt: hunted('a'), next: 'p2' },
      { ...EMPTY, selection: selected(10), hunt: hunted('b'), next: 'p3' },
      { ...EMPTY, selection: selected(5), hunt: hunted('c'), next: null },
    ]);
    const all = await allHosts(client, { state: 'all', select: undefined });

    expect(asked).toEqual(['', '&after=p2', '&after=p3'].map((more) => `/v1/hosts?state=all&limit=1000${more}`));
    expect(all).toEqual({
      ...{ hosts: [], notInDatabase: [lost] },
      selection: { ...selected(25), selected: 3 },
      hunt: {
        ...{ has: 'xz-utils', complete: false, notSeenRunning: 6 },
        found: { ...hunted('a').found, ...hunted('b').found, ...hunted('c').found },
        unknown: [...hunted('a').unknown, ...hunted('b').unknown, ...hunted('c').unknown],
      },
    });
  });

  it('pages that go round are refused', async () => {
    const { client, asked } = answering([
      { ...EMPTY, next: 'p2' },
      { ...EMPTY, next: 'p3' },
      { ...EMPTY, next: 'p2' },
    ]);

    await expect(allHosts(client)).rejects.toMatchObject({ code: 'INTERNAL' });
    expect(asked).toHaveLength(3);
  });
});

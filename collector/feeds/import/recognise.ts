// Which feed a file is of: what its first members look like. Where that is not beyond doubt nothing is guessed.
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import type { Feed } from '../feed.ts';
import type { Budget } from './bounds.ts';
import type { Member } from './unpack.ts';

/** Bytes of each member that are looked at. */
const START_BYTES = 64 * 1024;
const MAX_LOOKED_AT = 50;
/** Part of those that are of some feed: records of several releases name more than one. */
const NEEDED = 0.6;

/** Throws FEED_INVALID. */
export async function recognise(members: AsyncIterable<Member>, feeds: readonly Feed[], budget: Budget): Promise<Feed> {
  const votes = new Map<Feed, number>();
  let looked = 0;
  let known = 0;

  for await (const member of members) {
    const start = await startOf(member);
    const found = feeds.filter((feed) => feed.recognises?.(start, member.name) === true);
    for (const feed of found) votes.set(feed, (votes.get(feed) ?? 0) + 1);
    if (found.length > 0) known += 1;
    looked += 1;
    if (looked === MAX_LOOKED_AT) break;
  }
  if (budget.broken) throw budget.broken;
  const [first, second] = [...votes].sort(([, a], [, b]) => b - a);
  if (first && first[1] >= known * NEEDED && first[1] > (second?.[1] ?? 0)) return first[0];
  const candidates = [...votes.keys()].map(({ name }) => name);
  const why = candidates.length === 0 ? 'it is like no feed' : `it could be ${candidates.sort().join(' or ')}`;
  throw new CodedError('FEED_INVALID', `what this is cannot be told: ${why}; nothing was taken`, {
    next: 'look at the file; if you know what it is: selvage feed import FILE --feed NAME (names: selvage feed list --all)',
  });
}

async function startOf(member: Member): Promise<string> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of member.bytes) {
    parts.push(part);
    size += part.length;
    if (size >= START_BYTES) break;
  }

  return new TextDecoder().decode(Buffer.concat(parts).subarray(0, START_BYTES));
}

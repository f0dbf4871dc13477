// What rpm hosts told of the advisories in their own repositories, put together by this collector: needs no internet here. Its file is
// written by ../host-advisories, one advisory a line.
import type { Timestamp } from '@selvage/shared/model/ids.ts';
import { notice } from '@selvage/shared/model/updateinfo.ts';
import { z } from 'zod';
import { jsonDocuments } from './decode/json-documents.ts';
import { invalid } from './decode/whole.ts';
import { timeOf } from './decode/words.ts';
import type { Feed, FeedProblem, FeedRecord, FeedSource } from './feed.ts';
import { rulesOfNotice } from './updateinfo/rules.ts';

const HOST_UPDATEINFO = 'host-updateinfo';
/** Milliseconds; hosts ask their repositories daily, and are away for days. */
const STALE_AFTER_MS = 14 * 86_400_000;

/** The first line; then each advisory with the release that it is for. */
const head = z.strictObject({ selvageHostUpdateinfo: z.literal(1), asOf: z.string().nullable() });
const line = notice.extend({ ecosystem: z.string().min(1).max(100) });

export const hostUpdateinfo: Feed = {
  name: HOST_UPDATEINFO,
  title: 'updateinfo of the hosts themselves',
  urls: [],
  staleAfterMs: STALE_AFTER_MS,
  // Hosts bring it by themselves: nobody has to fetch it.
  serves: [],
  read: (source) => {
    let asOf: Timestamp | null = null;

    return {
      records: read(source, (at) => {
        asOf = at;
      }),
      asOf: () => asOf,
    };
  },
};

async function* read(
  source: FeedSource,
  saw: (at: Timestamp | null) => void,
): AsyncGenerator<FeedRecord | FeedProblem> {
  let isFirst = true;
  let isEmpty = true;
  for await (const one of jsonDocuments(source)) {
    if (!('value' in one)) {
      yield one;
      continue;
    }
    if (isFirst) {
      const first = head.safeParse(one.value);
      if (!first.success) throw invalid(source, 'is not what hosts told, as this collector writes it');
      saw(timeOf(first.data.asOf));
      isFirst = false;
      continue;
    }
    isEmpty = false;
    const parsed = line.safeParse(one.value);
    if (!parsed.success) yield { name: source.name.slice(-200), reason: 'a line is no advisory' };
    else {
      const { ecosystem, ...told } = parsed.data;
      yield { type: 'record', id: `${ecosystem} ${told.id}`, modified: null };
      for (const rule of rulesOfNotice(told, ecosystem)) yield { type: 'rule', rule };
    }
  }
  // That nobody tells anything any more is what it says then; no rule of before may stay.
  if (!isFirst && isEmpty) yield { type: 'record', id: 'no host tells of any advisory', modified: null };
}

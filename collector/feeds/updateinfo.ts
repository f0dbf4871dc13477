// updateinfo.xml as the repositories of rpm distributions serve it, brought as files: advisory → packages and versions.
import { createHash } from 'node:crypto';
import { asCoded } from '@selvage/shared/errors/coded-error.ts';
import type { Timestamp } from '@selvage/shared/model/ids.ts';
import { createUpdateinfoReader } from '@selvage/shared/packages/updateinfo.ts';
import type { Rule } from '../matching/rule.ts';
import { invalid, pieces } from './decode/whole.ts';
import type { Feed, FeedProblem, FeedRecord, FeedSource } from './feed.ts';
import { ecosystemOf, rulesOfNotice } from './updateinfo/rules.ts';

/** Milliseconds; weeks without an advisory of one repository are usual. */
const STALE_AFTER_MS = 30 * 86_400_000;

/** Characters of what tells the parts of one advisory apart. */
const HASH_LENGTH = 16;

export const updateinfo: Feed = {
  name: 'updateinfo',
  title: 'updateinfo of rpm repositories',
  urls: [],
  staleAfterMs: STALE_AFTER_MS,
  serves: ['RedHat', 'AlmaLinux', 'Rocky', 'Oracle', 'Fedora', 'Amazon', 'CentOS'],
  recognises: (start) => /^\uFEFF?\s*(<\?xml[^>]*>\s*)?<updates[\s>]/.test(start) && /<update\s/.test(start),
  member: (name) => /(^|[/-])updateinfo[^/]*\.xml$/.test(name),
  read: (source) => {
    let newest: string | null = null;

    return {
      records: read(source, (issued) => {
        if (issued !== null && (newest === null || issued > newest)) newest = issued;
      }),
      asOf: () => (newest === null ? null : (`${newest}T00:00:00Z` as Timestamp)),
    };
  },
};

async function* read(
  source: FeedSource,
  saw: (issued: string | null) => void,
): AsyncGenerator<FeedRecord | FeedProblem> {
  const found: (FeedRecord | FeedProblem)[] = [];
  let notices = 0;
  const reader = createUpdateinfoReader({
    notice: (notice) => {
      notices += 1;
      saw(notice.issued);
      const ecosystem = ecosystemOf(notice);
      if (ecosystem === null) {
        found.push({ name: notice.id, reason: 'which release it is for cannot be told from its id and its packages' });
        return;
      }
      const rules = rulesOfNotice(notice, ecosystem);
      found.push({ type: 'record', id: `${ecosystem} ${notice.id}${partOf(rules)}`, modified: null });
      for (const rule of rules) found.push({ type: 'rule', rule });
    },
    problem: (name, reason) => {
      found.push({ name, reason });
    },
  });
  const parsing = (act: () => void) => {
    try {
      act();
    } catch (error) {
      throw invalid(source, `is not read: ${asCoded(error).message}`, error);
    }
  };

  for await (const piece of pieces(source)) {
    parsing(() => reader.write(piece));
    yield* found.splice(0);
  }
  parsing(() => reader.end());
  yield* found.splice(0);
  if (notices === 0) throw invalid(source, 'has no advisory');
}

/** Each repository has its own packages of one advisory: parts with other packages stand beside each other, the same ones are one. */
function partOf(rules: readonly Rule[]): string {
  const names = [...new Set(rules.map(({ package: name, module }) => `${name} ${module}`))].sort();

  return names.length === 0
    ? ''
    : ` ${createHash('sha256').update(names.join('\n')).digest('hex').slice(0, HASH_LENGTH)}`;
}

// When vendors of what this fleet has release, and how long their fixes take: both from the history of the feeds alone.
import type { FastifyInstance } from 'fastify';
import { cadenceInWords, rhythmOf } from '../../calendar/cadence.ts';
import { delaysOf } from '../../calendar/delays.ts';
import { readEnds, readHistory } from '../../calendar/history.ts';
import { calendar, vendorReport } from '../contract/calendar.ts';
import type { ApiDeps } from '../deps.ts';
import { type FeedAge, feedAges } from '../feed-ages.ts';
import { addRoute } from '../route.ts';

const CANNOT = [
  'days are counted from the publication of the CVE; when the vendor itself was told is not known',
  'a CVE counts once for each release, by its first fix; what is not fixed yet is in no number',
  'fixes in repositories that only some customers get do not count',
];

export function addCalendar(app: FastifyInstance, deps: ApiDeps): void {
  const { store, clock } = deps;

  addRoute(app, {
    method: 'GET',
    url: '/v1/feeds/calendar',
    guard: 'reader',
    summary:
      'When vendors of what is installed here release, as their own history shows, and when the next is expected',
    reply: calendar,
    handle: async () => {
      const fleet = deps.fleet();
      const now = clock.now();
      const { streams, elsewhere } = await readHistory(store.read.feeds, fleet);
      const today = now.toString().slice(0, 10);
      const ages = await feedAges(store.read.feeds, now);
      const releases = streams.map(({ vendor, product, from, dates }) => {
        const knownUntil = endOf(from, ages, today);
        const { cadence, first, last, next, dates: seen } = rhythmOf(dates, today, knownUntil);

        return {
          ...{ vendor, product, from: [...from], cadence: cadence.type, words: cadenceInWords(cadence) },
          ...{ releases: seen, first, last, knownUntil, next },
        };
      });

      return {
        ...{ now: now.toString(), complete: fleet.complete, elsewhere },
        releases: releases.sort(soonestFirst),
        ends: [...(await readEnds(store.read.feeds, fleet))],
      };
    },
  });

  addRoute(app, {
    method: 'GET',
    url: '/v1/reports/vendors',
    guard: 'reader',
    summary:
      'Days from the publication of a CVE to its fix by vendor and product: median, p90, worst, and what is not known',
    reply: vendorReport,
    handle: async () => {
      const fleet = deps.fleet();
      const { fixed, open, published } = await readHistory(store.read.feeds, fleet);

      return {
        ...{ now: clock.now().toString(), complete: fleet.complete, cannot: CANNOT },
        vendors: [...delaysOf(fixed, open, published)],
      };
    },
  });
}

/** The last day that any of the feeds knows; what is not stale knows today. */
function endOf(from: readonly string[], ages: readonly FeedAge[], today: string): string {
  const days = ages.flatMap(({ name, stale, asOf, importedAt }) => {
    const end = stale ? (asOf ?? importedAt)?.slice(0, 10) : today;

    return from.includes(name) && end !== undefined ? [end < today ? end : today] : [];
  });

  return days.sort().at(-1) ?? today;
}

/** What nobody can expect comes last. */
function soonestFirst(
  a: { readonly next: { readonly date: string } | null; readonly vendor: string; readonly product: string | null },
  b: typeof a,
): number {
  const [left, right] = [a.next?.date ?? '9999', b.next?.date ?? '9999'];
  if (left !== right) return left < right ? -1 : 1;

  return `${a.vendor} ${a.product ?? ''}`.localeCompare(`${b.vendor} ${b.product ?? ''}`, 'en');
}

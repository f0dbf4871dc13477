// Feeds: how each stands, updating them, and taking a file of one. Both take longer than a request: they answer with work that can be
// asked about, and a file comes in pieces.
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import type { JobView } from '../../feeds/keeping/jobs.ts';
import type { FeedView } from '../../feeds/keeping/standing.ts';
import { PIECE_BYTES } from '../../feeds/keeping/uploads.ts';
import {
  type feed,
  feedImport,
  feedJob,
  feedJobs,
  feedName,
  feeds,
  feedsUpdate,
  feedUpdate,
  feedUpload,
  newUpload,
} from '../contract/feeds.ts';
import { selectText } from '../contract/select.ts';
import type { ApiDeps } from '../deps.ts';
import { addRoute } from '../route.ts';
import { choose, readSelect } from '../selecting.ts';
import { FEED_WORDS } from '../words/feeds.ts';
import { bytesOf } from './imports.ts';

const named = z.strictObject({ name: feedName });
const numbered = z.strictObject({ id: z.uuid() });

export function addFeeds(app: FastifyInstance, deps: ApiDeps): void {
  addRoute(app, {
    method: 'GET',
    url: '/v1/feeds',
    guard: 'reader',
    summary: 'What is known about vulnerabilities, feed by feed: how old, how much, and what went wrong',
    query: z.strictObject({ select: selectText }),
    reply: feeds,
    handle: async ({ query }) => {
      const select = readSelect(query.select, FEED_WORDS);
      const { chosen, selection } = await choose(await deps.feeds.list(), select, deps.clock.now());

      return { feeds: chosen.map(shownFeed), selection };
    },
  });

  addRoute(app, {
    method: 'POST',
    url: '/v1/feeds/update',
    guard: 'admin',
    summary: 'Ask the publishers of several feeds now',
    body: feedsUpdate,
    reply: feedJobs,
    handle: async ({ body: { names, acceptShrunk = false }, actor }) => {
      const started = await deps.feeds.update(names, { by: actor, acceptShrunk });

      return { jobs: started.map(shownJob) };
    },
  });

  addRoute(app, {
    method: 'POST',
    url: '/v1/feeds/:name/update',
    guard: 'admin',
    summary: 'Ask the publisher of one feed now',
    params: named,
    body: feedUpdate,
    reply: feedJobs,
    handle: async ({ params, body: { acceptShrunk = false }, actor }) => {
      const started = await deps.feeds.update([params.name], { by: actor, acceptShrunk });

      return { jobs: started.map(shownJob) };
    },
  });

  addRoute(app, {
    method: 'GET',
    url: '/v1/feeds/jobs/:id',
    guard: 'reader',
    summary: 'How far an update or import is, and how it ended',
    params: numbered,
    reply: feedJob,
    handle: async ({ params }) => shownJob(deps.feeds.job(params.id)),
  });

  addRoute(app, {
    method: 'POST',
    url: '/v1/feeds/uploads',
    guard: 'admin',
    summary: 'Announce a file of a feed, which then comes in pieces',
    body: newUpload,
    reply: feedUpload,
    handle: ({ body, actor }) => deps.feeds.uploads.begin({ name: body.file, bytes: body.bytes, by: actor }),
  });

  addRoute(app, {
    method: 'POST',
    url: '/v1/feeds/uploads/:id',
    guard: 'admin',
    summary: 'The next piece of a file, as it is',
    params: numbered,
    query: z.strictObject({ offset: z.coerce.number().int().nonnegative() }),
    bodyLimit: PIECE_BYTES,
    reply: feedUpload,
    handle: ({ params, query, request, actor }) =>
      deps.feeds.uploads.add(params.id, actor, query.offset, bytesOf(request.body)),
  });

  addRoute(app, {
    method: 'POST',
    url: '/v1/feeds/import',
    guard: 'admin',
    summary: 'Take a file that has arrived as the whole data of its feed',
    body: feedImport,
    reply: feedJob,
    handle: async ({ body: { upload, feed: name, acceptShrunk = false }, actor }) =>
      shownJob(deps.feeds.import(upload, { by: actor, feed: name ?? null, acceptShrunk })),
  });
}

function shownFeed({ state, ...view }: FeedView): z.input<typeof feed> {
  const { name, title, serves, sources, wanted, standing, ageMs, staleAfterMs, next } = view;

  return {
    ...{ name, title, serves: [...serves], sources: [...sources], wanted, standing, ageMs, staleAfterMs, next },
    ...{ asOf: state?.asOf ?? null, importedAt: state?.importedAt ?? null, checkedAt: state?.checkedAt ?? null },
    ...{ records: state?.records ?? 0, skipped: state?.skipped ?? 0 },
    ...{ sha256: state?.sha256 ?? null, generation: state?.generation ?? null },
    error: (state?.error ?? null) as z.input<typeof feed>['error'],
  };
}

function shownJob({ result, error, ...view }: JobView): z.input<typeof feedJob> {
  return {
    ...view,
    error: error === null ? null : { ...error },
    result: result === null ? null : { ...result, problems: [...result.problems] },
  };
}

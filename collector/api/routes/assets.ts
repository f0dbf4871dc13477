// Lists of machines that ought to exist: what every share of machines is a share of.
import type { Timestamp } from '@selvage/shared/model/ids.ts';
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { createListImporting } from '../../assets/importing.ts';
import { MAX_LIST_BYTES } from '../../assets/reading.ts';
import { assetQuery, assets, assetsImported, sourceName } from '../contract/assets.ts';
import { selectText } from '../contract/select.ts';
import type { ApiDeps } from '../deps.ts';
import { addRoute } from '../route.ts';
import { choose, readSelect } from '../selecting.ts';
import { ASSET_WORDS } from '../words/assets.ts';
import { bytesOf } from './imports.ts';

export function addAssets(app: FastifyInstance, { store, clock }: ApiDeps): void {
  const importing = createListImporting({ store, clock });
  const all = async (source?: string, text?: string): Promise<z.input<typeof assets>> => {
    const select = readSelect(text, ASSET_WORDS);
    const [lists, found] = await Promise.all([store.read.assets.lists(), store.read.assets.all(source)]);

    const rows = found.map((each) => ({ ...each, names: [...each.names], macs: [...each.macs] }));
    const { chosen, selection } = await choose(rows, select, clock.now());

    return {
      lists: lists.filter((list) => source === undefined || list.source === source),
      assets: [...chosen],
      selection,
    };
  };

  addRoute(app, {
    method: 'GET',
    url: '/v1/assets',
    guard: 'reader',
    summary: 'The machines that ought to exist, with where each list is from',
    query: z.strictObject({ source: sourceName.optional(), select: selectText }),
    reply: assets,
    handle: ({ query }) => all(query.source, query.select),
  });

  addRoute(app, {
    method: 'POST',
    url: '/v1/assets',
    guard: 'admin',
    summary: 'Take a list of machines that ought to exist, in the place of the one from the same source',
    query: assetQuery,
    bodyLimit: MAX_LIST_BYTES,
    reply: assetsImported,
    handle: async ({ query, request, actor }) => {
      const done = await importing({ ...query, bytes: bytesOf(request.body), by: actor });

      return {
        ...done,
        added: [...done.added],
        removed: [...done.removed],
        skipped: [...done.skipped],
        notes: [...done.notes],
      };
    },
  });

  addRoute(app, {
    method: 'POST',
    url: '/v1/assets/:source/remove',
    guard: 'admin',
    summary: 'Forget a list: its machines are expected no more',
    params: z.strictObject({ source: sourceName }),
    reply: assets,
    handle: async ({ params, actor }) => {
      const at = clock.now().toString() as Timestamp;
      await store.transaction(async (writers) => {
        await writers.assets.remove(params.source);
        await writers.audit.append({ at, actor, action: 'assets.removed', subject: params.source });
      });

      return all();
    },
  });
}

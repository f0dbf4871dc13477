// Machines without an agent: what somebody carried here in a file, as the newest that is known of each.

import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import type { Timestamp } from '@selvage/shared/model/ids.ts';
import { labelsFlaw, parseLabels } from '@selvage/shared/model/labels.ts';
import { systemRandom } from '@selvage/shared/random.ts';
import { flawIn } from '@selvage/shared/text/printable.ts';
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { MAX_ARCHIVE_BYTES } from '../../imports/archive.ts';
import { createImporting } from '../../imports/importing.ts';
import { hasText, runningFlag } from '../contract/hunt.ts';
import { FILE_TYPE, importDetail, imported, imports } from '../contract/imports.ts';
import { selectText } from '../contract/select.ts';
import { hostName } from '../contract.ts';
import type { ApiDeps } from '../deps.ts';
import { found } from '../found.ts';
import { hunting } from '../hunting.ts';
import { importDetailOf, sameMachine, selectImports, shownImport } from '../imported.ts';
import { addRoute } from '../route.ts';

const MAX_OWNER = 200;
const MAX_REASON = 2048;
const params = z.strictObject({ name: z.string().min(1).max(253) });
const labels = z
  .union([z.string(), z.array(z.string())])
  .transform((given) => [given].flat())
  .optional();
const flag = z
  .enum(['true', 'false'])
  .transform((value) => value === 'true')
  .optional();

export function addImports(app: FastifyInstance, deps: ApiDeps): void {
  const { store, clock, events } = deps;
  const importing = createImporting({ store, clock, random: systemRandom });
  const recordOf = (name: string) =>
    found(store.read.imports.byName(name.toLowerCase()), `no machine called ${name} was imported`);

  // Bytes, for the routes that take files; how many is each route's own limit.
  app.addContentTypeParser(FILE_TYPE, { parseAs: 'buffer' }, (_request, body, done) => done(null, body));

  addRoute(app, {
    method: 'GET',
    url: '/v1/imports',
    guard: 'reader',
    summary: 'Machines without an agent, as they were when somebody collected them',
    query: z.strictObject({ select: selectText, has: hasText, running: runningFlag }),
    reply: imports,
    handle: async ({ query: { select, ...query } }) => {
      const selected = await selectImports(deps, select);
      const { chosen, hunt } = await hunting(deps, query, selected.chosen, ({ id, name }) => ({
        key: `import:${name}`,
        id,
        name,
      }));

      return { imports: chosen.map(shownImport), selection: selected.selection, hunt };
    },
  });

  addRoute(app, {
    method: 'GET',
    url: '/v1/imports/:name',
    guard: 'reader',
    summary: 'One machine without an agent, with what was imported of it before',
    params,
    reply: importDetail,
    handle: async ({ params }) => importDetailOf(deps, await recordOf(params.name)),
  });

  addRoute(app, {
    method: 'POST',
    url: '/v1/imports',
    guard: 'admin',
    summary: 'Take the file that collect.sh wrote on a machine without an agent',
    bodyLimit: MAX_ARCHIVE_BYTES,
    query: z.strictObject({
      name: hostName,
      label: labels,
      owner: z.string().min(1).max(MAX_OWNER).optional(),
      fileDate: z.iso.datetime({ offset: true }).optional(),
      replace: flag,
      replaceOlder: flag,
    }),
    reply: imported,
    handle: async ({ query, request, actor }) => {
      const { label, owner, ...rest } = query;
      const given = label === undefined ? undefined : parseLabels(label);
      const flaw = (given && labelsFlaw(given)) ?? (owner === undefined ? null : flawIn(owner, MAX_OWNER));
      if (flaw !== null && flaw !== undefined) throw new CodedError('REQUEST_INVALID', flaw);
      const { record, before, unchanged } = await importing({
        ...rest,
        labels: given,
        owner,
        bytes: bytesOf(request.body),
        by: actor,
      });
      if (!unchanged) events.publish({ type: 'import.changed', name: record.name });
      const { problems } = await importDetailOf(deps, record);

      return {
        host: shownImport(record),
        replaced: unchanged ? null : (before?.asOf ?? null),
        unchanged,
        problems,
        sameMachineAs: [...(await sameMachine(store, record))],
      };
    },
  });

  addRoute(app, {
    method: 'POST',
    url: '/v1/imports/:name/retire',
    guard: 'admin',
    summary: 'The machine is no more: its import is history',
    params,
    body: z.strictObject({ reason: z.string().max(MAX_REASON).optional() }),
    reply: importDetail,
    handle: async ({ params, body, actor }) => {
      const { name, state } = await recordOf(params.name);
      if (state !== 'current')
        throw new CodedError('NOT_FOUND', `${name} is known from a file no more: it is ${state}`);
      const at = clock.now().toString() as Timestamp;
      await store.transaction(async ({ imports, audit }) => {
        await imports.retire(name, at, actor);
        await audit.append({ at, actor, action: 'host.retired', subject: name, details: { imported: true, ...body } });
      });

      events.publish({ type: 'import.changed', name });

      return importDetailOf(deps, await recordOf(name));
    },
  });
}

/** Throws REQUEST_INVALID for a body of another kind. */
export function bytesOf(body: unknown): Uint8Array {
  if (body instanceof Uint8Array && body.length > 0) return body;
  throw new CodedError('REQUEST_INVALID', `body: the file itself is wanted, as ${FILE_TYPE}`);
}

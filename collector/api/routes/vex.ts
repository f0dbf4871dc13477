// VEX: statements of others in, our own words about findings out. What is imported takes findings off the list, so it needs an admin and
// is in the ledger; everything stays countable.
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { vexSteps } from '../../vex/export.ts';
import { fixedWords } from '../../vex/fixed-words.ts';
import { createVexImporting, removeVex } from '../../vex/importing.ts';
import { MAX_VEX_BYTES } from '../../vex/reading.ts';
import { gatherWords } from '../../vex/words.ts';
import { selectText } from '../contract/select.ts';
import { vexDocuments, vexExported, vexExportQuery, vexId, vexImported, vexQuery } from '../contract/vex.ts';
import type { ApiDeps } from '../deps.ts';
import { inTurns } from '../in-turns.ts';
import { addRoute } from '../route.ts';
import { selectedMachines } from '../selected-machines.ts';
import { choose, readSelect } from '../selecting.ts';
import { VEX_WORDS } from '../words/vex.ts';
import { bytesOf } from './imports.ts';

export function addVex(app: FastifyInstance, deps: ApiDeps): void {
  const { store, clock, fleet, suppress } = deps;
  const importing = createVexImporting(deps);
  const list = async (text?: string) => {
    const select = readSelect(text, VEX_WORDS);
    const { chosen, selection } = await choose(await store.read.vex.documents(), select, clock.now());

    return { documents: [...chosen], selection };
  };

  addRoute(app, {
    method: 'GET',
    url: '/v1/vex',
    guard: 'reader',
    summary: 'The VEX documents that were imported, with who brought them',
    query: z.strictObject({ select: selectText }),
    reply: vexDocuments,
    handle: ({ query }) => list(query.select),
  });

  addRoute(app, {
    method: 'POST',
    url: '/v1/vex',
    guard: 'admin',
    summary: 'Take a VEX document of somebody else: OpenVEX or CSAF',
    query: vexQuery,
    bodyLimit: MAX_VEX_BYTES,
    reply: vexImported,
    handle: async ({ query, request, actor }) => {
      const done = await importing({ file: query.file, bytes: bytesOf(request.body), by: actor });

      return { ...done, elsewhere: [...done.elsewhere] };
    },
  });

  addRoute(app, {
    method: 'POST',
    url: '/v1/vex/:id/remove',
    guard: 'admin',
    summary: 'Forget a VEX document: what it took off the list counts again',
    params: z.strictObject({ id: vexId }),
    reply: vexDocuments,
    handle: async ({ params, actor }) => {
      await removeVex(deps, params.id, actor);

      return list();
    },
  });

  addRoute(app, {
    method: 'GET',
    url: '/v1/vex/export',
    guard: 'reader',
    summary: 'What this collector says of its findings, as OpenVEX or CSAF',
    query: vexExportQuery,
    reply: vexExported,
    long: true,
    handle: async ({ query }) => {
      const machines = await selectedMachines(deps, query.select);
      const options = { now: clock.now(), suppressions: suppress() };
      const open = await inTurns(gatherWords(fleet(), machines, options));
      const fixed = query.fixed === true ? await fixedWords(fleet(), machines, store.read.feeds) : [];
      const words = [...open, ...fixed];
      const facts = {
        author: `the Selvage collector ${new URL(deps.addresses().api).host}`,
        at: clock.now().round({ smallestUnit: 'second', roundingMode: 'floor' }).toString(),
        version: deps.version,
      };

      return {
        document: await inTurns(vexSteps(query.format, words, facts)),
        statements: words.length,
        machines: machines.length,
        complete: fleet().complete,
        unknown: machines.filter((machine) => machine.unknown !== null).map(({ name }) => name),
      };
    },
  });
}

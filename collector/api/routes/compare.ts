// Reports of other scanners held against findings. The file is read in a thread of its own; what each scanner said of each machine is kept.
import type { FastifyInstance } from 'fastify';
import type { z } from 'zod';
import { type Compared, createComparing } from '../../compare/comparing.ts';
import type { Line } from '../../compare/joining.ts';
import { MAX_REPORT_BYTES } from '../../compare/reading.ts';
import { spreadsheetSteps } from '../../compare/spreadsheet.ts';
import { wordSteps } from '../../compare/words.ts';
import { vexSteps } from '../../vex/export.ts';
import { type COMPARE_OUTPUTS, compared, compareQuery } from '../contract/compare.ts';
import type { ApiDeps } from '../deps.ts';
import { inTurns } from '../in-turns.ts';
import { jsonSteps } from '../json-text.ts';
import { addRoute } from '../route.ts';
import { bytesOf } from './imports.ts';

/** Lines of one group in an answer: what a person can look through, and a client can hold. */
const MAX_LINES = 10_000;

type Output = (typeof COMPARE_OUTPUTS)[number];

export function addCompare(app: FastifyInstance, deps: ApiDeps): void {
  const comparing = createComparing(deps);

  addRoute(app, {
    method: 'POST',
    url: '/v1/findings/compare',
    guard: 'admin',
    summary: 'Hold the report of another scanner against findings: agreed, answered, open, ours only',
    query: compareQuery,
    bodyLimit: MAX_REPORT_BYTES,
    long: true,
    reply: compared,
    handle: async ({ query, request, actor }) => {
      const done = await comparing({ ...query, bytes: bytesOf(request.body), by: actor });

      return shown(done, query.as, deps);
    },
  });
}

async function shown(done: Compared, as: Output, deps: ApiDeps): Promise<z.input<typeof compared>> {
  const groups = { agreed: done.agreed, answered: done.answered, open: done.open, oursOnly: done.oursOnly };
  const listed = Object.entries(groups).map(([group, lines]) => [
    group,
    as === 'groups' ? lines.slice(0, MAX_LINES).map(lineOf) : [],
  ]);
  const lists = Object.fromEntries(listed) as Record<keyof typeof groups, ReturnType<typeof lineOf>[]>;
  const left = Object.values(groups).reduce((sum, lines) => sum + Math.max(0, lines.length - MAX_LINES), 0);
  const answers = Map.groupBy(done.answered, ({ kind }) => kind ?? 'fixed');

  return {
    ...{ scanner: done.scanner, format: done.format, sha256: done.sha256, withoutCve: done.withoutCve },
    complete: done.complete,
    counts: {
      ...{ agreed: done.agreed.length, answered: done.answered.length, open: done.open.length },
      oursOnly: done.oursOnly.length,
    },
    answers: Object.fromEntries([...answers].map(([kind, lines]) => [kind, lines.length])),
    machines: done.machines.map((machine) => ({ ...machine })),
    unknownHosts: done.unknownHosts.map((host) => ({ ...host })),
    ...lists,
    leftOut: as === 'groups' ? left : 0,
    file: await fileOf(done, as, deps),
  };
}

async function fileOf(done: Compared, as: Output, { addresses, clock, version }: ApiDeps): Promise<string | null> {
  if (as === 'groups') return null;
  if (as === 'csv') return inTurns(spreadsheetSteps(done));
  const words = await inTurns(wordSteps(done));
  const document = await inTurns(
    vexSteps('openvex', words, {
      author: `the Selvage collector ${new URL(addresses().api).host}`,
      at: clock.now().round({ smallestUnit: 'second', roundingMode: 'floor' }).toString(),
      version,
    }),
  );

  return inTurns(jsonSteps(document, 2));
}

function lineOf({ software, evidence, ...line }: Line) {
  return {
    ...line,
    installed: software?.version ?? null,
    evidence: evidence.map(({ feed, feedAsOf, record, rule, fixed, says }) => ({
      ...{ feed, feedAsOf, record, rule, fixed, says },
    })),
  };
}

// Fixes: one source package at one version, the hosts that need it, and what was decided. Made anew from what hosts
// report; nothing here decides anything.

import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import type { ApprovalDocument } from '@selvage/shared/policy/documents.ts';
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { concernedBy, fixSteps } from '../../fixes/fixes.ts';
import { packagesOf, unknownHosts, updatesOf } from '../../fixes/hosts.ts';
import type { SectionOfHost } from '../../store/ports.ts';
import { selectText } from '../contract/select.ts';
import { fix, fixes } from '../contract.ts';
import type { ApiDeps } from '../deps.ts';
import { selectFixes, shownFix } from '../fix-select.ts';
import { inTurns } from '../in-turns.ts';
import { addRoute } from '../route.ts';

export function addFixes(app: FastifyInstance, deps: ApiDeps): void {
  const { store, policy, clock } = deps;
  const gather = async () => {
    const { hosts, inventory, results } = store.read;
    const [records, updates, current] = await Promise.all([
      hosts.list(),
      Array.fromAsync(inventory.eachSection('updates')),
      policy.current(),
    ]);
    const approvals = current.documents.flatMap(({ document }): ApprovalDocument[] =>
      document.kind === 'Approval' ? [document] : [],
    );
    const reported = await Promise.all(approvals.map(({ name }) => results.ofApproval(name)));
    const perHost = updatesOf(records, updates);
    const isConcerned = concernedBy(perHost, reported.flat(), approvals);
    // Of all that is installed, what some fix is about: everything, of a whole fleet, does not fit into memory.
    const packages: SectionOfHost<'packages'>[] = [];
    for await (const section of inventory.eachSection('packages')) {
      packages.push({ ...section, data: section.data?.filter(isConcerned) ?? null });
    }

    const found = fixSteps(perHost, packagesOf(records, packages), reported.flat(), approvals, clock.now());

    return {
      fixes: await inTurns(found),
      unknown: unknownHosts(perHost),
    };
  };

  addRoute(app, {
    method: 'GET',
    url: '/v1/fixes',
    guard: 'reader',
    summary: 'Fixes that hosts need or that were decided upon, and the hosts nothing is known of',
    query: z.strictObject({ select: selectText }),
    reply: fixes,
    handle: ({ query }) => selectFixes(deps, query.select, gather),
  });

  addRoute(app, {
    method: 'GET',
    url: '/v1/fixes/:id',
    guard: 'reader',
    summary: 'One fix, by <source>@<version>',
    params: z.strictObject({ id: z.string().min(1).max(300) }),
    reply: fix,
    handle: async ({ params }) => {
      const found = (await gather()).fixes.find(({ id }) => id === params.id);
      if (!found) throw new CodedError('NOT_FOUND', `no host needs ${params.id} and nobody decided upon it`);

      return shownFix(found);
    },
  });
}

// Proposals of policy: a mailbox between those who want a change and those whose signature hosts believe.
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { decline, propose } from '../../policy/proposing.ts';
import { declineRequest, proposalNumber, proposalRequest, proposals, proposed } from '../contract/proposals.ts';
import { selectText } from '../contract/select.ts';
import type { ApiDeps } from '../deps.ts';
import { proposalView } from '../proposal-view.ts';
import { addRoute } from '../route.ts';
import { choose, readSelect } from '../selecting.ts';
import { PROPOSAL_WORDS } from '../words/proposals.ts';

/** Of those that were signed or declined, in the list. */
const CLOSED_SHOWN = 20;
/** Bytes: documents as JSON. */
const LIMIT_BYTES = 4 * 1024 * 1024;

export function addProposals(app: FastifyInstance, deps: ApiDeps): void {
  const { store, clock } = deps;
  const list = async (text?: string) => {
    const select = readSelect(text, PROPOSAL_WORDS);
    const views = (await store.read.proposals.list(CLOSED_SHOWN)).map(proposalView);
    const { chosen, selection } = await choose(views, select, clock.now());

    return { proposals: [...chosen], selection };
  };

  addRoute(app, {
    method: 'GET',
    url: '/v1/policy/proposals',
    guard: 'reader',
    summary: 'Changes of policy that wait to be signed, and those that were signed or declined last',
    query: z.strictObject({ select: selectText }),
    reply: proposals,
    handle: ({ query }) => list(query.select),
  });

  addRoute(app, {
    method: 'POST',
    url: '/v1/policy/proposals',
    guard: 'admin',
    summary: 'Propose documents for somebody else to sign; nothing changes by it',
    body: proposalRequest,
    bodyLimit: LIMIT_BYTES,
    reply: proposed,
    handle: async ({ body, actor }) => ({ number: await propose(deps, { ...body, by: actor }) }),
  });

  addRoute(app, {
    method: 'POST',
    url: '/v1/policy/proposals/:number/decline',
    guard: 'admin',
    summary: 'Take a proposal off the list unsigned',
    params: z.strictObject({ number: proposalNumber }),
    body: declineRequest,
    reply: proposals,
    handle: async ({ params, body, actor }) => {
      await decline(deps, { number: params.number, reason: body.reason, by: actor });

      return list();
    },
  });
}

// Proposals of policy: a mailbox between those who want a change and those whose signature hosts believe.
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { decline, propose } from '../../policy/proposing.ts';
import {
  declineRequest,
  offered,
  offerRequest,
  proposalNumber,
  proposalRequest,
  proposals,
  proposed,
  signedFiles,
} from '../contract/proposals.ts';
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
/** Bytes: the same and the metadata that names them, as JSON text in JSON. */
const SIGNED_LIMIT_BYTES = 16 * 1024 * 1024;

export function addProposals(app: FastifyInstance, deps: ApiDeps): void {
  const { store, clock, policy } = deps;
  const list = async (text?: string) => {
    const select = readSelect(text, PROPOSAL_WORDS);
    const [records, admins, { versions }] = await Promise.all([
      store.read.proposals.list(CLOSED_SHOWN),
      store.read.admins.list(),
      policy.current(),
    ]);
    const facts = { admins, versions, now: clock.now() };
    const views = records.map((record) => proposalView(record, facts));
    const { chosen, selection } = await choose(views, select, facts.now);

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
    method: 'GET',
    url: '/v1/policy/proposals/:number/files',
    guard: 'reader',
    summary: 'What is signed of a proposal, byte for byte; empty while nobody has signed',
    params: z.strictObject({ number: proposalNumber }),
    reply: signedFiles,
    handle: async ({ params }) => ({
      metadata: (await store.read.proposals.files(params.number)).map((file) => ({ ...file })),
    }),
  });

  addRoute(app, {
    method: 'POST',
    url: '/v1/policy/signatures',
    guard: 'admin',
    summary: 'Hand in what needs the signatures of several admins, or another signature on it',
    body: offerRequest,
    bodyLimit: SIGNED_LIMIT_BYTES,
    reply: offered,
    handle: async ({ body, actor }) => {
      const { number, timestampVersion, signatures } = await policy.offer({
        metadata: body.metadata.map(({ name, content }) => ({ name, bytes: Buffer.from(content) })),
        targets: body.targets.map(({ path, content }) => ({ path, bytes: Buffer.from(content) })),
        ...{ note: body.note, by: actor, proposal: body.proposal ?? null },
      });

      return { number, timestampVersion, signatures: { ...signatures, from: [...signatures.from] } };
    },
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

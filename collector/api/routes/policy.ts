// The signed policy repository for those who sign: its current files out, newly signed files in. The policy room checks
// a push as an agent would before it stores anything.
import type { FastifyInstance } from 'fastify';
import { onlineKeys, policyFiles, pushed, pushRequest } from '../contract.ts';
import type { ApiDeps } from '../deps.ts';
import { addRoute } from '../route.ts';

/** Bytes of a push: a few hundred documents and their metadata, as JSON text in JSON. */
const PUSH_LIMIT_BYTES = 16 * 1024 * 1024;

export function addPolicy(app: FastifyInstance, { policy }: ApiDeps): void {
  addRoute(app, {
    method: 'GET',
    url: '/v1/policy',
    guard: 'reader',
    summary: 'Every file of the signed policy repository',
    reply: policyFiles,
    handle: async () => {
      const { timestampVersion, files } = await policy.current();

      return {
        timestampVersion,
        files: files.map(({ name, sha256, bytes }) => ({
          name,
          sha256,
          content: Buffer.from(bytes).toString('utf8'),
        })),
      };
    },
  });

  addRoute(app, {
    method: 'POST',
    url: '/v1/policy',
    guard: 'admin',
    summary: 'Store newly signed metadata and documents',
    body: pushRequest,
    reply: pushed,
    bodyLimit: PUSH_LIMIT_BYTES,
    handle: async ({ body, actor }) => {
      const { timestampVersion } = await policy.push({
        metadata: body.metadata.map(({ name, content }) => ({ name, bytes: Buffer.from(content) })),
        targets: body.targets.map(({ path, content }) => ({ path, bytes: Buffer.from(content) })),
        by: actor,
        recovers: body.recovers ?? null,
        proposal: body.proposal ?? null,
      });

      return { timestampVersion };
    },
  });

  addRoute(app, {
    method: 'POST',
    url: '/v1/policy/online-keys',
    guard: 'admin',
    summary: 'Make new keys for snapshot and timestamp, for a root that an admin signs next',
    reply: onlineKeys,
    handle: async ({ actor }) => {
      const { snapshot, timestamp } = await policy.proposeOnlineKeys(actor);

      return { snapshot: snapshot.publicKey, timestamp: timestamp.publicKey };
    },
  });
}

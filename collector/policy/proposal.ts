// What an admin pushes, as far as it can be judged before signatures are: names, versions, documents. Pure.
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import { sha256 } from '@selvage/shared/files/canonical.ts';
import { decodeDocuments } from '@selvage/shared/policy/decode.ts';
import { MAX_ROOT_STEPS } from '@selvage/shared/policy/limits.ts';
import { decodeMetadata, parseJson } from '@selvage/shared/policy/metadata.ts';
import type { RoleFile } from '@selvage/shared/policy/online.ts';
import { delegatorOf } from '@selvage/shared/policy/roles.ts';
import type { Proposal } from '@selvage/shared/policy/sign.ts';

const METADATA_NAME = /^([1-9]\d{0,14})\.([a-z0-9][a-z0-9-]{0,63})\.json$/;

/**
 * The pushed metadata by role. Throws POLICY_SIGNATURES for snapshot and timestamp (only the collector makes those) and
 * POLICY_INVALID for what is no metadata of a role that admins sign.
 */
export function pushedRoles(proposal: Proposal): readonly RoleFile[] {
  if (proposal.metadata.length === 0) throw new CodedError('POLICY_INVALID', 'the push holds no metadata');

  const roles = proposal.metadata.map(({ name, bytes }): RoleFile => {
    const match = METADATA_NAME.exec(name);
    const role = match?.[2] ?? name.replace(/\.json$/, '');
    if (role === 'snapshot' || role === 'timestamp') {
      throw new CodedError('POLICY_SIGNATURES', `${name} is made by the collector, never pushed`, {
        details: { name },
      });
    }
    if (!match || (role !== 'root' && role !== 'targets' && delegatorOf(role) === null)) {
      throw new CodedError('POLICY_INVALID', `${name} is no metadata that admins sign`, { details: { name } });
    }
    const { signed } = decodeMetadata(role === 'root' ? 'root' : 'targets', name, bytes);
    if (`${signed.version}` !== match[1]) {
      throw new CodedError('POLICY_INVALID', `${name} says it is version ${signed.version}`, { details: { name } });
    }

    return { role, version: signed.version, bytes };
  });
  // Roots are a chain and may come several at once, in order; of any other role the last version is all there is.
  const names = new Set(roles.map(({ role, version }) => (role === 'root' ? `${version}.root` : role)));
  if (names.size !== roles.length) throw new CodedError('POLICY_INVALID', 'the push holds a role twice');

  return roles.toSorted((one, other) => one.version - other.version);
}

/**
 * Throws POLICY_CONFLICT unless each role is the version after the one that is stored: two admins who changed the same
 * role started from the same version, and the second must see what the first did. `lead`: how far ahead a role may be
 * instead, for a push that says itself what it is on top of; roots never leave a gap.
 */
export function checkVersions(roles: readonly RoleFile[], stored: Readonly<Record<string, number>>, lead = 1): void {
  const known = new Map(Object.entries(stored));

  for (const { role, version } of roles) {
    const current = known.get(role) ?? 0;
    const furthest = current + (role === 'root' ? 1 : lead);
    if (version <= current || version > furthest) {
      throw new CodedError(
        'POLICY_CONFLICT',
        `${role} is at version ${current}; version ${version} does not follow it`,
        {
          details: { role, current, pushed: version },
        },
      );
    }
    known.set(role, version);
  }
  if ((known.get('root') ?? 0) > MAX_ROOT_STEPS) {
    throw new CodedError('POLICY_INVALID', `a repository has at most ${MAX_ROOT_STEPS} roots`, {
      next: 'rotate keys less often; a new collector begins a new chain of roots',
    });
  }
}

/**
 * Throws DOCUMENT_INVALID or DOCUMENT_NOT_SUPPORTED with every problem of the pushed documents, and POLICY_INVALID for a
 * document that no pushed role names with this very hash.
 */
export function checkTargets(proposal: Proposal, roles: readonly RoleFile[]): void {
  const named = new Set<string>();
  for (const { role, version, bytes } of roles) {
    if (role === 'root') continue;
    const { signed } = decodeMetadata('targets', `${version}.${role}.json`, bytes);
    for (const [path, target] of Object.entries(signed.targets)) named.add(`${path} ${target.hashes.sha256}`);
  }
  const stray = proposal.targets.find(({ path, bytes }) => !named.has(`${path} ${sha256(bytes)}`));
  if (stray) {
    throw new CodedError('POLICY_INVALID', `no pushed metadata names ${stray.path} with these bytes`, {
      details: { path: stray.path },
    });
  }
  decodeDocuments(proposal.targets.map(({ path, bytes }) => parseJson(path, bytes)));
}

// What a restored collector has lost, worked out from what was verified here before and from what hosts say they hold. Pure.
import { verifyAccepted } from '@selvage/shared/policy/accepted.ts';
import { MAX_VERSION_LEAD } from '@selvage/shared/policy/limits.ts';
import { decodeMetadata, type RootSigned } from '@selvage/shared/policy/metadata.ts';
import { monthOf } from '@selvage/shared/policy/roles.ts';
import type { Proposal } from '@selvage/shared/policy/sign.ts';
import type { AcceptedPolicy, TrustedPolicy } from '@selvage/shared/policy/trusted-set.ts';

export interface Lost {
  /** Names of the metadata that comes back. */
  readonly names: readonly string[];
  readonly proposal: Proposal;
  /** The last root that comes back, null when no root was lost. */
  readonly root: RootSigned | null;
  /** The highest version of snapshot or timestamp that was seen here. */
  readonly online: number;
  /** Roles whose version was given twice, to different content: once before the restore and once after it. */
  readonly differs: readonly string[];
}

export interface Held {
  readonly role: string;
  readonly version: number;
  /** Names of hosts that say so; some of them. */
  readonly hosts: readonly string[];
}

const ROOT = /^(\d+)\.root\.json$/;
const ONLINE: readonly string[] = ['timestamp', 'snapshot'];

/** Everything that was verified here and is newer than what the collector has. Throws when what was kept is damaged. */
export function lostOf(seen: AcceptedPolicy, theirs: TrustedPolicy): Lost {
  const remembered = verifyAccepted(seen);
  const roots = seen.files
    .flatMap((file) => {
      const version = Number(ROOT.exec(file.name)?.[1] ?? 0);

      return version > theirs.signed.root.version ? [{ version, ...file }] : [];
    })
    .toSorted((one, other) => one.version - other.version);
  const bytesOf = new Map(seen.files.map((file) => [file.name, file]));
  const theirBytes = new Map(theirs.accepted.files.map((file) => [file.name, file]));
  const roles = Object.entries(remembered.signed.roles).map(([role, signed]) => ({
    role,
    signed,
    name: `${signed.version}.${role}.json`,
    theirs: theirs.versions[role] ?? 0,
  }));
  const ahead = roles.filter(({ signed, theirs: version }) => signed.version > version);
  const metadata = [...roots, ...ahead].flatMap(({ name }) => {
    const file = bytesOf.get(name);

    return file ? [{ name, bytes: file.bytes }] : [];
  });
  const paths = new Set(ahead.flatMap(({ signed }) => Object.keys(signed.targets)));
  const last = roots.at(-1);

  return {
    names: metadata.map(({ name }) => name),
    proposal: {
      metadata,
      targets: seen.files.flatMap(({ name, bytes }) => (paths.has(name) ? [{ path: name, bytes }] : [])),
    },
    root: last ? decodeMetadata('root', last.name, last.bytes).signed : null,
    online: Math.max(remembered.versions.snapshot ?? 0, remembered.versions.timestamp ?? 0),
    differs: roles
      .filter(({ signed, theirs: version }) => signed.version === version)
      .filter(({ name }) => bytesOf.get(name)?.sha256 !== theirBytes.get(name)?.sha256)
      .map(({ role }) => role),
  };
}

export function onlineDiffers(one: RootSigned, other: RootSigned): boolean {
  return (['snapshot', 'timestamp'] as const).some(
    (role) => one.roles[role].keyids.join() !== other.roles[role].keyids.join(),
  );
}

/**
 * Versions to sign above, per role, from what hosts say they have accepted. A host may lie: what is too far ahead is
 * `beyond`, as is a root, which nobody can sign without the keys of the one before.
 */
export function aboveHeld(
  held: readonly Held[],
  versions: TrustedPolicy['versions'],
): {
  readonly above: Readonly<Record<string, number>>;
  readonly beyond: readonly Held[];
  /** Months of approvals that hosts know and nobody here does. */
  readonly missing: readonly string[];
} {
  const ahead = held.filter(({ role, version }) => !ONLINE.includes(role) && version > (versions[role] ?? 0));
  const isBeyond = ({ role, version }: Held) => role === 'root' || version >= (versions[role] ?? 0) + MAX_VERSION_LEAD;
  const usable = ahead.filter((each) => !isBeyond(each) && versions[each.role] !== undefined);
  const above: Record<string, number> = {};
  for (const { role, version } of usable) above[role] = Math.max(above[role] ?? 0, version);

  return {
    above,
    beyond: ahead.filter(isBeyond),
    missing: ahead.flatMap(({ role }) => (versions[role] === undefined && monthOf(role) !== null ? [role] : [])),
  };
}

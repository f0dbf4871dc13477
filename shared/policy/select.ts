// Does a PatchPolicy select a host? One answer for the runner that acts on it and the collector that shows it. Pure.
// Only what the host says of itself is looked at: labels set elsewhere could move a host into a wider policy.
import type { PatchPolicyDocument } from './documents.ts';

export interface SelectableHost {
  readonly id: string;
  readonly name: string;
  /** os-release(5) ID, ID_LIKE and VERSION_ID; null while no inventory says. */
  readonly os: { readonly id: string; readonly idLike: readonly string[]; readonly version: string } | null;
  /** Labels of the host's own settings; null while it has not reported any. */
  readonly labels: Readonly<Record<string, readonly string[]>> | null;
}

export type Selection = 'selected' | 'not selected' | 'unknown';

/** The family every host of this agent belongs to so far. */
const FAMILY = 'linux';

/**
 * Every property of `select` that is given must match; a policy without any selects every host. `unknown` when what is not
 * known of the host decides it: whoever acts must take that as no.
 */
export function selectionOf({ select }: PatchPolicyDocument, host: SelectableHost): Selection {
  const answers = [
    select.os === undefined ? true : matchesOs(select.os, host.os),
    select.hosts === undefined ? true : select.hosts.some((wanted) => wanted === host.name || wanted === host.id),
    select.labels === undefined ? true : matchesLabels(select.labels, host.labels),
  ];
  if (answers.includes(false)) return 'not selected';

  return answers.includes(null) ? 'unknown' : 'selected';
}

/** `linux`, `debian` (also by ID_LIKE), or `debian-12`: the ID itself with its version, exactly. */
function matchesOs(wanted: string, os: SelectableHost['os']): boolean | null {
  if (wanted === FAMILY) return true;
  if (os === null) return null;

  return [os.id, ...os.idLike].includes(wanted) || (os.version !== '' && wanted === `${os.id}-${os.version}`);
}

function matchesLabels(
  wanted: NonNullable<PatchPolicyDocument['select']['labels']>,
  labels: SelectableHost['labels'],
): boolean | null {
  if (Object.keys(wanted).length === 0) return true;
  if (labels === null) return null;

  return Object.entries(wanted).every(([name, allowed]) => {
    const own = Object.hasOwn(labels, name) ? (labels[name] ?? []) : [];

    return allowed.some((value) => own.includes(value));
  });
}

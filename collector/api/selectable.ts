// A host as signed documents see it: what its own settings say. Labels and owner of the collector are left out on purpose,
// so that no list, preview or page can count a host into a policy by them.
import type { SelectableHost } from '@selvage/shared/policy/select.ts';

type Row = SelectableHost & { readonly state: string };

export function selectableOf({ id, name, os, labels }: SelectableHost): SelectableHost {
  return { id, name, os: os && { id: os.id, idLike: os.idLike, version: os.version }, labels };
}

/** Those that get policy: not the pending, revoked or retired ones. */
export function selectableHosts(rows: readonly Row[]): readonly SelectableHost[] {
  return rows.filter(({ state }) => state === 'active').map(selectableOf);
}

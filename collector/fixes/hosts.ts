// Puts what the store knows of each host that counts into the form that fixes are made from. Pure. A host that has not
// reported stays in the list, as unknown: it never just drops out.
import { counts } from '../host-state.ts';
import type { HostRecord, SectionOfHost } from '../store/ports.ts';
import type { HostPackages, HostUpdates, UnknownHost } from './fix.ts';

const NEVER_REPORTED = 'the host has not reported yet';

export function updatesOf(
  hosts: readonly HostRecord[],
  sections: readonly SectionOfHost<'updates'>[],
): readonly HostUpdates[] {
  const byHost = new Map(sections.map((section) => [section.host, section]));

  return active(hosts).map(({ id, name }) => {
    const section = byHost.get(id);
    const problem = section ? (section.problem?.reason ?? null) : NEVER_REPORTED;

    return { id, name, takenAt: section?.takenAt ?? null, updates: section?.data ?? null, problem };
  });
}

export function packagesOf(
  hosts: readonly HostRecord[],
  sections: readonly SectionOfHost<'packages'>[],
): readonly HostPackages[] {
  const byHost = new Map(sections.map((section) => [section.host, section]));

  return active(hosts).map(({ id }) => ({ id, packages: byHost.get(id)?.data ?? null }));
}

/** The hosts whose updates are not known, with the reason; "0 updates" may not be said of them. */
export function unknownHosts(hosts: readonly HostUpdates[]): readonly UnknownHost[] {
  return hosts.flatMap((host) => {
    const reason = whyUnknown(host);

    return reason === null ? [] : [{ id: host.id, name: host.name, reason }];
  });
}

/** Null exactly when the host's pending updates are known. */
export function whyUnknown({ updates, problem }: HostUpdates): string | null {
  if (updates === null) return problem ?? 'the updates of the host could not be taken';
  if (updates.known) return null;

  return updates.reasons
    .map(({ repository, reason }) => (repository === null ? reason : `${repository}: ${reason}`))
    .join('; ');
}

function active(hosts: readonly HostRecord[]): readonly HostRecord[] {
  return hosts.filter(counts);
}

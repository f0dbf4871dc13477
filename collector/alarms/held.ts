// Which versions of signed policy hosts say they have accepted, as they said last. In memory only: after a restart every
// host says it again. A hint, never a fact: a host may lie, and nothing is signed or refused on the word of one.

import { type Code, isCode } from '@selvage/shared/errors/codes.ts';
import type { HostId } from '@selvage/shared/model/ids.ts';
import { delegatorOf } from '@selvage/shared/policy/roles.ts';
import type { PolicyHeld } from '@selvage/shared/wire/wire.ts';
import type { Behind, Refusing } from './alarms.ts';

/** Hosts that are named per role. */
const MAX_NAMES = 20;
/** Distinct lists of versions that are shared: a fleet holds a few at a time. */
const MAX_LISTS = 64;

interface Said {
  readonly name: string;
  readonly roles: readonly { readonly role: string; readonly version: number }[];
  readonly problem: Code | null;
}

export class HeldPolicy {
  readonly #hosts = new Map<HostId, Said>();
  readonly #lists = new Map<string, Said['roles']>();

  note({ id, name }: { readonly id: HostId; readonly name: string }, { roles, problem }: PolicyHeld): void {
    this.#hosts.set(id, { name, roles: this.#shared(roles), problem: isCode(problem) ? problem : null });
  }

  /** Nearly all hosts of a fleet hold the same versions, so they share one list; the last few distinct ones are kept. */
  #shared(said: PolicyHeld['roles']): Said['roles'] {
    // Only roles of the fixed table; snapshot and timestamp are ahead again by their number alone, which holds the time.
    const roles = said
      .filter(({ role }) => role === 'root' || role === 'targets' || delegatorOf(role) !== null)
      .map(({ role, version }) => ({ role, version: Number(version) }))
      // The wire has 64 bits, signed metadata has not: nobody holds such a version, and no answer of the API could say it.
      .filter(({ version }) => Number.isSafeInteger(version));
    const key = JSON.stringify(roles);
    const known = this.#lists.get(key);
    if (known) return known;
    const [oldest] = this.#lists.keys();
    if (this.#lists.size >= MAX_LISTS && oldest !== undefined) this.#lists.delete(oldest);
    this.#lists.set(key, roles);

    return roles;
  }

  forget(id: HostId): void {
    this.#hosts.delete(id);
  }

  /** Roles of which some host has accepted a later version than `here`, a later one per role with who says so. */
  ahead(here: Readonly<Record<string, number>>): readonly Behind[] {
    const found = new Map<string, { version: number; count: number; hosts: string[] }>();

    for (const { name, roles } of this.#hosts.values()) {
      for (const { role, version } of roles) {
        if (version <= (here[role] ?? 0)) continue;
        const known = found.get(role) ?? { version: 0, count: 0, hosts: [] };
        known.count += 1;
        known.version = Math.max(known.version, version);
        if (known.hosts.length < MAX_NAMES) known.hosts.push(name);
        found.set(role, known);
      }
    }

    return [...found]
      .map(([role, known]) => ({ role, here: here[role] ?? 0, ...known }))
      .toSorted((one, other) => one.role.localeCompare(other.role));
  }

  /** Hosts that did not accept what they were offered last, by the code of why. */
  refusing(): readonly Refusing[] {
    const byCode = Map.groupBy(
      [...this.#hosts.values()].flatMap(({ name, problem }) => (problem === null ? [] : [{ name, problem }])),
      ({ problem }) => problem,
    );

    return [...byCode].map(([code, hosts]) => ({
      code,
      count: hosts.length,
      hosts: hosts.slice(0, MAX_NAMES).map(({ name }) => name),
    }));
  }
}

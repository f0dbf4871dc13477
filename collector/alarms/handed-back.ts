// Alarms about hosts that have handed themselves back to their own updaters, because no fresh policy reached them: they are patched,
// but not by what is approved here. Pure, as ./alarms.ts.
interface HandedBackAlarm {
  readonly severity: 'urgent';
  readonly kind: 'host-fallback';
  readonly subject: string;
  readonly ends: null;
  readonly message: string;
  readonly stops: string;
  readonly next: string;
}

export interface HandedBack {
  readonly name: string;
  readonly since: string | null;
}

/** Hosts that are named one by one; the others are counted in one more alarm. */
const MAX_NAMED = 50;

export function handedBackAlarms(hosts: readonly HandedBack[]): readonly HandedBackAlarm[] {
  const sorted = hosts.toSorted((one, other) => (one.name < other.name ? -1 : 1));
  const more = sorted.length - MAX_NAMED;

  return [
    ...sorted.slice(0, MAX_NAMED).map(({ name, since }) => alarm(name, `host ${name} handed itself back`, since)),
    ...(more > 0 ? [alarm(`${more} more hosts`, `${more} more hosts handed themselves back`, null)] : []),
  ];
}

function alarm(subject: string, what: string, since: string | null): HandedBackAlarm {
  return {
    ...{ severity: 'urgent', kind: 'host-fallback', subject, ends: null },
    message: `${what} to its own updaters${since === null ? '' : ` at ${since}`}: no fresh policy reached it`,
    stops: 'nothing that is approved here is installed there; its own updaters install instead',
    next: 'let it reach this collector: with fresh policy it takes over again by itself',
  };
}

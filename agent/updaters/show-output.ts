// What `systemctl show` prints about units, read. Pure.
import { CodedError } from '@selvage/shared/errors/coded-error.ts';

export interface ShownUnit {
  readonly name: string;
  readonly state: string;
  readonly active: string;
  readonly next: Temporal.Instant | null;
}

const TIME = /^[A-Z][a-z]{2} (\d{4}-\d{2}-\d{2}) (\d{2}:\d{2}:\d{2})(?:\.\d+)? UTC$/;

/*
 * With TZ=UTC; one block for each name that was asked for, in that order, an empty line between two:
 *   Id=apt-daily-upgrade.timer
 *   LoadState=loaded
 *   UnitFileState=enabled
 *   ActiveState=active
 *   NextElapseUSecRealtime=Tue 2026-11-24 06:21:09 UTC
 * A unit that does not exist has LoadState=not-found and no UnitFileState; a timer that will not elapse has no time, or n/a.
 */
/** The units that exist, by the name they were asked for. Throws PARSE. */
export function parseShow(text: string, names: readonly string[]): readonly ShownUnit[] {
  const blocks = text.trim().split(/\n{2,}/);
  if (blocks.length !== names.length) {
    throw new CodedError('PARSE', `systemctl show told of ${blocks.length} units where ${names.length} were asked for`);
  }

  return names.flatMap((name, index) => {
    const facts = new Map(
      (blocks[index] ?? '').split('\n').map((line) => {
        const at = line.indexOf('=');

        return [line.slice(0, at), line.slice(at + 1)] as const;
      }),
    );
    const load = facts.get('LoadState');
    const active = facts.get('ActiveState');
    if (load === undefined || active === undefined) {
      throw new CodedError('PARSE', `systemctl show does not tell the state of ${name}`);
    }
    if (load === 'not-found') return [];
    const state = facts.get('UnitFileState') || (load === 'masked' ? 'masked' : 'static');

    return [{ name, state, active, next: timeOf(facts.get('NextElapseUSecRealtime') ?? '', name) }];
  });
}

function timeOf(text: string, name: string): Temporal.Instant | null {
  // 2^64-1 microseconds is how an old systemd writes "never".
  if (text === '' || text === 'n/a' || text === '0' || text === 'infinity' || text === '18446744073709551615')
    return null;
  const [, day, time] = TIME.exec(text) ?? [];
  if (day === undefined || time === undefined) {
    throw new CodedError('PARSE', `systemctl show gives a time of ${name} that is not understood: ${text}`);
  }

  return Temporal.Instant.from(`${day}T${time}Z`);
}

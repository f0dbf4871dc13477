// Leases of ISC's DHCP server: dhcpd.leases(5). Pure. It is a log: of several entries for an address the last one counts.
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import type { AssetFormat, Flaw } from '../format.ts';
import { fromLeases, type Lease, secondsOf } from '../leases.ts';

const HEAD = /^\s*lease\s+([0-9.]+)\s*\{/;
const FREE = ['free', 'expired', 'released', 'abandoned', 'backup', 'reset'];

export const ISC_DHCP: AssetFormat = {
  name: 'isc-dhcp',
  about: 'dhcpd.leases of ISC dhcpd',
  gone: 'leases that have ended, were given back or abandoned',
  identity: 'none',
  // Blanks of one line only: a table may end in very many empty ones.
  detect: (text) => /^[ \t]*lease[ \t]+[0-9.]+[ \t]*\{/m.test(text),
  parse: (text, now) => {
    const leases = new Map<string, Lease>();
    const flaws: Flaw[] = [];
    let open: { readonly address: string; readonly line: number; readonly lines: string[] } | null = null;

    for (const [index, line] of text.split('\n').entries()) {
      const address = HEAD.exec(line)?.[1];
      if (address !== undefined) {
        if (open) throw cut(open);
        open = { address, line: index + 1, lines: [] };
      } else if (open && /^\s*\}\s*$/.test(line)) {
        const read = leaseOf(open);
        if (typeof read === 'string') flaws.push({ line: open.line, message: read });
        else if (read) leases.set(open.address, read);
        open = null;
      } else open?.lines.push(line.trim());
    }
    if (open) throw cut(open);

    return fromLeases([...leases.values()], flaws, now);
  },
};

/*
 * lease 10.0.0.5 {
 *   ends 5 2026/05/15 02:07:17;
 *   binding state active;
 *   hardware ethernet 00:11:22:33:44:55;
 *   client-hostname "host1";
 * }
 */
/** Null for one that never was anybody's. */
function leaseOf({
  address,
  line,
  lines,
}: {
  readonly address: string;
  readonly line: number;
  readonly lines: readonly string[];
}): Lease | string | null {
  const value = (key: RegExp) => lines.map((each) => key.exec(each)?.[1]).find((found) => found !== undefined);
  const mac = value(/^hardware\s+\S+\s+([0-9a-fA-F:]+);/);
  const state = value(/^binding state\s+(\S+);/) ?? 'active';
  if (mac === undefined) return FREE.includes(state) ? null : `the lease of ${address} has no hardware address`;
  const said = value(/^ends\s+(.+?);/);
  const ends = said === undefined || said === 'never' ? null : timeOf(said);
  if (ends === undefined) return `the lease of ${address} ends ${JSON.stringify(said)}, which is no time`;

  return {
    ...{ line, address, mac, ends },
    hostname: value(/^client-hostname\s+"((?:[^"\\]|\\.)*)";/)?.replaceAll(/\\([0-7]{3}|.)/g, unescaped) ?? null,
    held: !FREE.includes(state),
  };
}

/** `5 2026/05/15 02:07:17` in UTC, or `epoch 1780000000`. */
function timeOf(text: string): Temporal.Instant | undefined {
  const epoch = /^epoch (\d+)$/.exec(text)?.[1];
  if (epoch !== undefined) return secondsOf(epoch);
  const [, year, month, day, time] = /^\d (\d{4})\/(\d\d)\/(\d\d) (\d\d:\d\d:\d\d)/.exec(text) ?? [];
  if (time === undefined) return undefined;

  try {
    return Temporal.Instant.from(`${year}-${month}-${day}T${time}Z`);
  } catch {
    return undefined;
  }
}

function unescaped(_whole: string, code: string): string {
  return code.length === 3 ? String.fromCharCode(Number.parseInt(code, 8)) : code;
}

function cut({ address, line }: { readonly address: string; readonly line: number }): CodedError {
  return new CodedError('ASSETS_INVALID', `line ${line}: the lease of ${address} has no end: nothing was imported`);
}

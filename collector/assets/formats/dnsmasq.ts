// Leases of dnsmasq: dnsmasq.leases, one a line. Pure.
import type { AssetFormat, Flaw } from '../format.ts';
import { fromLeases, type Lease, secondsOf } from '../leases.ts';

const LINE = /^(\d{1,12}) ((?:[0-9a-f]{2}-)?(?:[0-9a-f]{2}:){5}[0-9a-f]{2}) ([0-9.]+) (\S+) (\S+)$/i;
/** From this line on they are of DHCPv6, by ids that are no addresses of cards. */
const V6 = /^duid /;

export const DNSMASQ: AssetFormat = {
  name: 'dnsmasq',
  about: 'dnsmasq.leases of dnsmasq',
  gone: 'leases that have ended',
  identity: 'none',
  detect: (text) => LINE.test(text.split('\n', 1)[0]?.trim() ?? ''),
  /*
   * 1780000000 00:11:22:33:44:55 10.0.0.5 host1 01:00:11:22:33:44:55
   */
  parse: (text, now) => {
    const leases: Lease[] = [];
    const flaws: Flaw[] = [];
    let later = 0;
    let isV6 = false;

    for (const [index, whole] of text.split('\n').entries()) {
      const line = whole.trim();
      if (line === '') continue;
      if (V6.test(line)) isV6 = true;
      else if (isV6) later += 1;
      else {
        const [, expires, mac, address, hostname] = LINE.exec(line) ?? [];
        if (expires === undefined || mac === undefined || address === undefined) {
          flaws.push({ line: index + 1, message: 'it is no lease' });
          continue;
        }
        // 0: it never ends.
        const ends = expires === '0' ? null : (secondsOf(expires) ?? null);
        leases.push({ line: index + 1, address, mac: mac.slice(-17), hostname: hostname ?? null, ends, held: true });
      }
    }
    const parsed = fromLeases(leases, flaws, now);

    return later === 0
      ? parsed
      : { ...parsed, notes: [`${later} leases of IPv6 were left out: they name no card by which a machine is known`] };
  },
};

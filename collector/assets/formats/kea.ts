// Leases of Kea: the file kea-leases4.csv of its memfile backend. Pure. It is a log: of several lines for an address the last one
// counts.
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import type { AssetFormat, Flaw } from '../format.ts';
import { fromLeases, type Lease, secondsOf } from '../leases.ts';

const FIRST = 'address,hwaddr,client_id,valid_lifetime,expire,subnet_id,fqdn_fwd,fqdn_rev,hostname,state';
/** Kea's lease states: 0 is held; 1 declined, 2 expired and taken back, 3 released, 4 registered. */
const HELD = '0';

export const KEA: AssetFormat = {
  name: 'kea',
  about: 'kea-leases4.csv of Kea',
  gone: 'leases that have ended, were declined or given back',
  identity: 'none',
  detect: (text) => text.startsWith(FIRST),
  parse: (text, now) => {
    const [titles = '', ...lines] = text.split('\n');
    const names = titles.trim().split(',');
    if (!titles.startsWith(FIRST))
      throw new CodedError('ASSETS_INVALID', 'line 1 has not the titles of Kea: nothing was imported');
    const leases = new Map<string, Lease>();
    const flaws: Flaw[] = [];

    for (const [index, whole] of lines.entries()) {
      const cells = whole.trim().split(',');
      const at = index + 2;
      if (whole.trim() === '') continue;
      const cell = (name: string) => cells[names.indexOf(name)] ?? '';
      const ends = secondsOf(cell('expire'));
      if (cells.length !== names.length || ends === undefined) {
        flaws.push({
          line: at,
          message: cells.length === names.length ? 'expire is no time' : `it has ${cells.length} cells`,
        });
        continue;
      }
      const [address, mac] = [cell('address'), cell('hwaddr')];
      // A lifetime of 0 takes the entry back; a registered one without a card belongs to nobody.
      if (cell('valid_lifetime') === '0' || mac === '') leases.delete(address);
      else {
        const hostname = cell('hostname').replaceAll('&#x2c', ',').replace(/[.]$/, '');
        leases.set(address, { ...{ line: at, address, mac, hostname, ends }, held: cell('state') === HELD });
      }
    }

    return fromLeases([...leases.values()], flaws, now);
  },
};

import { BlockList, isIP } from 'node:net';
import { describe, expect, it } from 'vitest';
import { fc } from '../testing/properties.ts';
import { isInside, parseAddress, parseNetwork } from './cidr.ts';

const v4 = fc.ipV4();
const v6 = fc.ipV6();
const inside = (address: string, network: string) => {
  const [one, other] = [parseAddress(address), parseNetwork(network)];

  return one !== null && other !== null && isInside(one, other);
};

describe('when addresses are read', () => {
  it('those are taken that the system takes, and no others', () => {
    const near = fc.string({ unit: fc.constantFrom('0', '1', '9', 'f', '255', ':', '::', '.', 'g'), maxLength: 12 });
    fc.assert(
      fc.property(fc.oneof(v4, v6, near), (text) => {
        expect(parseAddress(text) !== null).toBe(isIP(text) !== 0);
      }),
      { numRuns: 3000 },
    );
  });

  it.each([
    '10.0.0.1/8',
    '10.0.0.0/33',
    '10.0.0.0/08',
    '10.0.0.0/',
    '/8',
    '10.0.0.0/8/8',
    '2001:db8::1/32',
    '::/129',
    '',
    'fe80::%1/64',
    '1.2.3.4::/64',
  ])('%j is no network', (text) => expect(parseNetwork(text)).toBeNull());
});

describe('when an address is looked for in a network', () => {
  it('the answer is that of the system', () => {
    fc.assert(
      fc.property(fc.oneof(v4, v6), fc.oneof(v4, v6), fc.nat(32), (address, base, prefix) => {
        const family = isIP(base) === 4 ? 'ipv4' : 'ipv6';
        const own = isIP(address) === 4 ? 'ipv4' : 'ipv6';
        const network = parseAddress(base);
        // The network in which the base lies, so that no bits behind the prefix are set.
        const shift = BigInt((network?.bits ?? 0) - prefix);
        const start = { bits: network?.bits ?? 32, value: ((network?.value ?? 0n) >> shift) << shift, prefix };
        const list = new BlockList();
        list.addSubnet(base, prefix, family);
        const parsed = parseAddress(address);
        fc.pre(
          parsed !== null &&
            parsed.bits === (own === 'ipv4' ? 32 : 128) &&
            start.bits === (family === 'ipv4' ? 32 : 128),
        );

        expect(parsed !== null && isInside(parsed, start)).toBe(own === family && list.check(address, own));
      }),
      { numRuns: 2000 },
    );
  });

  it.each([
    ['10.20.0.7', '10.0.0.0/8', true],
    ['11.0.0.1', '10.0.0.0/8', false],
    ['::ffff:10.20.0.7', '10.0.0.0/8', true],
    ['10.20.0.7', '::ffff:10.0.0.0/104', true],
    ['10.20.0.7', '0.0.0.0/0', true],
    ['2001:db8::7', '::/0', true],
    ['10.20.0.7', '::/0', false],
    ['fe80::1%eth0', 'fe80::/10', true],
  ])('%s in %s: %s', (address, network, expected) => expect(inside(address, network)).toBe(expected));
});

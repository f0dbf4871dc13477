import { fc } from '@selvage/shared/testing/properties.ts';
import { describe, expect, it } from 'vitest';
import { isWithin, networkOf } from './networks.ts';

const code = (expected: string) => expect.objectContaining({ code: expected });

describe('when a network is read', () => {
  it.each([
    ['10.20.0.0/16', '10.20.0.0/16'],
    [' 10.20.3.4 ', '10.20.3.4/32'],
    ['0.0.0.0/0', '0.0.0.0/0'],
    ['2001:DB8::/32', '2001:db8::/32'],
    ['2001:0db8:0000:0000:0000:0000:0000:0001', '2001:db8::1/128'],
    ['::/0', '::/0'],
    // IPv4 as a socket for both families writes it.
    ['::ffff:10.20.0.0/112', '10.20.0.0/16'],
    ['::ffff:a14:0/112', '10.20.0.0/16'],
  ])('%s is kept as %s', (text, kept) => {
    expect(networkOf(text)).toBe(kept);
    expect(networkOf(kept)).toBe(kept);
  });

  it.each([
    ...['', '/', '10.20.0.0/', '10.20.0.0/33', '10.20.0.0/-1', '10.20.0.0/16/8', '10.20.0.0/1e1', '10.20.0/16'],
    ...['010.0.0.0/8', '2001:db8::/129', ':::/0', 'fe80::1%eth0%x/64', 'example.org', '10.0.0.0/8 ,10.1.0.0/16'],
    ...['::ffff:10.0.0.0/95', '::ffff:10.0.0.0/8', '10.0.0.0/\u0661', `10.0.0.0/${'8'.repeat(1000)}`],
  ])('%j is refused', (text) => {
    expect(() => networkOf(text)).toThrow(code('USAGE'));
  });

  it('bits after the prefix are a slip, and the network that is meant is named', () => {
    expect(() => networkOf('10.20.3.4/16')).toThrow(/the network is 10\.20\.0\.0\/16$/);
    expect(() => networkOf('2001:db8::1/32')).toThrow(/the network is 2001:db8::\/32$/);
  });
});

describe('when an address is asked for', () => {
  it.each([
    ['10.20.255.255', ['10.20.0.0/16'], true],
    ['10.21.0.0', ['10.20.0.0/16'], false],
    ['::ffff:10.20.1.1', ['10.20.0.0/16'], true],
    ['::ffff:a14:101', ['10.20.0.0/16'], true],
    ['::10.20.1.1', ['10.20.0.0/16'], false],
    ['2001:db8:ffff::1', ['10.0.0.0/8', '2001:db8::/32'], true],
    ['2001:db9::1', ['2001:db8::/32'], false],
    // An IPv4 network is no IPv6 network with the same first bits, and all of one family are not all of the other.
    ['a14::1', ['10.20.0.0/16'], false],
    ['10.0.0.1', ['::/0'], false],
    ['2001:db8::1', ['0.0.0.0/0'], false],
    ['fe80::1%eth0', ['fe80::/10'], true],
    ['', ['0.0.0.0/0', '::/0'], false],
    ['10.20.0.1, 10.0.0.1', ['0.0.0.0/0'], false],
    ['10.20.0.1', [], false],
  ])('%j in %j: %j', (address, networks, within) => {
    expect(isWithin(address, networks)).toBe(within);
  });

  it('it is within exactly those networks that have its first bits', () => {
    const ipv4 = fc.integer({ min: 0, max: 0xffffffff });
    const text = (value: number) => [24, 16, 8, 0].map((shift) => (value >>> shift) & 255).join('.');
    fc.assert(
      fc.property(ipv4, ipv4, fc.integer({ min: 0, max: 32 }), (address, other, bits) => {
        const first = bits === 0 ? 0 : (other >>> (32 - bits)) << (32 - bits);
        const within = bits === 0 || address >>> (32 - bits) === other >>> (32 - bits);
        const network = networkOf(`${text(first)}/${bits}`);

        expect(isWithin(text(address), [network])).toBe(within);
        expect(isWithin(`::ffff:${text(address)}`, [network])).toBe(within);
      }),
    );
  });

  it('an IPv6 address is within every network made of its own first bits, and in none that differs in the last of them', () => {
    const ipv6 = fc.array(fc.integer({ min: 0, max: 0xffff }), { minLength: 8, maxLength: 8 });
    const text = (groups: readonly number[]) => groups.map((group) => group.toString(16)).join(':');
    const cut = (groups: readonly number[], bits: number) =>
      groups.map((group, index) => {
        const kept = Math.min(16, Math.max(0, bits - index * 16));

        return kept === 0 ? 0 : (group >>> (16 - kept)) << (16 - kept);
      });
    fc.assert(
      fc.property(ipv6, fc.integer({ min: 1, max: 128 }), (groups, bits) => {
        fc.pre(!(groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff));
        const at = Math.floor((bits - 1) / 16);
        const flipped = groups.map((group, index) => (index === at ? group ^ (1 << (15 - ((bits - 1) % 16))) : group));
        fc.pre(!(flipped.slice(0, 5).every((group) => group === 0) && flipped[5] === 0xffff));

        expect(isWithin(text(groups), [networkOf(`${text(cut(groups, bits))}/${bits}`)])).toBe(true);
        expect(isWithin(text(groups), [networkOf(`${text(cut(flipped, bits))}/${bits}`)])).toBe(false);
      }),
    );
  });
});

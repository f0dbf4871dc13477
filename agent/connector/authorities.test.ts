import { X509Certificate } from 'node:crypto';
import type { Authority } from '@selvage/shared/pki/authority.ts';
import { endorse } from '@selvage/shared/pki/endorsement.ts';
import { generateKey } from '@selvage/shared/pki/keys.ts';
import type { EndorsedAuthority } from '@selvage/shared/wire/wire.ts';
import { describe, expect, it } from 'vitest';
import { nextAuthorities, voucherOf } from './authorities.ts';
import { makeAuthority } from './testing/collector.ts';
import { certificateFor } from './testing/identity-folder.ts';

const [first, second, third, stranger] = ['1', '2', '3', 'stranger'].map((name) => makeAuthority(name)) as [
  Authority,
  Authority,
  Authority,
  Authority,
];
const bare = ({ certificate }: Authority): EndorsedAuthority => ({
  certificate,
  endorsedBy: null,
  endorsement: new Uint8Array(0),
});
const by = (endorser: Authority, { certificate }: Authority): EndorsedAuthority => ({
  certificate,
  ...endorse({ endorser, certificate }),
});
const issuedBy = (authority: Authority, usage: 'client' | 'server' = 'client') =>
  new X509Certificate(certificateFor({ authority, publicKey: generateKey().publicKey, usage }));
const next = (trusted: readonly Authority[], named: readonly EndorsedAuthority[], vouched = [issuedBy(first)]) =>
  nextAuthorities({ trusted: trusted.map(({ certificate }) => certificate), named, vouched });
const pems = (...authorities: Authority[]) => authorities.map(({ certificate }) => certificate);

describe('when the collector names an authority', () => {
  it('that a trusted one endorsed, it is trusted, in the order named', () => {
    expect(next([first], [bare(first), by(first, second)])).toEqual(pems(first, second));
  });

  it('that another newcomer endorsed, which a trusted one endorsed, both are: a host was away for two rotations', () => {
    expect(next([first], [by(second, third), bare(first), by(first, second)])).toEqual(pems(third, first, second));
  });

  it.each<[string, readonly EndorsedAuthority[]]>([
    ['nobody endorsed', [bare(first), bare(stranger)]],
    ['endorsed itself', [bare(first), by(stranger, stranger)]],
    ['was endorsed by a stranger', [bare(first), by(stranger, second)]],
    ['was endorsed by a stranger who is named too', [bare(first), by(second, stranger), by(stranger, second)]],
    ['carries the endorsement of another', [bare(first), { ...by(first, second), certificate: stranger.certificate }]],
    [
      'claims a trusted endorser with the signature of another',
      [bare(first), { ...by(stranger, second), endorsedBy: by(first, second).endorsedBy }],
    ],
    ['is no certificate', [bare(first), { ...by(first, second), certificate: 'nonsense' }]],
    [
      'is two certificates',
      [bare(first), { ...by(first, second), certificate: second.certificate + stranger.certificate }],
    ],
    ['is named twice', [bare(first), bare(first)]],
    ['(none at all)', []],
  ])('that %s, nothing changes', (_what, named) => {
    expect(() => next([first], named)).toThrow(expect.objectContaining({ code: 'AUTHORITY_UNKNOWN' }));
  });

  it('that is a host’s certificate, however well endorsed, nothing changes', () => {
    const certificate = issuedBy(first).toString();

    expect(() => next([first], [bare(first), by(first, { certificate, privateKey: '' })])).toThrow(
      expect.objectContaining({ code: 'AUTHORITY_UNKNOWN' }),
    );
  });
});

describe('when an authority is no longer named', () => {
  const both = [first, second];

  it('it goes when neither side needs it any more', () => {
    expect(next(both, [bare(second)], [issuedBy(second), issuedBy(second, 'server')])).toEqual(pems(second));
  });

  it.each<[string, X509Certificate[]]>([
    ['this host', [issuedBy(first), issuedBy(second, 'server')]],
    ['the collector', [issuedBy(second), issuedBy(first, 'server')]],
  ])('it stays while %s still proves itself under it', (_who, vouched) => {
    expect(next(both, [bare(second)], vouched)).toEqual(pems(first, second));
  });

  it('more than four are refused, not cut', () => {
    const many = Array.from({ length: 4 }, (_, index) => makeAuthority(`many ${index}`));
    const named = many.map((one) => by(first, one));

    expect(() => next([first], named)).toThrow(expect.objectContaining({ code: 'AUTHORITY_UNKNOWN' }));
    expect(next([first], named.slice(0, 3))).toHaveLength(4);
  });
});

describe('when it is asked who vouches', () => {
  it('the key counts, not the name', () => {
    const twin = makeAuthority('1');

    expect(voucherOf(issuedBy(first), pems(twin))).toBeNull();
    expect(voucherOf(issuedBy(first), pems(twin, first))).toBe(first.certificate);
  });
});

import type { Timestamp } from '@selvage/shared/model/ids.ts';
import type { PolicyDocument } from '@selvage/shared/policy/documents.ts';
import { hostGroupSample, riskAcceptanceSample } from '@selvage/shared/policy/testing/sample-documents.ts';
import { describe, expect, it } from 'vitest';
import type { VexStatement } from '../store/vex-ports.ts';
import { createConcerns, SUPPRESS_NOTHING } from './suppress.ts';
import { machineSample, productSample, softwareSample, statementSample } from './testing/samples.ts';
import { createSuppress } from './testing/suppress.ts';

const NOW = Temporal.Instant.from('2026-11-20T12:00:00Z');
const CVE = 'CVE-2024-6387';
const plc = machineSample();
const ssh = softwareSample();

const withDocuments = (...documents: PolicyDocument[]) => createSuppress({ documents, statements: [] });
const withWords = (...statements: (Partial<VexStatement> & { author?: string })[]) =>
  createSuppress({
    documents: [],
    statements: statements.map(({ author = 'vendor', ...over }) => ({ author, statement: statementSample(over) })),
  });

describe('when a risk is accepted', () => {
  it('its finding is, with whose word it is, until when and what is done meanwhile', () => {
    const suppress = withDocuments(riskAcceptanceSample());

    expect(suppress(plc, ssh, CVE, NOW)).toEqual({
      state: 'accepted',
      note: expect.stringMatching(
        /ssh-of-the-plant by ann until 2027-04-30, review 2027-01-15: .*; meanwhile: port 22/,
      ),
      until: '2027-05-01T00:00:00Z',
    });
  });

  it.each([
    ['another CVE', plc, ssh, 'CVE-2024-1'],
    ['another package', plc, softwareSample({ name: 'dropbear', source: 'dropbear' }), CVE],
    ['a machine that is not selected', machineSample({ ownLabels: { role: ['web'] } }), ssh, CVE],
    ['a machine whose own labels are not known', machineSample({ ownLabels: null }), ssh, CVE],
    ['a machine that nobody asked for its labels', machineSample({ ownLabels: undefined as never }), ssh, CVE],
  ])('%s counts as before', (_what, machine, software, cve) => {
    expect(withDocuments(riskAcceptanceSample())(machine, software, cve, NOW)).toBeNull();
  });

  it('it ends by itself, and does not begin before its day', () => {
    const suppress = withDocuments(riskAcceptanceSample());
    const at = (text: string) => suppress(plc, ssh, CVE, Temporal.Instant.from(text))?.state ?? null;

    expect(
      ['2026-10-31T23:59:59Z', '2026-11-01T00:00:00Z', '2027-04-30T23:59:59Z', '2027-05-01T00:00:00Z'].map(at),
    ).toEqual([null, 'accepted', 'accepted', null]);
  });

  it('labels that a signed group gives count', () => {
    const group = hostGroupSample({ name: 'plant', hosts: ['plc-1'], labels: { role: ['plc'] } });
    const bare = machineSample({ ownLabels: {} });

    expect(withDocuments(riskAcceptanceSample(), group)(bare, ssh, CVE, NOW)?.state).toBe('accepted');
    expect(withDocuments(riskAcceptanceSample())(bare, ssh, CVE, NOW)).toBeNull();
  });

  it('for a package alone, all its findings are; for CVEs alone, those wherever they are', () => {
    const byPackage = withDocuments(riskAcceptanceSample({ cves: undefined }));
    const byCve = withDocuments(riskAcceptanceSample({ package: undefined }));

    expect(byPackage(plc, ssh, 'CVE-2030-1', NOW)?.state).toBe('accepted');
    expect(byPackage(plc, softwareSample({ name: 'x', source: 'x' }), 'CVE-2030-1', NOW)).toBeNull();
    expect(byCve(plc, softwareSample({ name: 'x', source: 'x' }), CVE, NOW)?.state).toBe('accepted');
  });

  it('the one that lasts longest is named', () => {
    const [short, long] = [
      riskAcceptanceSample({ name: 'short', until: '2027-01-31' }),
      riskAcceptanceSample({ name: 'long' }),
    ];

    expect(withDocuments(short, long)(plc, ssh, CVE, NOW)?.note).toContain('long by ann');
    expect(withDocuments(short, long)(plc, ssh, CVE, Temporal.Instant.from('2027-02-01T00:00:00Z'))?.note).toContain(
      'long',
    );
  });
});

describe('when a VEX statement is about a finding', () => {
  it('the finding is not affected, with whose word that is', () => {
    expect(withWords({ detail: 'sshd is built without it' })(plc, ssh, CVE, NOW)).toEqual({
      state: 'not-affected',
      note: 'VEX of vendor, 2026-11-10: not_affected, vulnerable_code_not_in_execute_path: sshd is built without it',
      until: null,
    });
  });

  it.each([
    ['of another release', 'pkg:deb/debian/openssh?distro=debian-11', false],
    ['of a release that is not understood', 'pkg:deb/debian/openssh?distro=sarge', false],
    ['of a release called like what every object has', 'pkg:deb/debian/openssh?distro=constructor', false],
    ['of such a kind', 'pkg:constructor/openssh', false],
    ['of such a distribution', 'pkg:deb/constructor/openssh', false],
    ['of another distribution', 'pkg:deb/ubuntu/openssh', false],
    ['of the distribution', 'pkg:deb/debian/openssh', true],
    ['of the code name', 'pkg:deb/debian/openssh?distro=bookworm', true],
    ['of this version', 'pkg:deb/debian/openssh@1%3A9.2p1-2%2Bdeb12u1?distro=debian-12', true],
    ['of this version with its epoch apart', 'pkg:deb/debian/openssh@9.2p1-2%2Bdeb12u1?epoch=1&distro=debian-12', true],
    ['of another version', 'pkg:deb/debian/openssh@1%3A9.2p1-2%2Bdeb12u2?distro=debian-12', false],
    [
      'of a binary package of it',
      'pkg:deb/debian/openssh-server@1%3A9.2p1-2%2Bdeb12u1?upstream=openssh&distro=debian-12',
      true,
    ],
    ['of a rebuilt binary package of it', 'pkg:deb/debian/sshd@9%2Bb1?upstream=openssh%401:9.2p1-2%2Bdeb12u1', true],
    ['of another kind', 'pkg:pypi/openssh', false],
    ['of no package at all', 'cpe:/a:openbsd:openssh', false],
  ])('a product %s: %s', (_what, purl, applies) => {
    expect(withWords({ products: [productSample(purl)] })(plc, ssh, CVE, NOW) !== null).toBe(applies);
  });

  it('"fixed" counts for the version that it names, never for all', () => {
    const exact = productSample('pkg:deb/debian/openssh@1%3A9.2p1-2%2Bdeb12u1');

    expect(withWords({ status: 'fixed', products: [exact] })(plc, ssh, CVE, NOW)?.state).toBe('not-affected');
    expect(withWords({ status: 'fixed' })(plc, ssh, CVE, NOW)).toBeNull();
  });

  it('the last word of an author counts, and one who says otherwise is enough for it to count', () => {
    const later = { status: 'affected' as const, at: '2026-11-15T00:00:00Z' as Timestamp };
    const earlier = { ...later, at: '2026-11-01T00:00:00Z' as Timestamp };

    expect(withWords({}, later)(plc, ssh, CVE, NOW)).toBeNull();
    expect(withWords({}, earlier)(plc, ssh, CVE, NOW)?.state).toBe('not-affected');
    expect(withWords({}, { ...earlier, author: 'another' })(plc, ssh, CVE, NOW)).toBeNull();
    expect(
      withWords({}, { ...earlier, author: 'another', status: 'under_investigation' })(plc, ssh, CVE, NOW),
    ).toBeNull();
  });

  it('for one machine it is about that one; for one platform about that', () => {
    const product = productSample('pkg:deb/debian/openssh', { machine: plc.key });
    const red = productSample('pkg:deb/debian/openssh', { ecosystem: 'RedHat:9' });

    expect(withWords({ products: [product] })(plc, ssh, CVE, NOW)?.state).toBe('not-affected');
    expect(withWords({ products: [product] })(machineSample({ key: 'import:x' }), ssh, CVE, NOW)).toBeNull();
    expect(withWords({ products: [red] })(plc, ssh, CVE, NOW)).toBeNull();
  });
});

it('without a word of anybody nothing is looked at', () => {
  expect(withDocuments(hostGroupSample())).toBe(SUPPRESS_NOTHING);
  expect(withWords({ products: [] })).toBe(SUPPRESS_NOTHING);
});

describe('when it is asked what any word may be about', () => {
  it('is whatever some machine could be told, and nothing that no word names', () => {
    const words = {
      documents: [riskAcceptanceSample()],
      statements: [{ author: 'vendor', statement: statementSample() }],
    };
    const concerns = createConcerns(words);

    expect(createSuppress(words)(plc, ssh, CVE, NOW)).not.toBeNull();
    expect(concerns(ssh, CVE)).toBe(true);
    for (const cve of statementSample().vulnerabilities) expect(concerns(ssh, cve)).toBe(true);
    expect(concerns(ssh, 'CVE-1999-1')).toBe(false);
    expect(
      createConcerns({ documents: [riskAcceptanceSample({ cves: undefined, package: 'openssh' })], statements: [] })(
        { name: 'x', source: 'openssh' },
        'CVE-1999-1',
      ),
    ).toBe(true);
  });
});

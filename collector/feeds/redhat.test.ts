import { describe, expect, it } from 'vitest';
import type { FeedSource } from './feed.ts';
import { releaseOf, rpmOf } from './redhat/products.ts';
import { redhat } from './redhat.ts';
import { codeOf, fixture, readAll, sourceOf } from './testing/reading.ts';

const file = (name: string): FeedSource => sourceOf(name, fixture(new URL(`redhat/fixtures/${name}`, import.meta.url)));
const read = (name: string) => readAll(redhat, file(name));

describe('when an advisory is read', () => {
  it('its binary packages are fixed from their version on, epoch and all, and extensions of a minor release are pockets', async () => {
    const { rules, problems } = await read('rhsa-2024_0811.json');

    expect(problems).toEqual([]);
    const sudo = rules.filter(({ package: name }) => name === 'sudo');
    expect(sudo.map(({ ecosystem, pocket, ranges }) => `${ecosystem} ${pocket} ${ranges[0]?.fixed}`).sort()).toEqual([
      'RedHat:8 eus-8.6 0:1.9.5p2-1.el8_6',
      'RedHat:8 eus-8.8 0:1.9.5p2-1.el8_8',
      'RedHat:8 undefined 0:1.9.5p2-1.el8_9',
      'RedHat:9 eus-9.0 0:1.9.5p2-7.el9_0.4',
      'RedHat:9 eus-9.2 0:1.9.5p2-9.el9_2.2',
      'RedHat:9 undefined 0:1.9.5p2-10.el9_3',
    ]);
    expect(new Set(sudo.map(({ names }) => names))).toEqual(new Set(['binary']));
    expect(rules[0]).toMatchObject({
      ...{ record: 'RHSA-2024:0811', urgency: 'Moderate', published: '2024-02-14T00:54:45Z' },
      ...{ ranges: [{ introduced: null, fixed: '0:1.9.5p2-7.el9_0.4', lastAffected: null }] },
    });
    expect(rules[0]?.cves).toEqual(['CVE-2023-28486', 'CVE-2023-28487', 'CVE-2023-42465']);
  });

  it('a package of a module is one of its stream', async () => {
    const { rules } = await read('rhsa-2023_7025.json');

    expect(new Set(rules.map(({ module }) => module))).toEqual(new Set(['ruby:2.5']));
    expect(rules.find(({ package: name }) => name === 'ruby-libs')).toMatchObject({
      ecosystem: 'RedHat:8',
      ranges: [{ introduced: null, fixed: '0:2.5.9-111.module+el8.9.0+19193+435404ae', lastAffected: null }],
    });
    expect(rules.every((rule) => !('pocket' in rule))).toBe(true);
  });

  it('where only the source package is named, the rule says so', async () => {
    const { rules } = await read('rhsa-2024_9371.json');

    expect(rules).toHaveLength(1);
    expect(rules[0]).toMatchObject({ ecosystem: 'RedHat:9', package: 'python3.9', names: 'source' });
  });

  it('builds it calls not affected are no word about the package as such', async () => {
    const { rules } = await read('rhsa-2025_23414.json');

    expect(new Set(rules.map(({ status }) => status))).toEqual(new Set(['fixed']));
    expect(rules[0]).toMatchObject({ ecosystem: 'RedHat:6', ranges: [{ fixed: '32:9.8.2-0.68.rc1.el6_10.17' }] });
    expect(rules[0]?.pocket).toMatch(/^els-6/);
  });

  it('what it says of the CVEs, and that it was announced, come with it', async () => {
    const { cves, bulletins, asOf } = await read('rhsa-2024_0811.json');

    expect(cves.get('CVE-2023-42465')).toMatchObject({
      cvss: [{ version: '3.1', source: 'Red Hat', severity: expect.any(String) }],
      cwe: [expect.stringMatching(/^CWE-/)],
    });
    expect(bulletins).toEqual([
      expect.objectContaining({ id: 'RHSA-2024:0811', vendor: 'Red Hat', published: '2024-02-14T00:54:45Z' }),
    ]);
    expect(asOf).toBe('2025-09-10T15:12:09Z');
  });
});

describe('when the VEX of a CVE is read', () => {
  const product = (product_id: string, helper: unknown) => ({
    category: 'product_version',
    name: product_id,
    product: { name: product_id, product_id, product_identification_helper: helper },
  });
  const source = (name: string) => product(name, { purl: `pkg:rpm/redhat/${name}?arch=src` });
  const within = (release: string, id: string) => ({
    category: 'default_component_of',
    full_product_name: { name: `${id} of ${release}`, product_id: `${release}:${id}` },
    product_reference: id,
    relates_to_product_reference: release,
  });
  const packages = ['curl', 'emacs', 'nano', 'vim', 'zsh', 'tcsh'];
  const nine = 'red_hat_enterprise_linux_9';
  const built = 'zlib-0:1.2.11-40.el9.x86_64';
  const vex = {
    document: {
      category: 'csaf_vex',
      aggregate_severity: { text: 'Moderate' },
      publisher: { name: 'Red Hat Product Security' },
      tracking: { id: 'CVE-2024-12345', initial_release_date: '2024-05-01T00:00:00+00:00' },
    },
    product_tree: {
      branches: [
        {
          category: 'vendor',
          name: 'Red Hat',
          branches: [
            product(nine, { cpe: 'cpe:/o:redhat:enterprise_linux:9' }),
            product('BaseOS-9.4.0.Z.MAIN', { cpe: 'cpe:/o:redhat:enterprise_linux:9::baseos' }),
            product('8Base-RHOSE-4.13', { cpe: 'cpe:/a:redhat:openshift:4.13::el8' }),
            product(built, { purl: 'pkg:rpm/redhat/zlib@1.2.11-40.el9?arch=x86_64&epoch=0' }),
            product('osc-operator', { purl: 'pkg:oci/osc-operator@sha256:00' }),
            product('nodejs:18/nodejs', { purl: 'pkg:rpm/redhat/nodejs?arch=src&rpmmod=nodejs:18' }),
            ...packages.map(source),
          ],
        },
      ],
      relationships: [
        within('BaseOS-9.4.0.Z.MAIN', built),
        within('8Base-RHOSE-4.13', built),
        within(nine, 'osc-operator'),
        within(nine, 'nodejs:18/nodejs'),
        ...packages.map((each) => within(nine, each)),
      ],
    },
    vulnerabilities: [
      {
        cve: 'CVE-2024-12345',
        release_date: '2024-05-01T00:00:00+00:00',
        product_status: {
          fixed: [`BaseOS-9.4.0.Z.MAIN:${built}`, `8Base-RHOSE-4.13:${built}`],
          known_affected: [`${nine}:curl`, `${nine}:emacs`, `${nine}:zsh`, `${nine}:tcsh`, `${nine}:osc-operator`],
          known_not_affected: [`${nine}:nano`, `${nine}:nodejs:18/nodejs`, `${nine}:nowhere`],
          under_investigation: [`${nine}:vim`],
        },
        remediations: [
          {
            category: 'vendor_fix',
            date: '2024-05-09T10:00:00+00:00',
            product_ids: [`BaseOS-9.4.0.Z.MAIN:${built}`],
            url: 'https://access.redhat.com/errata/RHSA-2024:2001',
          },
          { category: 'workaround', details: 'none', product_ids: [`${nine}:curl`, `${nine}:emacs`] },
          { category: 'none_available', details: 'Affected', product_ids: [`${nine}:curl`] },
          { category: 'none_available', details: 'Fix deferred', product_ids: [`${nine}:tcsh`] },
          { category: 'no_fix_planned', details: 'Will not fix', product_ids: [`${nine}:emacs`] },
          { category: 'no_fix_planned', details: 'Out of support scope', product_ids: [`${nine}:zsh`] },
        ],
        threats: [{ category: 'impact', details: 'Low' }],
      },
    ],
  };

  it('each package has the verdict of its remediation', async () => {
    const { rules, bulletins } = await readAll(redhat, sourceOf('cve-2024-12345.json', JSON.stringify(vex)));

    expect(Object.fromEntries(rules.map((rule) => [rule.package, rule.status]))).toEqual({
      ...{ zlib: 'fixed', curl: 'open', emacs: 'ignored', zsh: 'end-of-life', tcsh: 'postponed' },
      ...{ nano: 'not-affected', nodejs: 'not-affected', vim: 'undetermined' },
    });
    expect(rules.find(({ package: name }) => name === 'zlib')).toMatchObject({
      ...{ record: 'RHSA-2024:2001', published: '2024-05-09T10:00:00Z', urgency: 'Low', names: 'binary' },
    });
    expect(rules.find(({ package: name }) => name === 'curl')).toMatchObject({
      ...{ record: 'CVE-2024-12345', names: 'source', published: '2024-05-01T00:00:00Z' },
    });
    expect(rules.find(({ package: name }) => name === 'nodejs')).toMatchObject({ module: 'nodejs:18' });
    expect(bulletins).toEqual([]);
  });

  it('a source that is there alone is not lost beside the binary packages of another', async () => {
    const alone = 'python3.9-0:3.9.19-8.el9.src';
    const own = 'zlib-0:1.2.11-40.el9.src';
    const [{ branches: all = [] } = {}] = vex.product_tree.branches;
    const product_tree = {
      branches: [
        {
          category: 'vendor',
          name: 'Red Hat',
          branches: [
            ...all,
            product(alone, { purl: 'pkg:rpm/redhat/python3.9@3.9.19-8.el9?arch=src&epoch=0' }),
            product(own, { purl: 'pkg:rpm/redhat/zlib@1.2.11-40.el9?arch=src' }),
          ],
        },
      ],
      relationships: [
        ...vex.product_tree.relationships,
        ...[alone, own].map((each) => within('BaseOS-9.4.0.Z.MAIN', each)),
      ],
    };
    const fixed = [built, alone, own].map((each) => `BaseOS-9.4.0.Z.MAIN:${each}`);
    const vulnerabilities = [{ cve: 'CVE-2024-12345', product_status: { fixed } }];
    const { rules } = await readAll(
      redhat,
      sourceOf('a.json', JSON.stringify({ ...vex, product_tree, vulnerabilities })),
    );

    expect(rules.map(({ package: name, names }) => [name, names]).sort()).toEqual([
      ['python3.9', 'source'],
      ['zlib', 'binary'],
    ]);
  });

  it('an advisory of the same content only says what it fixes', async () => {
    const document = { ...vex.document, category: 'csaf_security_advisory' };
    const { rules } = await readAll(redhat, sourceOf('a.json', JSON.stringify({ ...vex, document })));

    expect(rules.map(({ package: name, status }) => [name, status])).toEqual([['zlib', 'fixed']]);
  });

  it('several lie in a list or in lines', async () => {
    const other = { ...vex, document: { ...vex.document, tracking: { id: 'CVE-2024-12346' } } };
    const [list, inLines] = await Promise.all([
      readAll(redhat, sourceOf('a.json', JSON.stringify([vex, other], null, 2))),
      readAll(redhat, sourceOf('a.jsonl', `${JSON.stringify(vex)}\n${JSON.stringify(other)}\n`)),
    ]);

    expect(list.rules).toHaveLength(16);
    expect(inLines.rules).toEqual(list.rules);
  });

  it('one that is broken is said, and the others stand', async () => {
    const { rules, problems } = await readAll(
      redhat,
      sourceOf('a.jsonl', `${JSON.stringify(vex)}\n{"document":{}}\n{"half":\n`),
    );

    expect(rules).toHaveLength(8);
    expect(problems).toHaveLength(2);
  });
});

describe('when names of products are read', () => {
  it.each([
    ['cpe:/o:redhat:enterprise_linux:9::baseos', { ecosystem: 'RedHat:9', pocket: null }],
    ['cpe:/a:redhat:enterprise_linux:8', { ecosystem: 'RedHat:8', pocket: null }],
    ['cpe:/o:redhat:enterprise_linux:10.0', { ecosystem: 'RedHat:10', pocket: null }],
    ['cpe:/a:redhat:rhel_e4s:9.0::appstream', { ecosystem: 'RedHat:9', pocket: 'e4s-9.0' }],
    ['cpe:/a:redhat:rhel_software_collections:3::el7', null],
    ['cpe:/a:redhat:openshift:4.13::el8', null],
    ['cpe:/o:fedoraproject:fedora:40', null],
    [null, null],
  ])('%s', (cpe, release) => {
    expect(releaseOf(cpe)).toEqual(release);
  });

  it.each([
    ['bind-32:9.8.2-0.68.el6.i686', 'pkg:rpm/redhat/bind@9.8.2-0.68.el6?arch=i686&epoch=32', '32:9.8.2-0.68.el6'],
    ['bind-32:9.8.2-0.68.el6.i686', 'pkg:rpm/redhat/bind@9.8.2-0.68.el6?arch=i686', '32:9.8.2-0.68.el6'],
    ['a', 'pkg:rpm/redhat/a@1.0%5E1%2B2-3?arch=noarch', '0:1.0^1+2-3'],
    ['firefox', 'pkg:rpm/redhat/firefox?arch=src', null],
  ])('%s as %s', (id, purl, version) => {
    expect(rpmOf(id, purl)?.version).toBe(version);
  });

  it.each(['pkg:oci/x', 'pkg:', 'pkg:rpm/redhat/..%2F..%2Fetc', 'pkg:rpm/redhat/%00', 'x'.repeat(2000)])(
    '%s is no package',
    (purl) => {
      expect(rpmOf('a', purl)).toBeNull();
    },
  );
});

describe('when something else comes instead', () => {
  const nested = (depth: number) => `{"branches":[`.repeat(depth) + ']}'.repeat(depth);

  it.each([
    ['nothing', ''],
    ['half of it', '{"document":{"category":"csaf_vex"'],
    ['a page', '<html></html>'],
    ['a number', '7'],
    ['another JSON', '{"a":1}'],
    ['an empty list', '[]'],
    [
      'a tree that is too deep',
      `{"document":{"category":"csaf_vex","tracking":{"id":"a"}},"product_tree":{"branches":[${nested(500)}]}}`,
    ],
    [
      'a status of another type',
      '{"document":{"category":"csaf_vex","tracking":{"id":"a"}},"vulnerabilities":[{"product_status":{"fixed":"all"}}]}',
    ],
  ])('%s is refused', async (_, content) => {
    expect(await codeOf(redhat, sourceOf('a.json', content))).toBe('FEED_INVALID');
  });

  it('invalid dates are left out, not guessed', async () => {
    const document = {
      category: 'csaf_security_advisory',
      tracking: { id: 'RHSA-2024:1', initial_release_date: 'soon' },
    };
    const { bulletins, cves } = await readAll(
      redhat,
      sourceOf(
        'a.json',
        JSON.stringify({ document, vulnerabilities: [{ cve: 'CVE-2024-1000', release_date: '2024-02-30T00:00:00Z' }] }),
      ),
    );

    expect(bulletins).toEqual([]);
    expect(cves.get('CVE-2024-1000')).toEqual({});
  });
});

// One VEX document of each format, in the shape that its specification gives. For tests.

export const OPENVEX_SAMPLE = {
  '@context': 'https://openvex.dev/ns/v0.2.0',
  '@id': 'https://example.org/vex-2026-1',
  author: 'Example Security <sec@example.org>',
  role: 'Document Creator',
  timestamp: '2026-11-10T09:00:00+01:00',
  version: 3,
  statements: [
    {
      vulnerability: { name: 'CVE-2024-6387', aliases: ['GHSA-2x8c-95vh-gfv4'] },
      products: [{ '@id': 'pkg:deb/debian/openssh?distro=debian-12' }],
      status: 'not_affected',
      justification: 'vulnerable_code_not_present',
      impact_statement: 'built\nwithout it',
      timestamp: '2026-11-09T08:00:00Z',
    },
    {
      vulnerability: { name: 'CVE-2024-0001' },
      products: [
        {
          '@id': 'urn:selvage:machine:host:1',
          subcomponents: [{ identifiers: { purl: 'pkg:deb/debian/openssl@3.0.13-1~deb12u1' } }],
        },
      ],
      status: 'fixed',
    },
  ],
};

const named = (
  product_id: string,
  product_identification_helper?: { readonly purl?: string; readonly cpe?: string },
) => ({
  ...{ product_id, name: product_id },
  ...(product_identification_helper ? { product_identification_helper } : {}),
});

export const CSAF_SAMPLE = {
  document: {
    ...{ category: 'csaf_vex', csaf_version: '2.0', title: 'an example' },
    publisher: { category: 'vendor', name: 'Example ProductCERT', namespace: 'https://example.org' },
    tracking: {
      ...{ id: 'ex-2026-1', version: '2', status: 'final' },
      ...{ initial_release_date: '2026-11-01T00:00:00Z', current_release_date: '2026-11-10T08:00:00Z' },
    },
  },
  product_tree: {
    branches: [
      {
        ...{ category: 'vendor', name: 'Example' },
        branches: [
          {
            ...{ category: 'product_name', name: 'rhel9' },
            product: named('rhel9', { cpe: 'cpe:/a:redhat:enterprise_linux:9::appstream' }),
          },
          { category: 'product_name', name: 'plc', product: named('plc', { cpe: 'cpe:/h:example:plc:7' }) },
          { category: 'product_version', name: 'ssh', product: named('openssh', { purl: 'pkg:rpm/redhat/openssh' }) },
          { category: 'product_version', name: 'x', product: named('alone', { purl: 'pkg:pypi/requests@2.0' }) },
        ],
      },
    ],
    relationships: [
      {
        ...{ category: 'default_component_of', product_reference: 'openssh', relates_to_product_reference: 'rhel9' },
        full_product_name: named('rhel9:openssh'),
      },
      {
        ...{ category: 'default_component_of', product_reference: 'openssh', relates_to_product_reference: 'plc' },
        full_product_name: named('plc:openssh'),
      },
    ],
    product_groups: [{ group_id: 'g', product_ids: ['rhel9:openssh'] }],
  },
  vulnerabilities: [
    {
      cve: 'CVE-2024-6387',
      product_status: {
        ...{ known_not_affected: ['rhel9:openssh'], fixed: ['alone'], known_affected: ['plc:openssh'] },
        recommended: ['alone'],
      },
      flags: [{ label: 'vulnerable_code_not_present', product_ids: ['rhel9:openssh'] }],
      threats: [{ category: 'impact', details: 'the code is not in it', group_ids: ['g'] }],
    },
  ],
};

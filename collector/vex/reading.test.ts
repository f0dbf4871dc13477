import { canonicalJson, sha256 } from '@selvage/shared/files/canonical.ts';
import { fc } from '@selvage/shared/testing/properties.ts';
import { describe, expect, it } from 'vitest';
import { VEX_FORMATS, vexSteps } from './export.ts';
import { readVex } from './reading.ts';
import { CSAF_SAMPLE, OPENVEX_SAMPLE } from './testing/documents.ts';
import type { Word } from './words.ts';

const bytes = (value: unknown) => new TextEncoder().encode(typeof value === 'string' ? value : JSON.stringify(value));
const invalid = (text = '') => expect.objectContaining({ code: 'VEX_INVALID', message: expect.stringContaining(text) });
const openvex = (over: object, statement: object = {}) => ({
  ...OPENVEX_SAMPLE,
  statements: [{ ...OPENVEX_SAMPLE.statements[0], ...statement }],
  ...over,
});

describe('when an OpenVEX document is read', () => {
  it('each statement is its own, with author, time and every name of the weakness', () => {
    const read = readVex(bytes(OPENVEX_SAMPLE));

    expect(read).toMatchObject({ format: 'openvex', author: 'Example Security <sec@example.org>', version: '3' });
    expect(read.at).toBe('2026-11-10T08:00:00Z');
    expect(read.statements).toMatchObject([
      {
        ...{ vulnerabilities: ['CVE-2024-6387', 'GHSA-2x8c-95vh-gfv4'], status: 'not_affected' },
        ...{ justification: 'vulnerable_code_not_present', detail: 'built without it', at: '2026-11-09T08:00:00Z' },
        products: [{ id: 'pkg:deb/debian/openssh?distro=debian-12', purl: 'pkg:deb/debian/openssh?distro=debian-12' }],
      },
      {
        status: 'fixed',
        at: '2026-11-10T08:00:00Z',
        products: [{ purl: 'pkg:deb/debian/openssl@3.0.13-1~deb12u1', machine: 'host:1' }],
      },
    ]);
  });

  it('a package inside of something else is a word about that, not about the package on a machine', () => {
    const products = [{ '@id': 'pkg:oci/app@sha256:1', subcomponents: [{ '@id': 'pkg:deb/debian/openssh' }] }];

    expect(readVex(bytes(openvex({}, { products }))).statements[0]?.products).toEqual([
      { id: 'pkg:oci/app@sha256:1 > pkg:deb/debian/openssh', purl: null, ecosystem: null, machine: null },
    ]);
  });

  it('the older form with plain texts is read too', () => {
    const statement = { vulnerability: 'CVE-2024-6387', products: ['pkg:deb/debian/openssh'] };

    expect(readVex(bytes(openvex({ '@context': 'https://openvex.dev/ns' }, statement))).statements[0]).toMatchObject({
      vulnerabilities: ['CVE-2024-6387'],
      products: [{ purl: 'pkg:deb/debian/openssh' }],
    });
  });

  it.each([
    ['without a reason', {}, { justification: undefined, impact_statement: undefined }, 'why is not said'],
    ['with a status that is none', {}, { status: 'safe' }, 'statements.0.status'],
    ['with a reason that is none', {}, { justification: 'because' }, 'statements.0.justification'],
    ['without an author', { author: ' ' }, {}, 'author'],
    ['with a time that is none', { timestamp: 'yesterday' }, {}, 'timestamp'],
    ['with a time before all years', { timestamp: '0000-01-01T00:00:00+23:59' }, {}, 'timestamp'],
    ['with characters that run in a terminal', {}, { impact_statement: '\u001b[31mred' }, 'impact_statement'],
  ])('one %s is refused with its path', (_what, over, statement, path) => {
    expect(() => readVex(bytes(openvex(over, statement)))).toThrow(invalid(path));
  });
});

describe('when a CSAF document is read', () => {
  it('statuses, flags and impacts become statements, of components on the platforms that are understood', () => {
    const read = readVex(bytes(CSAF_SAMPLE));

    expect(read).toMatchObject({ format: 'csaf', author: 'Example ProductCERT', document: 'ex-2026-1', version: '2' });
    expect(read.statements.map(({ status, justification, detail }) => [status, justification, detail])).toEqual([
      ['not_affected', 'vulnerable_code_not_present', 'the code is not in it'],
      ['fixed', null, null],
      ['affected', null, null],
    ]);
    expect(read.statements[0]?.products).toEqual([
      { id: 'rhel9:openssh', purl: 'pkg:rpm/redhat/openssh', ecosystem: 'RedHat:9', machine: null },
    ]);
    // A platform that nobody here knows: kept, and applied to nothing.
    expect(read.statements[2]?.products).toEqual([{ id: 'plc:openssh', purl: null, ecosystem: null, machine: null }]);
  });

  it('a status about a product that the document does not define is refused', () => {
    const [vulnerability] = CSAF_SAMPLE.vulnerabilities;
    const vulnerabilities = [{ ...vulnerability, product_status: { fixed: ['nowhere'] } }];

    expect(() => readVex(bytes({ ...CSAF_SAMPLE, vulnerabilities }))).toThrow(invalid('nowhere'));
  });

  it('branches without end are refused', () => {
    let branches: unknown[] = [];
    for (let depth = 0; depth < 100; depth++) branches = [{ category: 'vendor', name: 'x', branches }];

    expect(() => readVex(bytes({ ...CSAF_SAMPLE, product_tree: { branches } }))).toThrow(invalid('deeper'));
  });
});

it('ids of CVEs in small letters are those that feeds write', () => {
  const [vulnerability] = CSAF_SAMPLE.vulnerabilities;
  const csaf = { ...CSAF_SAMPLE, vulnerabilities: [{ ...vulnerability, cve: 'cve-2024-6387' }] };
  const open = openvex(
    {},
    { vulnerability: { name: 'cve-2024-6387', aliases: ['CVE-2024-6387', 'GHSA-2x8c-95vh-gfv4'] } },
  );

  expect(readVex(bytes(csaf)).statements[0]?.vulnerabilities).toEqual(['CVE-2024-6387']);
  expect(readVex(bytes(open)).statements[0]?.vulnerabilities).toEqual(['CVE-2024-6387', 'GHSA-2x8c-95vh-gfv4']);
});

describe('what is no VEX', () => {
  it.each(['', '{', '[]', '{}', 'null', '{"@context":"https://example.org"}', '\ufffd'])('%j is refused', (text) => {
    expect(() => readVex(bytes(text))).toThrow(invalid());
  });

  it('a document that is cut is refused, and one without a statement', () => {
    const text = JSON.stringify(OPENVEX_SAMPLE);
    for (const part of [0.2, 0.5, 0.99]) {
      expect(() => readVex(bytes(text.slice(0, Math.floor(text.length * part))))).toThrow(invalid());
    }
    expect(() => readVex(bytes({ ...OPENVEX_SAMPLE, statements: [] }))).toThrow(invalid('no statement'));
  });

  it('whatever is changed in it, it is read or refused', () => {
    const texts = [OPENVEX_SAMPLE, CSAF_SAMPLE].map((value) => JSON.stringify(value));
    fc.assert(
      fc.property(fc.constantFrom(...texts), fc.nat(), fc.string({ maxLength: 4 }), (text, at, piece) => {
        const place = at % text.length;
        try {
          readVex(bytes(text.slice(0, place) + piece + text.slice(place + 1)));
        } catch (error) {
          expect(error).toEqual(invalid());
        }
      }),
      { numRuns: 300 },
    );
  });
});

const WORDS: readonly Word[] = [
  {
    ...{ machine: 'host:2', name: 'b', purl: 'pkg:deb/debian/openssl@3.0.11-1?arch=source&distro=debian-12' },
    ...{ cve: 'CVE-2024-0001', status: 'affected', justification: null, detail: 'osv: 3.0.11-1 < 3.0.13-1' },
    action: 'update openssl to 3.0.13-1',
  },
  {
    ...{ machine: 'host:1', name: 'a', purl: 'pkg:deb/debian/openssl@3.0.11-1?arch=source&distro=debian-12' },
    ...{ cve: 'CVE-2024-0001', status: 'affected', justification: null, detail: 'osv: 3.0.11-1 < 3.0.13-1' },
    action: 'update openssl to 3.0.13-1',
  },
  {
    ...{ machine: 'host:1', name: 'a', purl: 'pkg:deb/debian/linux@6.1.1-1?arch=source&distro=debian-12' },
    ...{ cve: 'CVE-2024-0002', status: 'not_affected', justification: 'vulnerable_code_not_in_execute_path' },
    ...{ detail: 'this kernel does not run', action: null },
  },
  {
    ...{ machine: 'import:c', name: 'c', purl: 'pkg:pypi/requests@2.0', cve: 'own-2026-001', status: 'not_affected' },
    ...{ justification: null, detail: 'we do not use it', action: null },
  },
  {
    ...{ machine: 'import:c', name: 'c', purl: 'pkg:pypi/requests@2.1', cve: 'CVE-2024-0003', status: 'fixed' },
    ...{ justification: null, detail: 'it has the fix', action: null },
  },
];
const FACTS = { author: 'the collector', at: '2026-11-20T12:00:00Z', version: '0.1.0' };
const exportVex = (...asked: Parameters<typeof vexSteps>) => toEnd(vexSteps(...asked))[0];

/** What the steps return, and how many they were. */
function toEnd<T>(steps: Generator<void, T>): readonly [T, number] {
  for (let count = 0; ; count += 1) {
    const step = steps.next();
    if (step.done) return [step.value, count];
  }
}

describe.each(VEX_FORMATS)('when findings are written as %s', (format) => {
  const document = exportVex(format, WORDS, FACTS);

  it('the same findings in any order are the same bytes', () => {
    const text = JSON.stringify(document);

    expect(JSON.stringify(exportVex(format, WORDS.toReversed(), FACTS))).toBe(text);
    expect(JSON.stringify(exportVex(format, [...WORDS.slice(2), ...WORDS.slice(0, 2)], FACTS))).toBe(text);
  });

  it('what is read from it is what was written, machine by machine', () => {
    const read = readVex(bytes(document));
    const said = read.statements.flatMap(({ vulnerabilities: [cve], status, products }) =>
      products.map(({ purl, machine }) => `${machine} ${purl} ${cve} ${status}`),
    );
    const wanted = WORDS.map(({ machine, purl, cve, status }) => `${machine} ${purl} ${cve} ${status}`);

    expect(said.toSorted()).toEqual(wanted.toSorted());
  });

  it('of many machines and CVEs others have their turns, and each word is in it', () => {
    const many = Array.from({ length: 20_000 }, (_, number): Word => {
      const cve = `CVE-2024-${1000 + (number % 50)}`;
      const detail = `${cve} < 2`;

      return {
        ...{ machine: `host:${number % 400}`, name: 'x', purl: `pkg:deb/debian/p@${number % 7}`, cve, detail },
        ...{ status: number % 50 === 0 ? 'fixed' : 'affected', justification: null, action: 'update it' },
      };
    });
    const [written, steps] = toEnd(vexSteps(format, many, FACTS));
    const read = readVex(bytes(written));

    // Each portion of words, and each CVE by itself, and its part of the hash.
    expect(steps).toBeGreaterThan(20_000 / 256 + 2 * 50);
    expect(read.statements.flatMap(({ products }) => products)).toHaveLength(
      new Set(many.map(({ machine, purl, cve }) => `${machine} ${purl} ${cve}`)).size,
    );
  });

  it('every statement carries why', () => {
    const text = JSON.stringify(document);

    for (const { detail, action } of WORDS)
      for (const each of [detail, action]) if (each !== null) expect(text).toContain(each);
  });
});

describe('what the formats ask for', () => {
  it('a document is called by what it says, whoever asks again', () => {
    const openvex = exportVex('openvex', WORDS, FACTS) as { '@id': string; statements: unknown[] };
    const csaf = exportVex('csaf', WORDS, FACTS) as {
      document: { tracking: { id: string } };
      vulnerabilities: unknown[];
      product_tree: { relationships: { full_product_name: { product_id: string } }[] };
    };
    const { author } = FACTS;
    const ids = csaf.product_tree.relationships.map((each) => each.full_product_name.product_id);

    expect(openvex['@id']).toContain(sha256(canonicalJson({ author, statements: openvex.statements })).slice(0, 16));
    expect(csaf.document.tracking.id).toContain(
      sha256(canonicalJson({ author, vulnerabilities: csaf.vulnerabilities })).slice(0, 16),
    );
    expect(ids).toEqual(ids.toSorted());
  });

  it('OpenVEX: exactly one reason for not_affected, an action for affected, known fields only', () => {
    const { statements } = exportVex('openvex', WORDS, FACTS) as { statements: Record<string, unknown>[] };
    for (const statement of statements) {
      const reasons = ['justification', 'impact_statement'].filter((key) => key in statement).length;

      expect(reasons).toBe(statement.status === 'not_affected' ? 1 : 0);
      expect('action_statement' in statement).toBe(statement.status === 'affected');
    }
  });

  it('CSAF: an impact for every product that is not affected, a remedy for every one that is', () => {
    const { vulnerabilities } = exportVex('csaf', WORDS, FACTS) as {
      vulnerabilities: {
        product_status: Record<string, string[]>;
        threats?: { product_ids: string[] }[];
        remediations?: { product_ids: string[] }[];
        notes: unknown[];
      }[];
    };
    for (const { product_status: status, threats = [], remediations = [], notes } of vulnerabilities) {
      expect(threats.flatMap((each) => each.product_ids).toSorted()).toEqual(status.known_not_affected ?? []);
      expect(remediations.flatMap((each) => each.product_ids).toSorted()).toEqual(status.known_affected ?? []);
      expect(notes.length).toBeGreaterThan(0);
    }
  });
});

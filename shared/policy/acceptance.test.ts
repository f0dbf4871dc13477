import { describe, expect, it } from 'vitest';
import { sha256 } from '../files/canonical.ts';
import { acceptanceAt } from './acceptance.ts';
import { decodeAccepted, encodeAccepted, policyInForce, verifyAccepted } from './accepted.ts';
import { decodeDocument, decodeDocuments } from './decode.ts';
import { MAX_ACCEPTANCE_DAYS } from './documents.ts';
import { isForCollector, maySign } from './roles.ts';
import { schemaOf } from './schema.ts';
import { forgedRole } from './testing/forge.ts';
import { advisorySample, riskAcceptanceSample, windowSample } from './testing/sample-documents.ts';
import { sampleRepository } from './testing/sample-repository.ts';
import { verifyRepository } from './trusted-set.ts';

const NOW = Temporal.Instant.from('2026-11-20T12:00:00Z');
const at = (text: string) => Temporal.Instant.from(text);
const invalid = (text: string) =>
  expect.objectContaining({ code: 'DOCUMENT_INVALID', message: expect.stringContaining(text) });

describe('when a risk is accepted', () => {
  it('holds from the first moment of a date to the last of another, in UTC, and ends by itself', () => {
    const { from, until, review } = riskAcceptanceSample({ from: '2026-11-01', until: '2026-11-30' });
    const states = [
      '2026-10-31T23:59:59.999Z',
      '2026-11-01T00:00:00Z',
      '2026-11-30T23:59:59.999Z',
      '2026-12-01T00:00:00Z',
    ];

    expect(states.map((time) => acceptanceAt({ from, until, review }, at(time)))).toEqual([
      'not yet',
      'holds',
      'holds',
      'ended',
    ]);
  });

  it.each([
    ['by who asks for it', { requester: 'ann' }, 'approver ann asks for it'],
    ['by who asks for it, spelt otherwise', { requester: ' Ａnn  ' }, 'approver ann asks for it'],
    ['for ever', { until: '2036-11-01' }, `until 2036-11-01 is more than ${MAX_ACCEPTANCE_DAYS} days`],
    ['a day too long', { from: '2026-11-01', until: '2027-11-02' }, 'until 2027-11-02 is more than'],
    ['backwards', { until: '2026-10-31', review: '2026-10-31' }, 'until 2026-10-31 is before'],
    ['with a review after the end', { review: '2027-05-01' }, 'review 2027-05-01 is not between'],
    ['with a review before the start', { review: '2026-10-31' }, 'review 2026-10-31 is not between'],
    ['on no machine', { select: '' }, 'select'],
    ['by what only the collector says', { select: 'state=active' }, 'only the collector knows it'],
    ['of one CVE twice', { cves: ['CVE-2024-1', 'CVE-2024-1'] }, 'cves'],
    ['of no CVE', { cves: ['DSA-5678-1'] }, 'an id such as CVE-2024-6387'],
    ['of nothing', { cves: undefined, package: undefined }, 'cves, package or both'],
    ['without a compensating control', { control: '' }, 'control'],
  ])('is refused %s', (_what, over, message) => {
    expect(() => decodeDocument({ ...riskAcceptanceSample(), ...over })).toThrow(invalid(message));
  });

  it('may last as long as the maximum', () => {
    const longest = riskAcceptanceSample({ from: '2026-11-01', until: '2027-11-01' });

    expect(decodeDocument(longest)).toEqual(longest);
  });
});

describe('when an advisory of our own is written', () => {
  it.each([
    ['that names no version', { affected: [{ ecosystem: 'PyPI', package: 'x' }] }, 'ranges, versions or both'],
    ['for nothing', { affected: [] }, 'affected'],
    ['with two ends of a range', { affected: [affects({ fixed: '2', lastAffected: '1' })] }, 'not both'],
    ['for one package twice', { affected: [affects({ fixed: '2' }), affects({ fixed: '3' })] }, 'is given twice'],
    ['with a link that runs something', { link: 'javascript:alert(1)' }, 'link'],
    ['with a decision that is none', { decision: 'now' }, 'decision'],
    ['with a date that no calendar has', { published: '2026-02-30' }, 'a date such as 2026-11-23'],
    ['with a time that is not in UTC', { published: '2026-11-20T08:00:00+01:00' }, 'a date such as 2026-11-23'],
  ])('%s, it is refused', (_what, over, message) => {
    expect(() => decodeDocument({ ...advisorySample(), ...over })).toThrow(invalid(message));
  });

  it.each(['2026-11-20', '2026-11-20T08:00:00Z'])(
    'takes %s for when it was published, and leaves it as it is',
    (published) => {
      const written = advisorySample({ published });

      expect(decodeDocument(written)).toEqual(written);
    },
  );

  it('takes the names and versions of every ecosystem', () => {
    const affected = [
      { ecosystem: 'npm', package: '@angular/core', ranges: [{ introduced: '0', fixed: '1.2.3-rc.1+b' }] },
      { ecosystem: 'Go', package: 'github.com/a/b/v2', versions: ['v1.0.0'] },
      { ecosystem: 'Maven', package: 'org.apache:log4j', ranges: [{ lastAffected: '2.14.1' }] },
      { ecosystem: 'Ubuntu:22.04', package: 'libstdc++6', ranges: [{ fixed: '1:12~3-1ubuntu1' }] },
    ];

    expect(decodeDocument(advisorySample({ affected }))).toMatchObject({ affected });
  });

  it('has a published schema as every kind has', () => {
    expect(schemaOf('Advisory')).toMatchObject({ title: 'Advisory', required: expect.arrayContaining(['affected']) });
    expect(schemaOf('RiskAcceptance')).toMatchObject({ required: expect.arrayContaining(['until', 'approver']) });
  });
});

describe('when a document is for the collector alone', () => {
  it('lies where no host looks, in the folder of the role policy', () => {
    const path = 'policy/collector-risk-acceptances/x.json';

    expect([isForCollector(path), maySign('policy', path)]).toEqual([true, true]);
    expect(
      ['policy/windows/x.json', 'approvals/collector-x/y.json', 'policy/collector-x/y/z.json', 'policy/collector'].map(
        isForCollector,
      ),
    ).toEqual([false, false, false, false]);
  });

  it('no host asks for it or reads it, and goes by the rest', () => {
    const repository = sampleRepository({ now: NOW });
    repository.change({ put: [windowSample(), riskAcceptanceSample(), advisorySample()] }, NOW);
    const asked: string[] = [];
    const files = (name: string, hash?: string) => {
      asked.push(name);

      return repository.files(name, hash as never);
    };
    const { documents, accepted } = verifyRepository({
      root: repository.root,
      now: NOW,
      previous: null,
      files,
      host: true,
    });

    expect(documents.map(({ document }) => document.kind)).toEqual(['Window']);
    expect([...asked, ...accepted.files.map(({ name }) => name)].filter(isForCollector)).toEqual([]);
    expect(repository.verify(NOW).documents).toHaveLength(3);
  });

  it('a host whose copy has none of it accepts the policy, and again what it has accepted before', () => {
    const repository = sampleRepository({ now: NOW });
    repository.change({ put: [windowSample(), riskAcceptanceSample()] }, NOW);
    const { root, files } = repository;
    const copy: typeof files = (name, hash) => (isForCollector(name) ? null : files(name, hash));
    const { policy, accepted, problem } = policyInForce({ root, files: copy, now: NOW, previous: null });

    expect([problem, policy.documents.length]).toEqual([null, 1]);
    expect(verifyAccepted(decodeAccepted(encodeAccepted(accepted))).documents).toEqual(policy.documents);
  });

  it('of a kind that comes later, it stops no host; in any other folder it does', () => {
    for (const [folder, stops] of [
      ['collector-promises', false],
      ['promises', true],
    ] as const) {
      const repository = sampleRepository({ now: NOW });
      repository.change({ put: [windowSample()] }, NOW);
      const bytes = new TextEncoder().encode('{"kind":"Promise","name":"x"}');
      const path = `policy/${folder}/x.json`;
      const target = { length: bytes.length, hashes: { sha256: sha256(bytes) } };
      const role = forgedRole(repository, 'policy', ({ targets }) => ({ targets: { ...targets, [path]: target } }));
      repository.publish({ metadata: [role], targets: [{ path, bytes }] }, NOW);
      const { root, files } = repository;
      const read = () => verifyRepository({ root, files, now: NOW, previous: null, host: true }).documents.length;

      if (stops) expect(read).toThrow(expect.objectContaining({ code: 'POLICY_INVALID' }));
      else expect(read()).toBe(1);
    }
  });
});

function affects(range: { readonly fixed?: string; readonly lastAffected?: string }) {
  return { ecosystem: 'PyPI', package: 'requests', ranges: [range] };
}

it('is decoded beside all others', () => {
  const documents = [windowSample(), riskAcceptanceSample(), advisorySample()];

  expect(decodeDocuments(documents)).toEqual(documents);
});

import { describe, expect, it } from 'vitest';
import { decodeDocument, decodeDocuments } from './decode.ts';
import { assertReferences, brokenReferences } from './references.ts';
import { schemaOf, schemaOfAll } from './schema.ts';
import { approvalSample, hostGroupSample, patchPolicySample, windowSample } from './testing/sample-documents.ts';

const coded = (code: string) => expect.objectContaining({ code });

/** Paths of all problems that decoding the values names. */
function pathsOf(...values: unknown[]): readonly string[] {
  try {
    decodeDocuments(values);
  } catch (error) {
    const { details } = error as { details: { problems: { path: string }[] } };

    return details.problems.map(({ path }) => path);
  }

  return [];
}

describe('when documents are decoded', () => {
  it('takes good ones and fills in what may be left out', () => {
    const { freeze: _freeze, ...short } = windowSample();

    expect(decodeDocuments([short, patchPolicySample(), approvalSample()])).toEqual([
      windowSample(),
      patchPolicySample(),
      approvalSample(),
    ]);
  });

  it('names every problem of every document at once', () => {
    const bad = { ...windowSample(), start: '25:00', for: 'long', forec: 1 };

    expect(pathsOf(bad, { kind: 'Script' }, 'text', { kind: 'Approval' })).toEqual(
      expect.arrayContaining([
        'Window weekday-nights: start',
        'Window weekday-nights: for',
        'Window weekday-nights',
        'document 2: kind',
        'document 3: kind',
        'document 4 (Approval): name',
      ]),
    );
    expect(() => decodeDocument(bad)).toThrow(coded('DOCUMENT_INVALID'));
  });

  it.each([
    ['a field the kind inherits from Object', { ...windowSample(), kind: 'constructor' }],
    ['no kind', { name: 'x' }],
    ['null', null],
    ['a list', []],
  ])('refuses %s', (_what, value) => {
    expect(pathsOf(value)).toEqual(['document 1: kind']);
  });

  it.each([
    ['a name twice', [windowSample(), windowSample()], 'Window weekday-nights: name'],
    ['a window named any', [windowSample({ name: 'any' })], 'Window any: name'],
    ['an unknown zone', [windowSample({ timezone: 'Mars/Olympus' })], 'Window weekday-nights: window'],
    ['a window of no length', [windowSample({ for: '0m' })], 'Window weekday-nights: window'],
    [
      'a rule that needs from',
      [{ ...windowSample(), days: undefined, recurrence: 'FREQ=WEEKLY;INTERVAL=2;BYDAY=MO' }],
      'Window weekday-nights: window',
    ],
    ['no lane', [patchPolicySample({ lanes: {} })], 'PatchPolicy linux-servers: lanes'],
    ['a text that cannot be read', [patchPolicySample({ select: 'tier==web' })], 'PatchPolicy linux-servers: select'],
    [
      'a text by what the collector says',
      [patchPolicySample({ select: 'seen>3d' })],
      'PatchPolicy linux-servers: select',
    ],
    [
      'a property that there is not',
      [{ ...patchPolicySample(), select: { tier: 'web' } }],
      'PatchPolicy linux-servers: select',
    ],
    ['a select that is a number', [{ ...patchPolicySample(), select: 3 }], 'PatchPolicy linux-servers: select'],
    [
      'labels without values',
      [{ ...patchPolicySample(), select: { labels: { tier: [] } } }],
      'PatchPolicy linux-servers: select.labels.tier',
    ],
    ['a group of nobody', [hostGroupSample({ hosts: [] })], 'HostGroup web-servers: hosts'],
    ['a group by list and text', [hostGroupSample({ select: 'tier=web' })], 'HostGroup web-servers'],
    ['a group by neither', [hostGroupSample({ hosts: undefined })], 'HostGroup web-servers'],
    ['a host twice', [hostGroupSample({ hosts: ['a', 'a'] })], 'HostGroup web-servers: hosts'],
    ['a host that cannot be called so', [hostGroupSample({ hosts: ['Web 1'] })], 'HostGroup web-servers: hosts.0'],
    ['a group without labels', [hostGroupSample({ labels: {} })], 'HostGroup web-servers: labels'],
    ['a label of capitals', [hostGroupSample({ labels: { Tier: ['x'] } })], 'HostGroup web-servers: labels.Tier'],
    [
      'an endless value',
      [hostGroupSample({ labels: { tier: ['x'.repeat(129)] } })],
      'HostGroup web-servers: labels.tier.0',
    ],
    [
      'a group whose text is wrong',
      [hostGroupSample({ hosts: undefined, select: 'tier=web and' })],
      'HostGroup web-servers: select',
    ],
    [
      'rings that leave hosts out',
      [
        patchPolicySample({
          lanes: { urgent: { approve: 'manual', delay: '0h', window: 'any', rings: [{ size: 2, soak: '1h' }] } },
        }),
      ],
      'PatchPolicy linux-servers: lanes.urgent.rings',
    ],
    [
      'the rest before another ring',
      [
        patchPolicySample({
          lanes: {
            urgent: { approve: 'manual', delay: '0h', window: 'any', rings: [{ rest: true }, { size: 2, soak: '1h' }] },
          },
        }),
      ],
      'PatchPolicy linux-servers: lanes.urgent.rings',
    ],
    [
      'an approval that ends before it begins',
      [approvalSample({ expires: '2026-11-20T10:00:00Z' })],
      'Approval linux-servers.openssl-3.0.22: expires',
    ],
    ['an approval of nothing', [approvalSample({ packages: [] })], 'Approval linux-servers.openssl-3.0.22: packages'],
    [
      'a package twice',
      [approvalSample({ packages: ['1', '2'].map((version) => ({ name: 'openssl', version, arch: 'amd64' })) })],
      'Approval linux-servers.openssl-3.0.22: packages',
    ],
  ])('refuses %s', (_what, values, path) => {
    expect(pathsOf(...values)).toEqual([path]);
  });

  it('refuses what is well-formed but not built, naming each field', () => {
    const policy = patchPolicySample({ gate: {}, reboot: { when: 'required' } });

    expect(() => decodeDocuments([policy])).toThrow(coded('DOCUMENT_NOT_SUPPORTED'));
    expect(pathsOf(policy)).toEqual(['PatchPolicy linux-servers: gate', 'PatchPolicy linux-servers: reboot']);
  });

  it('takes dates by decision, none nearer for what is less urgent', () => {
    const dated = (due: object) => ({ ...patchPolicySample(), due });
    const all = { immediate: '2d', 'out-of-cycle': '7d', scheduled: '30d', kev: 'theirs' };

    expect(decodeDocuments([dated(all)])).toMatchObject([{ due: all }]);
    expect(decodeDocuments([dated({ scheduled: 'P30D' })])).toHaveLength(1);
    expect(decodeDocuments([dated({})])).toHaveLength(1);
    expect(pathsOf(dated({ immediate: '2w', scheduled: '7d' }))).toEqual(['PatchPolicy linux-servers: due.scheduled']);
    expect(pathsOf(dated({ immediate: '0d' }))).toEqual(['PatchPolicy linux-servers: due.immediate']);
    expect(pathsOf(dated({ immediate: 'soon' }))).toEqual(['PatchPolicy linux-servers: due.immediate']);
    expect(pathsOf(dated({ kev: 'ours' }))).toEqual(['PatchPolicy linux-servers: due.kev']);
    expect(pathsOf(dated({ defer: '90d' }))).toEqual(['PatchPolicy linux-servers: due']);
  });

  it('takes a fallback of a day and more, and nothing else by that name', () => {
    const fallback = (after: string, action = 'release') => ({ ...patchPolicySample(), fallback: { after, action } });

    expect(decodeDocuments([fallback('14d')])).toMatchObject([{ fallback: { after: '14d', action: 'release' } }]);
    expect(decodeDocuments([fallback('P1D')])).toHaveLength(1);
    expect(pathsOf(fallback('23h'))).toEqual(['PatchPolicy linux-servers: fallback.after']);
    expect(pathsOf(fallback('0d'))).toEqual(['PatchPolicy linux-servers: fallback.after']);
    expect(pathsOf(fallback('14d', 'reboot'))).toEqual(['PatchPolicy linux-servers: fallback.action']);
    expect(pathsOf({ ...fallback('14d'), fallback: { after: '14d' } })).toEqual([
      'PatchPolicy linux-servers: fallback.action',
    ]);
  });

  it('refuses what only the decisions to come could do: approving by itself, closing by decision', () => {
    const rings: { rest: true }[] = [{ rest: true }];
    const lane = { approve: 'automatic' as const, delay: '0h', window: 'any', rings };
    const policy = patchPolicySample({
      allow: { closes: ['immediate'], from: ['security'] },
      lanes: { immediate: lane },
    });

    expect(() => decodeDocuments([policy])).toThrow(coded('DOCUMENT_NOT_SUPPORTED'));
    expect(pathsOf(policy)).toEqual([
      'PatchPolicy linux-servers: allow.closes',
      'PatchPolicy linux-servers: lanes.immediate.approve: automatic',
    ]);
  });
});

describe('when documents refer to each other', () => {
  const now = Temporal.Instant.from('2026-11-21T00:00:00Z');
  const all = [windowSample(), patchPolicySample(), approvalSample()];

  it('lets them pass when everything is there', () => {
    expect(brokenReferences(all, now)).toEqual([]);
  });

  it('names every reference that leads nowhere', () => {
    const documents = [
      patchPolicySample(),
      approvalSample(),
      approvalSample({ name: 'lost', policy: 'gone' }),
      approvalSample({ name: 'no-lane', lane: 'immediate' }),
    ];

    expect(brokenReferences(documents, now).map(({ path }) => path)).toEqual([
      'PatchPolicy linux-servers: lanes.scheduled.window',
      'Approval lost: policy',
      'Approval no-lane: lane',
    ]);
    expect(() => assertReferences(documents, now)).toThrow(coded('DOCUMENT_REFERENCE'));
  });

  it('does not look at approvals that have ended', () => {
    const documents = [approvalSample({ policy: 'gone' })];

    expect(brokenReferences(documents, Temporal.Instant.from('2026-12-20T10:00:00Z'))).toEqual([]);
  });
});

describe('when schemas are published', () => {
  it('closes every kind to unknown fields and leaves defaults optional', () => {
    expect(schemaOf('Window')).toMatchObject({
      title: 'Window',
      additionalProperties: false,
      properties: { kind: { const: 'Window' }, start: { type: 'string' } },
      required: ['kind', 'name', 'start', 'for', 'timezone'],
    });
    expect(Object.keys(schemaOfAll().$defs as object)).toEqual([
      'Window',
      'PatchPolicy',
      'HostGroup',
      'Approval',
      'RiskAcceptance',
      'Advisory',
    ]);
  });
});

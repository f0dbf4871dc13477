// When it will happen, and what stands in the way, for every reason that there is.
import type { PolicyDocument } from '@selvage/shared/policy/documents.ts';
import { approvalSample, patchPolicySample } from '@selvage/shared/policy/testing/sample-documents.ts';
import { describe, expect, it } from 'vitest';
import type { FindingState } from '../../findings/finding.ts';
import type { Machine } from '../../findings/fleet.ts';
import type { Open } from '../../findings/join.ts';
import type { HostPlan } from '../host-plan.ts';
import type { Remedy } from './remedies.ts';
import { type WhenFacts, whenOf } from './when.ts';

const NOW = Temporal.Instant.from('2026-11-24T08:00:00Z');
const FIX = { source: 'openssl', version: '3.0.22' };
const remedy = (over: Partial<Remedy> = {}): Remedy => ({
  ...{ source: FIX.source, from: '3.0.19', to: FIX.version, provider: 'apt', security: true, held: false },
  ...{ packages: [], closes: true, openTo: null, note: null },
  ...over,
});
const plan = (over: Partial<HostPlan> = {}): HostPlan => ({
  ...{ policies: ['linux-servers'], policiesUnknown: [], windowProblem: null, waiting: [] },
  nextWindow: { window: 'nights', opens: '2026-11-25T00:00:00Z', closes: '2026-11-25T03:00:00Z' },
  ...over,
});
const approval = (over: object = {}): PolicyDocument => ({
  ...approvalSample({ policy: 'linux-servers', expires: '2026-11-30T00:00:00Z', approvedAt: '2026-11-20T00:00:00Z' }),
  adds: [],
  removes: [],
  fix: { provider: 'apt', ...FIX },
  ...over,
});
const policy = (over: object = {}) => ({ ...patchPolicySample(), hold: [], ...over }) as unknown as PolicyDocument;

interface Given {
  readonly state?: FindingState;
  readonly machine?: Partial<Machine>;
  readonly remedies?: readonly Remedy[];
  readonly documents?: readonly PolicyDocument[];
  readonly host?: Partial<NonNullable<WhenFacts['host']>> | null;
}

function ask({ state = 'fixable', machine, remedies = [remedy()], documents = [policy()], host = {} }: Given = {}) {
  return whenOf({
    ...{ remedies, documents, now: NOW },
    machine: { name: 'web-01', takenAt: '2026-11-12T00:00:00Z', offers: [], ...machine } as unknown as Machine,
    findings: [{ state } as unknown as Open],
    host: host && { mode: 'managed', plan: plan(), silentDays: null, labels: {}, ...host },
  });
}

describe('when it is asked when a finding will be closed', () => {
  it('expects it in the next window once it is approved', () => {
    expect(ask({ documents: [policy(), approval()] })).toMatchObject({
      ...{ answer: 'expected', at: '2026-11-25T00:00:00Z', window: 'nights', policies: ['linux-servers'] },
      why: ['approved for linux-servers, lane scheduled'],
    });
  });

  it('expects nothing of an update that leaves it open, approved or not', () => {
    const note = '3.0.22 does not close it';
    const useless = remedy({ closes: false, note });
    const documents = [policy(), approval()];

    expect(ask({ remedies: [useless], documents })).toMatchObject({ answer: 'never', at: null, why: [note] });
    expect(ask({ remedies: [{ ...useless, source: 'nodejs' }, remedy()], documents })).toMatchObject({
      answer: 'expected',
      why: ['approved for linux-servers, lane scheduled', `it stays open in nodejs: ${note}`],
    });
  });

  it('waits for an approval, and names the command', () => {
    expect(ask()).toMatchObject({
      ...{ answer: 'needs-approval', why: [] },
      next: ['selvage fix approve openssl@3.0.22 --policy linux-servers --lane scheduled'],
    });
    expect(ask({ documents: [policy(), approval({ expires: '2026-11-21T00:00:00Z' })] })?.why).toEqual([
      'its approval for linux-servers has expired',
    ]);
  });

  it('does not count an approval of another version, or of a policy that does not select the host', () => {
    const other = approval({ fix: { provider: 'apt', source: 'openssl', version: '3.0.21' } });

    expect(ask({ documents: [policy(), other] })?.answer).toBe('needs-approval');
    expect(ask({ documents: [policy(), approval({ policy: 'databases' })] })?.answer).toBe('needs-approval');
  });

  it('repeats what the host itself says', () => {
    const waiting = [
      {
        approval: approvalName(),
        fix: 'openssl@3.0.22',
        outcome: 'waiting',
        code: null,
        why: 'window opens later',
        since: NOW.toString(),
      },
    ];

    expect(ask({ documents: [policy(), approval()], host: { plan: plan({ waiting } as never) } })).toMatchObject({
      ...{ answer: 'waits', why: ['the host says waiting: window opens later'] },
    });
  });

  it.each([
    ['no policy selects it', { host: { plan: plan({ policies: [] }) }, documents: [] }, 'no policy selects this host'],
    [
      'a label is missing',
      { host: { plan: plan({ policies: [] }) }, documents: [policy({ select: { labels: { tier: ['db'] } } })] },
      'policy linux-servers: label tier is missing',
    ],
    [
      'a label is another',
      {
        host: { plan: plan({ policies: [] }), labels: { tier: ['web'] } },
        documents: [policy({ select: { labels: { tier: ['db', 'mail'] } } })],
      },
      'policy linux-servers: label tier is web, not db or mail',
    ],
    [
      'a text selects others',
      { host: { plan: plan({ policies: [] }) }, documents: [policy({ select: 'tier=db' })] },
      'policy linux-servers selects: tier=db',
    ],
    [
      'it is not known whether one selects it',
      { host: { plan: plan({ policies: [], policiesUnknown: ['linux-servers'] }) } },
      'it is not known whether linux-servers selects it',
    ],
    [
      'its own settings install nothing',
      { host: { mode: 'observe' as const } },
      'its own settings say mode observe: it installs nothing',
    ],
    ['the host holds it', { remedies: [remedy({ held: true })] }, 'the host holds the package back'],
    [
      'it was rejected',
      { documents: [policy(), approval({ decision: 'reject', reason: 'breaks' })] },
      'openssl@3.0.22 was rejected for linux-servers: breaks',
    ],
    [
      'nothing is offered',
      { remedies: [remedy({ to: null, note: 'no fix exists (minor)' })] },
      'no fix exists (minor)',
    ],
    ['there is no agent', { host: null }, 'known from a file of 2026-11-12: it has no agent that could install'],
  ] satisfies readonly (readonly [string, Given, string])[])('is never, where %s', (_what, given, why) => {
    expect(ask(given)).toMatchObject({ answer: 'never', why: expect.arrayContaining([why]) });
  });

  it('is unknown where the offers are, or no window opens', () => {
    expect(ask({ machine: { offers: null }, remedies: [remedy({ to: null, note: 'not known' })] })?.answer).toBe(
      'unknown',
    );
    expect(
      ask({
        documents: [policy(), approval()],
        host: { plan: plan({ nextWindow: null, windowProblem: 'SETTINGS_INVALID: zone' }) },
      }),
    ).toMatchObject({ answer: 'unknown', why: expect.arrayContaining(['no window opens', 'SETTINGS_INVALID: zone']) });
  });

  it('adds that nobody hears of the host', () => {
    expect(ask({ host: { silentDays: 31 } })?.why).toContain('nobody has heard of it for 31 days');
  });

  it('waits for a restart where the old code runs, and has nothing to do for what is accepted', () => {
    expect(ask({ state: 'still-running' })).toMatchObject({
      answer: 'waits',
      why: [expect.stringContaining('restart')],
    });
    expect(ask({ state: 'accepted' })?.why).toEqual(['nothing is to be done: see its state']);
    expect(whenOf({ ...base(), findings: [] })).toBeNull();
  });
});

function approvalName(): string {
  const document = approval();

  return document.name;
}

function base(): WhenFacts {
  return { machine: {} as Machine, findings: [], remedies: [], documents: [], host: null, now: NOW };
}

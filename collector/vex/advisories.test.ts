import { silentLog } from '@selvage/shared/log/log.ts';
import { advisorySample } from '@selvage/shared/policy/testing/sample-documents.ts';
import { describe, expect, it } from 'vitest';
import { findingsLab, rule } from '../findings/testing/findings-lab.ts';
import { verdictOf } from '../triage/decide.ts';
import { DECISIONS } from '../triage/decision.ts';
import { mergeFacts } from '../triage/facts.ts';
import { rulesOf } from './advisories.ts';
import { importAdvisories, keepAdvisories } from './advisory-keeper.ts';

const lab = findingsLab('advisories');
const KNOWS_KEV = { kev: '2026-11-20' };
const XZ = [{ ecosystem: 'Debian:12', package: 'xz-utils', ranges: [{ introduced: '5.6.0', fixed: '5.6.2-1' }] }];

async function fleet() {
  const setup = await lab.make();
  await setup.host(1);
  await setup.inventory(1, 1, { 'xz-utils': '5.6.1-1', openssl: '3.0.11-1' });
  const { store, clock, documents } = setup;
  const take = async () => {
    const { events, idle } = setup;
    const changed = await importAdvisories({ store, clock, events, log: silentLog, documents: async () => documents });
    await idle();

    return changed;
  };

  return { ...setup, take, lines: setup.lines, open: setup.open };
}

describe('when an advisory of our own is signed', () => {
  it('it is a finding wherever its versions are, by its name, with its evidence', async () => {
    const { documents, take, lines, open } = await fleet();
    documents.push(advisorySample({ affected: XZ }));

    expect(await take()).toBe(true);
    expect(lines()).toEqual(['host-1 xz-utils 5.6.1-1 own-2026-001 fixable']);
    expect(open()[0]?.match).toMatchObject({
      fixed: '5.6.2-1',
      evidence: [{ feed: 'advisory', record: 'own-2026-001', says: 'affected', urgency: 'immediate' }],
    });
  });

  it('the same advisories again change nothing; without it the finding is gone', async () => {
    const { documents, take, lines, store } = await fleet();
    documents.push(advisorySample({ affected: XZ }));
    await take();
    const before = await store.read.feeds.byName('advisory');

    expect(await take()).toBe(false);
    expect(await store.read.feeds.byName('advisory')).toEqual(before);
    documents.length = 0;
    expect([await take(), lines()]).toEqual([true, []]);
    expect(await take()).toBe(false);
  });

  it('a collector that never had one makes no feed of it', async () => {
    const { take, store } = await fleet();

    expect(await take()).toBe(false);
    expect(await store.read.feeds.byName('advisory')).toBeNull();
  });

  it('the real record retires it: its word counts, and the advisory is shown beside it', async () => {
    const { documents, take, lines, feed, open, store } = await fleet();
    documents.push(advisorySample({ cves: ['CVE-2024-3094'], affected: XZ }));
    await take();
    expect(lines()).toEqual(['host-1 xz-utils 5.6.1-1 CVE-2024-3094 fixable']);
    expect(await store.read.feeds.facts(['CVE-2024-3094'])).toEqual(
      new Map([['CVE-2024-3094', [{ raised: { to: 'immediate', by: 'own-2026-001' } }]]]),
    );

    await feed('debian-tracker', 3, [rule('CVE-2024-3094', 'xz-utils', '5.6.1+really5.4.5-1')]);
    await take();
    expect(open()[0]?.match).toMatchObject({
      fixed: '5.6.1+really5.4.5-1',
      evidence: [{ feed: 'debian-tracker' }, { feed: 'advisory', rule: expect.stringContaining('retired') }],
    });
    // Nor does it ask for haste any more.
    expect(await store.read.feeds.facts(['CVE-2024-3094'])).toEqual(new Map());

    await feed('debian-tracker', 4, [rule('CVE-2024-3094', 'xz-utils', null, { status: 'not-affected', ranges: [] })]);
    await take();
    expect(lines()).toEqual([]);
  });

  it('a record about another package, or one that was withdrawn, retires nothing', async () => {
    const { documents, take, feed, store, lines } = await fleet();
    documents.push(advisorySample({ cves: ['CVE-2024-3094'], affected: XZ }));
    await feed('debian-tracker', 3, [
      rule('CVE-2024-3094', 'openssl', '9'),
      rule('CVE-2024-3094', 'xz-utils', '9', { withdrawn: '2026-01-01T00:00:00Z' as never }),
    ]);
    await take();

    expect((await store.read.feeds.facts(['CVE-2024-3094'])).size).toBe(1);
    expect(lines()).toContain('host-1 xz-utils 5.6.1-1 CVE-2024-3094 fixable');
  });

  it('is taken over when the policy changes, by itself', async () => {
    const { documents, lines, store, clock, events, idle } = await fleet();
    const keeper = keepAdvisories({ store, clock, events, log: silentLog, documents: async () => documents });
    await keeper.idle();
    documents.push(advisorySample({ affected: XZ }));
    events.publish({ type: 'policy.changed', timestampVersion: 2 });
    await keeper.idle();
    await idle();

    expect(lines()).toEqual(['host-1 xz-utils 5.6.1-1 own-2026-001 fixable']);
    await keeper.close();
  });

  it('names ecosystems and first versions as feeds do', () => {
    const [made] = rulesOf(
      advisorySample({ affected: [{ ecosystem: 'Rocky Linux:9', package: 'bash', ranges: [{ introduced: '0' }] }] }),
    );

    expect(made).toMatchObject({ ecosystem: 'Rocky:9', status: 'open', ranges: [{ introduced: null, fixed: null }] });
  });

  it('a date without a time is its first moment, wherever times are counted', async () => {
    const { documents, take, open } = await fleet();
    documents.push(advisorySample({ affected: XZ, published: '2026-11-20' }));
    await take();

    expect(open()[0]?.match.evidence[0]?.published).toBe('2026-11-20T00:00:00Z');
  });
});

describe('when an advisory asks for a decision', () => {
  const small = { exposure: 'small', impact: 'low' } as const;
  const decision = (to: 'immediate' | 'out-of-cycle' | 'scheduled' | 'defer', kev = false, knows = true) => {
    const listed = { dateAdded: '2026-01-01', dueDate: null, ransomware: null };
    const facts = mergeFacts('CVE-2024-3094', [{ raised: { to, by: 'own' } }, ...(kev ? [{ kev: listed }] : [])]);

    return verdictOf(knows ? KNOWS_KEV : { kev: null }, facts, kev ? { exposure: 'open', impact: 'very high' } : small);
  };

  it('it raises what the tree says, and says so in the path', () => {
    expect(decision('immediate')).toMatchObject({
      decision: 'immediate',
      path: expect.stringContaining('raised to immediate by advisory own'),
    });
  });

  it('it never lowers it, nor makes less of what is not known', () => {
    expect(decision('defer', true).decision).toBe('immediate');
    expect(decision('scheduled', false, false).decision).toBe('unknown');
    expect(decision('immediate', false, false).decision).toBe('immediate');
    for (const to of ['immediate', 'out-of-cycle', 'scheduled', 'defer'] as const) {
      const plain = verdictOf(KNOWS_KEV, mergeFacts('CVE-2024-3094', []), small).decision;

      expect(DECISIONS.indexOf(decision(to).decision)).toBeLessThanOrEqual(DECISIONS.indexOf(plain));
    }
  });

  it('of several the most pressing one counts', () => {
    const parts = (['scheduled', 'immediate', 'defer'] as const).map((to) => ({ raised: { to, by: to } }));

    expect(mergeFacts('CVE-2024-3094', parts).raised).toEqual({ to: 'immediate', by: 'immediate' });
  });
});

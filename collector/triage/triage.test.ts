// The fleet's triage gives from its memory what the pure rules give, and keeps no more than it needs.
import type { Timestamp } from '@selvage/shared/model/ids.ts';
import type { Labels } from '@selvage/shared/model/labels.ts';
import { fc } from '@selvage/shared/testing/properties.ts';
import { describe, expect, it } from 'vitest';
import type { Machine } from '../findings/fleet.ts';
import type { FeedReader } from '../store/feed-ports.ts';
import { circumstancesOf } from './circumstances.ts';
import { decideWith } from './decide.ts';
import { EXPOSURES, HUMAN_IMPACTS } from './decision.ts';
import { dueOf } from './due.ts';
import { mergeFacts } from './facts.ts';
import { loadFacts, loadKnowledge } from './load.ts';
import { FLEET_SETTINGS } from './settings.ts';
import { listening } from './testing/facts.ts';
import { realCves } from './testing/real-facts.ts';
import { createTriage } from './triage.ts';

const real = realCves();
const facts = new Map(real.map(({ cve, parts }) => [cve, mergeFacts(cve, parts)]));
const policies = [{ name: 'linux', after: { immediate: 2 * 86_400_000, 'out-of-cycle': 7 * 86_400_000 } }];
const knowledge = { kev: '2026-08-07T00:00:00Z' };
const triage = createTriage({ knowledge, settings: FLEET_SETTINGS, facts, policiesOf: () => policies });

function machine(labels: Labels, listens: Machine['listening']): Machine {
  return { key: 'host:1', name: 'web-01', labels, listening: listens } as unknown as Machine;
}

const machines = [
  machine({}, [listening('apache2', '0.0.0.0')]),
  machine({ criticality: ['critical'] }, [listening('apache2', '0.0.0.0')]),
  machine({ zone: ['isolated'] }, null),
  machine({ criticality: ['low'] }, []),
];
const software = ['apache2', 'openssl', 'vim'].map((source) => ({
  ...{ ecosystem: 'Debian:12', name: source, source, kernel: null },
}));
const VIM = { ecosystem: 'Debian:12', name: 'vim', source: 'vim', kernel: null } as const;
const cves = [...facts.keys(), 'CVE-2099-0001'];

describe('when a fleet is triaged', () => {
  it('answers as the rules do, again and again', () => {
    const finding = fc.tuple(fc.constantFrom(...machines), fc.constantFrom(...software), fc.constantFrom(...cves));
    fc.assert(
      fc.property(finding, ([on, about, cve]) => {
        const known = triage.facts(cve);
        const decision = triage.of(on, about, { cve });
        const wanted = decideWith(knowledge, known, circumstancesOf(on, about, FLEET_SETTINGS));

        expect(JSON.parse(JSON.stringify(decision))).toEqual(wanted);
        expect(decision.points).toEqual(wanted.points);
        const asked = { facts: known, firstSeen: '2026-11-20T10:00:00Z', policies: triage.policies(on) };
        expect(triage.due({ ...asked, verdict: decision })).toEqual(
          dueOf({ ...asked, decision: wanted, severity: FLEET_SETTINGS.severityDays }),
        );
      }),
      { numRuns: 500 },
    );
  });

  it('keeps the verdicts of different circumstances apart', () => {
    const known = triage.facts('CVE-2024-38475');
    const all = EXPOSURES.flatMap((exposure) => HUMAN_IMPACTS.map((impact) => ({ exposure, impact })));

    for (let twice = 0; twice < 2; twice += 1)
      expect(all.map((one) => triage.verdict(known, one).path)).toEqual(
        all.map(({ exposure, impact }) => `active / ${exposure} / yes / ${impact}`),
      );
  });

  it('lets no time run for what has no fix, but for the date of KEV', () => {
    const known = triage.facts('CVE-2024-38475');
    const verdict = triage.verdict(known, { exposure: 'open', impact: 'high' });
    const asked = { facts: known, verdict, firstSeen: '2026-11-20T10:00:00Z', policies };
    const unlisted = { ...known, kev: null };

    expect(triage.dates({ ...asked, fixable: false }).map(({ by }) => by)).toEqual(['KEV']);
    expect(triage.dates(asked).length).toBe(3);
    expect(triage.due({ ...asked, facts: unlisted, fixable: false })).toBeNull();
    expect(triage.due({ ...asked, facts: unlisted })).toEqual({ date: '2026-11-22', by: 'policy linux' });
  });

  it('shares one verdict between all machines in the same circumstances', () => {
    const [cve = ''] = cves;
    const verdictOn = (on: Machine) => triage.verdict(triage.facts(cve), triage.circumstances(on).of(VIM));

    expect(verdictOn(machine({}, [listening('sshd', '0.0.0.0', 22)]))).toBe(
      verdictOn(machine({}, [listening('nginx', '::', 443)])),
    );
  });

  it('has an answer for a CVE that nobody knows', () => {
    const on = machines[0] ?? machine({}, null);

    expect(triage.of(on, VIM, { cve: 'CVE-2099-0001' })).toMatchObject({
      ...{ decision: 'scheduled', severity: null, score: null, path: 'none / controlled / yes / medium' },
    });
    expect(triage.facts('CVE-2099-0001')).toBe(triage.facts('CVE-2099-0001'));
  });
});

describe('when facts are loaded', () => {
  const parts = new Map(real.map((one) => [one.cve, one.parts]));
  const asked: number[] = [];
  const feeds: Pick<FeedReader, 'facts' | 'byName'> = {
    facts: async (wanted) => {
      asked.push(wanted.length);

      return new Map(wanted.flatMap((cve) => (parts.has(cve) ? [[cve, parts.get(cve) ?? []] as const] : [])));
    },
    byName: async () => null,
  };

  it('asks in portions, once for each, and has an answer for all', async () => {
    const many = Array.from({ length: 1200 }, (_, index) => `CVE-2030-${10_000 + index}`);
    const loaded = await loadFacts(feeds, [...many, ...many, ...parts.keys()]);

    expect(asked).toEqual([500, 500, 500, parts.size - 300]);
    expect(loaded.size).toBe(1200 + parts.size);
    expect(loaded.get('CVE-2024-38475')).toEqual(facts.get('CVE-2024-38475'));
    expect(loaded.get('CVE-2030-10000')).toEqual(mergeFacts('CVE-2030-10000', []));
  });

  it('knows KEV once there is a generation of it', async () => {
    const state = { generation: 3, asOf: '2026-08-07T00:00:00Z' as Timestamp };
    const byName = async () => state as Awaited<ReturnType<FeedReader['byName']>>;

    expect(await loadKnowledge(feeds)).toEqual({ kev: null });
    expect(await loadKnowledge({ byName })).toEqual({ kev: '2026-08-07T00:00:00Z' });
    expect(await loadKnowledge({ byName: async () => ({ ...(await byName()), generation: null }) as never })).toEqual({
      kev: null,
    });
  });
});

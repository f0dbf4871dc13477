import { fc } from '@selvage/shared/testing/properties.ts';
import { describe, expect, it } from 'vitest';
import type { FindingState } from '../findings/finding.ts';
import { eachFinding } from '../findings/join.ts';
import { type Sample, sampleFleet } from '../findings/testing/sample-fleet.ts';
import { DECISIONS } from '../triage/decision.ts';
import { totalOf } from './counting.ts';
import { GroupMemory } from './groups.ts';
import { TODO_AT, todoDeps } from './testing/todo-deps.ts';
import { CRITICAL, EPSS, KEV, offer, word } from './testing/todo-samples.ts';
import { todoOf } from './todo-steps.ts';

const OPEN: readonly FindingState[] = ['fixable', 'no-fix', 'still-running'];

describe('when anything may be installed, offered and known', () => {
  const versions = fc.constantFrom('1', '2', '3');
  const sources = fc.constantFrom('bash', 'curl', 'linux', 'zlib');
  const match = fc.record(
    {
      cve: fc.constantFrom('CVE-1', 'CVE-2', 'CVE-3', 'CVE-4'),
      fixed: versions,
      pocket: fc.constantFrom(null, 'esm-apps'),
    },
    { requiredKeys: ['cve'] },
  );
  const software = fc.record({
    name: sources,
    version: versions,
    kernel: fc.constantFrom(null, 'running' as const, 'installed' as const),
  });
  const old = fc.record({ name: sources, version: fc.constantFrom('0', '0.5'), kernel: fc.constant(null) });
  const machine = fc.record({
    software: fc.uniqueArray(software, { selector: (one) => JSON.stringify(one), maxLength: 5 }),
    // A machine has one version of a source at a time: two that lie over each other are no history.
    episodes: fc.uniqueArray(
      fc.record({
        name: sources,
        version: fc.constantFrom('0', '0.5'),
        since: fc.constant('2026-01-01T00:00:00Z'),
        until: fc.constant('2026-03-01T12:00:00Z'),
      }),
      { selector: ({ name }) => name, maxLength: 2 },
    ),
    stillRunning: fc.array(fc.record({ package: sources, source: sources, processes: fc.constant([]) }), {
      maxLength: 2,
    }),
    offers: fc.option(
      fc.array(fc.record({ source: sources, version: versions, security: fc.boolean(), held: fc.boolean() }), {
        maxLength: 4,
      }),
    ),
    import: fc.boolean(),
    unknown: fc.constantFrom(null, null, null, 'not read'),
  });
  const sample = fc
    .record({
      machines: fc.array(machine, { maxLength: 6 }),
      matches: fc.uniqueArray(
        fc.record({
          software: fc.oneof(software, old),
          matches: fc.uniqueArray(match, { selector: ({ cve }) => cve, maxLength: 4 }),
        }),
        { selector: (one) => JSON.stringify(one.software), maxLength: 8 },
      ),
    })
    .map(
      ({ machines, matches }): Sample => ({
        machines: machines.map(({ offers, ...one }, index) => ({
          ...{ ...one, name: `m${index}`, listening: [], kernel: { running: 'a', newest: null } },
          offers: offers === null ? null : offers.map((each) => offer(each)),
        })),
        matches: matches.map((one) => ({ ...one.software, matches: one.matches })),
      }),
    );
  const judgements = {
    concerns: (_: unknown, cve: string) => cve === 'CVE-4',
    of: ({ name }: { readonly name: string }, _: unknown, cve: string) =>
      cve !== 'CVE-4' || name >= 'm4' ? null : word(name < 'm2' ? 'accepted' : 'not-affected'),
  };

  it('counts each finding exactly once, and every sum adds up', () => {
    fc.assert(
      fc.property(sample, (given) => {
        const fleet = sampleFleet(given);
        const deps = todoDeps({
          facts: {
            'CVE-1': { ...KEV, ...CRITICAL, kev: { ...KEV.kev, dueDate: null } },
            'CVE-2': { ...EPSS, ...CRITICAL },
          },
          judgements,
        });
        const list = todoOf(fleet, deps);
        const all = [...eachFinding(fleet, deps.triage, { now: TODO_AT, suppressions: judgements.of })];
        // Headers of a kernel are listed apart; here they are counted with what has a fix or none, and are due by nobody.
        const isIdle = ({ state, software: of }: (typeof all)[number]) => state === 'not-running' && of.kernel === null;
        const found = all.map((one) =>
          isIdle(one)
            ? { ...one, due: null, state: one.match.state === 'fixable' ? ('fixable' as const) : ('no-fix' as const) }
            : one,
        );
        const count = (state: FindingState) => found.filter((one) => one.state === state).length;
        const closed = list.fixes.reduce((sum, { closes }) => sum + closes, 0);
        const missing = list.notOffered.reduce((sum, { findings }) => sum + findings, 0);

        expect(closed + missing).toBe(count('fixable'));
        expect(list.noFix.findings).toBe(count('no-fix'));
        expect(list.noFix.kernelSources).toBe(all.filter((one) => isIdle(one) && one.match.state === 'open').length);
        const urgent = all.filter(({ state, decision }) => state === 'no-fix' && decision.decision === 'immediate');
        expect(list.noFix.urgent).toBe(urgent.length);
        expect(list.stillRunning.findings).toBe(count('still-running'));
        expect(list.notRunning.findings).toBe(count('not-running'));
        expect(list.accepted.findings).toBe(count('accepted'));
        expect(list.notAffected.findings).toBe(count('not-affected'));
        const open = found.filter(({ state }) => OPEN.includes(state));
        const first = (dues: readonly ({ readonly date: string } | null)[]) =>
          dues.flatMap((due) => due?.date ?? []).sort()[0];
        const fixable = found.filter(({ state }) => state === 'fixable');
        expect(first([...list.fixes, ...list.notOffered].map(({ due }) => due))).toBe(
          first(fixable.map(({ due }) => due)),
        );
        for (const decision of DECISIONS) {
          expect(list.open[decision]).toBe(open.filter((one) => one.decision.decision === decision).length);
        }
        for (const row of list.fixes) {
          expect(totalOf(row.closesByDecision)).toBe(row.closes);
          expect(Object.values(row.standings).reduce((sum, count) => sum + count, 0)).toBe(row.machines);
        }
        for (const bin of [list.noFix, list.stillRunning, list.accepted])
          expect(totalOf(bin.byDecision)).toBe(bin.findings);
      }),
      { numRuns: 500 },
    );
  });

  it('lists no fix twice, the most urgent first, and closes nothing with a version that has not the fix', () => {
    fc.assert(
      fc.property(sample, (given) => {
        const { fixes } = todoOf(sampleFleet(given), todoDeps({ facts: { 'CVE-1': KEV } }));

        expect(new Set(fixes.map(({ provider, id }) => `${provider} ${id}`)).size).toBe(fixes.length);
        const order = fixes.map(({ decision }) => DECISIONS.indexOf(decision));
        expect(order).toEqual(order.toSorted((a, b) => a - b));
        for (const { closes, cves, machines } of fixes) {
          expect(machines).toBeGreaterThan(0);
          expect(closes === 0).toBe(cves === 0);
        }
      }),
    );
  });

  it('says with what it remembers the same as without, whatever has changed meanwhile', () => {
    fc.assert(
      fc.property(sample, fc.array(fc.tuple(fc.nat(5), fc.boolean()), { maxLength: 4 }), (given, changes) => {
        const fleet = sampleFleet(given);
        const deps = todoDeps({ facts: { 'CVE-1': KEV } });
        const memory = new GroupMemory();
        const same = () => expect(todoOf(fleet, { ...deps, memory })).toEqual(todoOf(fleet, deps));
        same();
        for (const [index, isMatch] of changes) {
          const [id] = fleet.ids();
          const machine = [...fleet.machines.values()][index];
          if (isMatch && id !== undefined) fleet.putMatches(id, []);
          else if (machine) fleet.describeMachine(machine, { offers: [offer({ source: 'bash', version: '9' })] });
          same();
        }
        const [first] = fleet.machines.keys();
        if (first !== undefined) fleet.dropMachine(first);
        same();
      }),
    );
  });
});

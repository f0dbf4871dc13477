// From the call that imports an advisory about one package to the right answer for a fleet of 10,000 hosts: who has it. Of two packages,
// one on 100 hosts and one on 9,000, so that what it costs can be seen to follow the hosts that have it.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { silentLog } from '@selvage/shared/log/log.ts';
import { systemClock } from '@selvage/shared/time/clock.ts';
import { Events } from '../../../collector/events.ts';
import { importFeed } from '../../../collector/feeds/import/importing.ts';
import { FleetIndex } from '../../../collector/findings/index.ts';
import { keepFindings } from '../../../collector/findings/keeper.ts';
import { putFeed } from '../../../collector/findings/testing/put-feed.ts';
import { software } from '../../../collector/matching/testing/data.ts';
import { openStore } from '../../../collector/store/store.ts';
import type { Bench } from '../bench.ts';
import { AT, ECOSYSTEM, putFleet, ubuntuRules } from '../findings/fleet.ts';
import { median } from '../median.ts';

const HOSTS = 10_000;
const QUICK_HOSTS = 1000;
const FEW = 0.01;
const MANY = 0.9;
const ROUNDS = 5;
const TARGET_MS = 1000;

export const newAdvisory: Bench = {
  name: 'new-advisory',
  describe: 'from importing an advisory about one package to the right answer for 10,000 hosts',
  run: async ({ folder, say, quick }) => {
    const hosts = quick ? QUICK_HOSTS : HOSTS;
    const packages = [
      { name: 'rare-thing', hosts: hosts * FEW },
      { name: 'common-thing', hosts: hosts * MANY },
    ].map(({ name, hosts: some }) => ({ name, hosts: some, software: software(ECOSYSTEM, name, '1.0-1') }));
    say(`putting ${hosts} hosts into a store`);
    const store = await openStore({ file: join(folder, 'selvage.db'), clock: systemClock });
    // The feed of the distribution is another one: a switch of this one names only what is in it.
    await putFeed(store, 'ubuntu-tracker', await ubuntuRules(), AT);
    await putFleet(store, hosts, packages);
    const [events, fleet] = [new Events(), new FleetIndex()];
    const keeper = keepFindings({
      ...{ store, fleet, clock: systemClock, events, log: silentLog },
      documents: async () => [],
    });
    await keeper.idle();
    const measured: { name: string; hosts: number; all: number[]; matched: number[]; joined: number[] }[] = [];
    let number = 0;
    for (const { name, hosts: expected } of packages) {
      const of = { name, hosts: expected, all: [] as number[], matched: [] as number[], joined: [] as number[] };
      for (let round = 0; round < ROUNDS; round++) {
        number += 1;
        const cve = `CVE-2026-${1000 + number}`;
        const file = join(folder, `${cve}.json`);
        writeFileSync(file, JSON.stringify(advisory(cve, name)));
        let switched = 0;
        const unsubscribe = events.subscribe(({ type }) => {
          if (type === 'feed.changed') switched = performance.now();
        });
        const from = performance.now();
        await importFeed({ store, clock: systemClock, events }, 'osv-ubuntu', [{ path: file }], { acceptShrunk: true });
        await keeper.idle();
        const answered = performance.now();
        const machines = new Set(
          fleet
            .byName(name)
            .filter((id) => fleet.matches(id).some((match) => match.cve === cve))
            .flatMap((id) => [...fleet.machinesWith(id)]),
        );
        const end = performance.now();
        unsubscribe();
        if (machines.size !== expected) throw new Error(`${machines.size} hosts have ${name}, not ${expected}`);
        of.all.push(end - from);
        of.matched.push(answered - switched);
        of.joined.push(end - answered);
      }
      measured.push(of);
    }
    await keeper.close();
    await store.close();

    return measured.map(({ name, hosts: some, all, matched, joined }) => ({
      name: `new-advisory.${some}`,
      unit: 'ms',
      ours: median(all),
      peer: null,
      target: { atMost: TARGET_MS },
      notes: [
        `${name} on ${some} of ${hosts} hosts: import, then matched in ${median(matched).toFixed(1)} ms after the switch, then its ${some} hosts listed in ${median(joined).toFixed(2)} ms`,
        ...(quick ? ['--quick: fewer hosts'] : []),
      ],
    }));
  },
};

function advisory(cve: string, name: string): object {
  return {
    ...{ schema_version: '1.6.0', id: `UBUNTU-${cve}`, upstream: [cve], modified: AT, published: AT },
    affected: [
      {
        package: { ecosystem: 'Ubuntu:22.04:LTS', name },
        ranges: [{ type: 'ECOSYSTEM', events: [{ introduced: '0' }, { fixed: '1.0-2' }] }],
      },
    ],
  };
}

// One host that reports for the first time, from the commit of its inventory to its findings with their evidence in the store, against a
// whole run of debsecan on the same host and data. The feed is imported before, as debsecan has its own at hand.
import { copyFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import { createRun } from '@selvage/shared/exec/run.ts';
import { silentLog } from '@selvage/shared/log/log.ts';
import { systemClock } from '@selvage/shared/time/clock.ts';
import { OS_SECTION, putInventory } from '../../../collector/api/testing/inventories.ts';
import { Events } from '../../../collector/events.ts';
import { OSV_FEEDS } from '../../../collector/feeds/osv.ts';
import { FleetIndex } from '../../../collector/findings/index.ts';
import { openOf } from '../../../collector/findings/join.ts';
import { keepFindings } from '../../../collector/findings/keeper.ts';
import { putFeed } from '../../../collector/findings/testing/put-feed.ts';
import { snapshotRules, table } from '../../../collector/matching/testing/data.ts';
import { hostId, hostSample } from '../../../collector/store/samples.ts';
import { openStore } from '../../../collector/store/store.ts';
import type { Bench } from '../bench.ts';
import { debsecanFeed, dpkgStatus } from '../debsecan/feed.ts';
import { AT } from '../findings/fleet.ts';
import { median } from '../median.ts';

const RUNS = 9;
const QUICK_RUNS = 3;
/** Rounds before: a collector runs for months, and its first host is told beside. */
const WARM_UPS = 30;
const DEADLINE_MS = 60_000;
const OUTPUT_BYTES = 64 * 1024 * 1024;
/** Share of debsecan's whole run that ours may take. */
const TARGET = 0.1;

export const matchHost: Bench = {
  name: 'match-host',
  describe:
    'a host of 710 packages from its inventory to findings with evidence in the store, against a whole run of debsecan',
  run: async ({ folder, say, quick }) => {
    const template = join(folder, 'template.db');
    const { status, installed, packages, rules } = await prepare(folder, template);
    const run = createRun(process.env);
    const args = ['--config', '/dev/null', '--source', `file://${folder}`, '--status', status, '--format', 'simple'];
    const theirs: number[] = [];
    const ours: number[] = [];
    const before: number[] = [];
    for (let round = 0; round < WARM_UPS; round++) {
      const file = join(folder, 'warm-up.db');
      copyFileSync(template, file);
      before.push((await once(file, installed)).ms);
    }
    say(`not counted: the first ${before[0]?.toFixed(1)} ms, after ${WARM_UPS} rounds ${before.at(-1)?.toFixed(1)} ms`);
    let found = { findings: 0, evidence: 0 };
    for (let round = 0; round < (quick ? QUICK_RUNS : RUNS); round++) {
      const from = performance.now();
      await run({ file: 'debsecan', args, deadlineMs: DEADLINE_MS, check: true, outputLimit: OUTPUT_BYTES });
      theirs.push(performance.now() - from);
      const file = join(folder, `round-${round}.db`);
      copyFileSync(template, file);
      const one = await once(file, installed);
      ours.push(one.ms);
      found = one;
      say(`round ${round + 1}: ours ${one.ms.toFixed(1)} ms, debsecan ${theirs.at(-1)?.toFixed(0)} ms`);
    }

    return [
      {
        name: 'match-host',
        unit: 'ms',
        ours: median(ours),
        peer: { name: 'debsecan, whole run', value: median(theirs) },
        target: { atMost: TARGET },
        notes: [
          `${packages} packages, ${rules} rules of Debian 12 imported; ${found.findings} findings, ${found.evidence} rows of evidence written`,
          'ours: from the committed inventory (packed) to its rows in the store and the findings in the fleet; nothing of the host known before',
          `each round a new store, in a process that has done ${WARM_UPS} rounds, as a collector's that runs for long`,
          `the very first round of the process, nothing warm: ${before[0]?.toFixed(0)} ms, ${((before[0] ?? 0) / median(theirs)).toFixed(2)} of debsecan`,
          'the data is the shipped snapshot: all records of Debian 12, prose left out',
        ],
      },
    ];
  },
};

/** Nothing of the feed stays in memory: a collector has it in its store. */
async function prepare(folder: string, template: string) {
  const feed = OSV_FEEDS.find(({ name }) => name === 'osv-debian');
  if (feed === undefined) throw new CodedError('TOOL_MISSING', 'there is no feed osv-debian');
  const rules = [...(await snapshotRules(feed)).values()].flat().flatMap((one) => one.rules);
  const packages = table('debian-12-host.packages').map(
    ({ binary = '', version = '', source = '', source_version = '', arch = 'amd64' }) => ({
      ...{ binary, version, source, sourceVersion: source_version, arch },
    }),
  );
  const status = join(folder, 'status');
  writeFileSync(status, dpkgStatus(packages));
  writeFileSync(join(folder, 'GENERIC'), debsecanFeed(rules));
  const installed = packages.map(({ binary, version, source, sourceVersion, arch }) => ({
    ...{ provider: 'apt' as const, name: binary, version, source, sourceVersion, arch, state: 'installed' },
    ...{ held: false, installedAt: null },
  }));
  const store = await openStore({ file: template, clock: systemClock });
  await putFeed(store, 'osv-debian', rules, AT);
  await store.close();

  return { status, installed, packages: packages.length, rules: rules.length };
}

async function once(file: string, packages: Parameters<typeof putInventory>[3]['packages'] & object) {
  const store = await openStore({ file, clock: systemClock });
  const [events, fleet] = [new Events(), new FleetIndex()];
  const keeper = keepFindings({
    ...{ store, fleet, clock: systemClock, events, log: silentLog },
    documents: async () => [],
  });
  await keeper.idle();
  await store.transaction(({ hosts }) => hosts.add(hostSample(1)));
  await putInventory(store, hostId(1), AT, { os: OS_SECTION, packages });
  const from = performance.now();
  events.publish({ type: 'inventory.received', host: hostId(1), name: 'host-1', changed: ['packages'] });
  await keeper.idle();
  const ms = performance.now() - from;
  const open = [...fleet.machines.values()].flatMap((machine) =>
    openOf(fleet, machine, { now: Temporal.Now.instant() }),
  );
  await keeper.close();
  await store.close();

  return { ms, findings: open.length, evidence: open.reduce((sum, { match }) => sum + match.evidence.length, 0) };
}

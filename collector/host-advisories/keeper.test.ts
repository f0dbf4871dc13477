// Real intake, store and import: from what a host sends to rules that matching reads.

import { readdirSync } from 'node:fs';
import { silentLog } from '@selvage/shared/log/log.ts';
import type { Timestamp } from '@selvage/shared/model/ids.ts';
import type { Updateinfo } from '@selvage/shared/model/updateinfo.ts';
import { systemRandom } from '@selvage/shared/random.ts';
import { temporaryFolder } from '@selvage/shared/testing/temporary-folder.ts';
import { describe, expect, it } from 'vitest';
import { importFeed } from '../feeds/import/importing.ts';
import { durable, INVENTORY, report, section } from '../gateway/testing/messages.ts';
import { intakeLab } from '../intake/testing/intake-lab.ts';
import { coverageOf } from '../matching/coverage.ts';
import { matchSoftware, packagesOf } from '../matching/matching.ts';
import { hostSample } from '../store/samples.ts';
import { keepHostAdvisories } from './keeper.ts';

const { make: makeLab, host } = intakeLab('host-advisories');
const AT = '2026-02-28T10:00:00Z';
const FUTURE = '2027-02-28T10:00:00Z';
const OS = {
  ...{ id: 'rocky', version: '9.4', codename: null, prettyName: 'Rocky Linux 9.4', idLike: ['rhel'] },
  ...{ hostname: 'web-1', machineId: 'm', arch: 'x86_64', timezone: 'UTC', bootedAt: AT, endOfLife: null },
};
const zlib = { name: 'zlib', epoch: '0', version: '1.2.11', release: '40.el9', arch: 'x86_64', module: null };
const RLSA: Updateinfo['notices'][number] = {
  ...{ id: 'RLSA-2026:1', type: 'security', severity: 'Important', issued: '2026-01-02' },
  ...{ cves: ['CVE-2026-10001'], packages: [zlib] },
};

async function make() {
  const lab = await makeLab();
  const folder = temporaryFolder('host-advisories');
  const brought: string[] = [];
  let sequence = 0;
  const parts = {
    ...{ store: lab.store, clock: lab.clock, events: lab.events, random: systemRandom, log: silentLog, folder },
    bring: async (feed: string, file: { readonly path: string }) => {
      brought.push(feed);
      await importFeed(lab, feed, [file], { acceptShrunk: true });
    },
  };
  const keeper = keepHostAdvisories(parts, { pauseMs: 0 });

  return {
    ...lab,
    ...{ keeper, brought, folder, parts },
    tell: async (notices: Updateinfo['notices'], os: object | null = OS, asOf = AT) => {
      const data = { asOf, complete: true, problems: [], notices };
      const sections = [section('updateinfo', data), ...(os === null ? [] : [section('os', os)])];
      for (const each of sections) await lab.send(INVENTORY, ++sequence, each);
      const states = sections.map(({ name, sha256 }) => ({ name, sha256, code: '', reason: '' }));
      await lab.send(INVENTORY, ++sequence, report(states));
      await keeper.idle();
    },
    rules: async (ecosystem = 'Rocky:9') =>
      (await lab.store.read.feeds.rules([{ ecosystem, package: 'zlib' }])).flatMap(({ feed, rules }) =>
        rules.map(({ record, ranges, names, cves }) => ({ feed, record, names, cves, fixed: ranges[0]?.fixed })),
      ),
  };
}

describe('when a host tells of advisories', () => {
  it('they are rules for its release, which nobody had to fetch', async () => {
    const { tell, rules, store, keeper, folder } = await make();
    await tell([RLSA]);

    expect(await rules()).toEqual([
      {
        ...{ feed: 'host-updateinfo', record: 'RLSA-2026:1', names: 'binary', cves: ['CVE-2026-10001'] },
        fixed: '0:1.2.11-40.el9',
      },
    ]);
    expect(await store.read.feeds.byName('host-updateinfo')).toMatchObject({ asOf: AT, records: 1, skipped: 0 });
    expect(readdirSync(folder)).toEqual([]);
    await keeper.close();
  });

  it('the same again is no new generation, another is one, and what is gone there is gone here', async () => {
    const { tell, rules, store, keeper } = await make();
    const generation = async () => (await store.read.feeds.byName('host-updateinfo'))?.generation;
    await tell([RLSA]);
    const first = await generation();
    await tell([RLSA]);
    expect(await generation()).toBe(first);

    await tell([{ ...RLSA, id: 'RLSA-2026:2', packages: [{ ...zlib, release: '41.el9' }] }]);
    expect(await generation()).not.toBe(first);
    expect((await rules()).map(({ record, fixed }) => [record, fixed])).toEqual([['RLSA-2026:2', '0:1.2.11-41.el9']]);
    await keeper.close();
  });

  it('a pending host tells nothing to others until it is accepted', async () => {
    const { intake, rules, store, events, keeper } = await make();
    const pending = hostSample(2, { acceptedAt: null });
    await store.transaction(({ hosts }) => hosts.add(pending));
    const sections = [
      section('updateinfo', { asOf: AT, complete: true, problems: [], notices: [RLSA] }),
      section('os', OS),
    ];
    const states = sections.map(({ name, sha256 }) => ({ name, sha256, code: '', reason: '' }));
    for (const [index, each] of [...sections, report(states)].entries()) {
      await intake.accept(pending.id, durable(INVENTORY, index + 1, each));
    }
    await keeper.idle();
    expect(await rules()).toEqual([]);

    await store.transaction(({ hosts }) => hosts.accept(pending.id, AT as Timestamp));
    events.publish({ type: 'host.accepted', host: pending.id, name: pending.name });
    await keeper.idle();
    expect(await rules()).toHaveLength(1);
    await keeper.close();
  });

  it('a host whose clock is ahead makes nothing look newer than now', async () => {
    const { tell, store, keeper, clock } = await make();
    await tell([RLSA], OS, FUTURE);

    expect((await store.read.feeds.byName('host-updateinfo'))?.asOf).toBe(clock.now().toString());
    await keeper.close();
  });

  it('bug fixes are no rules, and a release that nobody knows has none', async () => {
    const { tell, rules, brought, keeper } = await make();
    await tell([RLSA], { ...OS, id: 'otheros' });
    expect(brought).toEqual([]);
    await tell([{ ...RLSA, type: 'bugfix', cves: [] }, RLSA]);

    expect((await rules()).map(({ record }) => record)).toEqual(['RLSA-2026:1']);
    await keeper.close();
  });

  it('what EPEL has is told of its builds, and no release is watched because of it', async () => {
    const { tell, store, keeper, rules } = await make();
    const epel = { ...RLSA, id: 'FEDORA-EPEL-2026-0a1b', packages: [{ ...zlib, name: 'zlib-ng' }] };
    await tell([epel], { ...OS, id: 'centos', version: '9' });
    const zlibNg = (origin: string | null) => ({
      ...{ ecosystem: 'CentOS:9', name: 'zlib-ng', version: '1.2.11-30.el9', source: 'zlib-ng', module: null },
      ...{ kernel: null, origin },
    });
    const matchesOf = async (origin: string | null) =>
      matchSoftware(zlibNg(origin), await store.read.feeds.rules(packagesOf(zlibNg(origin))));
    const ecosystems = await store.read.feeds.ecosystems();

    expect(await rules('CentOS:9')).toEqual([]);
    expect(coverageOf(zlibNg(null), ecosystems)).toMatchObject({ by: 'unknown' });
    expect(await matchesOf(null)).toEqual([]);
    expect(coverageOf(zlibNg('Fedora Project'), ecosystems)).toEqual({ by: 'feed', feeds: ['host-updateinfo'] });
    expect(await matchesOf('Fedora Project')).toMatchObject([{ cve: 'CVE-2026-10001', state: 'fixable' }]);
    await keeper.close();
  });

  it('nothing stays of a host that was revoked, also where it was the only one', async () => {
    const { tell, rules, store, keeper, events } = await make();
    await tell([RLSA]);
    expect(await rules()).toHaveLength(1);

    await store.transaction(({ hosts }) => hosts.revoke(host.id, AT as Timestamp));
    events.publish({ type: 'host.revoked', host: host.id, name: 'web-1' });
    await keeper.idle();

    expect(await rules()).toEqual([]);
    await keeper.close();
  });

  it('after a start what the store has is taken in without a new report', async () => {
    const { tell, keeper, parts, brought } = await make();
    await tell([RLSA]);
    await keeper.close();
    const before = brought.length;
    const again = keepHostAdvisories(parts, { pauseMs: 0 });
    await again.idle();

    expect(brought.length).toBe(before + 1);
    await again.close();
  });
});

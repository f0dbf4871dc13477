import { describe, expect, it } from 'vitest';
import { inTurns } from '../api/in-turns.ts';
import { debs, findingsLab, rule } from '../findings/testing/findings-lab.ts';
import { AT, hostId } from '../store/samples.ts';
import { fixedWords } from './fixed-words.ts';
import { gatherWords, MAX_WORDS } from './words.ts';

const lab = findingsLab('vex-words');
const CVES = 200;

describe('when findings are put into words', () => {
  it('each machine has its own, and more than a document holds are refused with what to do', async () => {
    const setup = await lab.make();
    await setup.host(1);
    await setup.inventory(1, 1, debs({ openssl: '3.0.11-1' }));
    const rules = Array.from({ length: CVES }, (_, number) => rule(`CVE-2024-${1000 + number}`, 'openssl', '3.0.13-1'));
    await setup.feed('debian-tracker', 2, rules);
    const machine = setup.fleet.machines.get(`host:${hostId(1)}`);
    if (machine === undefined) throw new Error('the machine is not there');
    const gather = (times: number) =>
      inTurns(gatherWords(setup.fleet, Array(times).fill(machine), { now: Temporal.Instant.from(AT) }));
    const words = await gather(MAX_WORDS / CVES);

    expect(words).toHaveLength(MAX_WORDS);
    expect(new Set(words.map(({ cve }) => cve)).size).toBe(CVES);
    expect(words[0]).toMatchObject({
      ...{ machine: machine.key, status: 'affected', action: 'update openssl to 3.0.13-1' },
      purl: 'pkg:deb/debian/openssl@3.0.11-1?arch=source&distro=debian-12',
      detail: expect.stringContaining('3.0.11-1'),
    });
    await expect(gather(MAX_WORDS / CVES + 1)).rejects.toThrow(
      expect.objectContaining({ code: 'REQUEST_TOO_LARGE', next: expect.stringContaining('--select') }),
    );
  });

  it('what the installed versions have fixed is said of every machine, and rules are asked for once for each software', async () => {
    const setup = await lab.make();
    for (const number of [1, 2, 3]) {
      await setup.host(number);
      await setup.inventory(number, 1, debs({ openssl: number === 3 ? '3.0.11-1' : '3.0.13-1', zlib: '1.3-1' }));
    }
    await setup.feed('debian-tracker', 2, [rule('CVE-2024-1000', 'openssl', '3.0.13-1')]);
    const asked: string[] = [];
    const feeds = {
      rules: (names: Parameters<typeof setup.store.read.feeds.rules>[0]) => {
        asked.push(...names.map((each) => each.package));

        return setup.store.read.feeds.rules(names);
      },
    };
    const words = await fixedWords(setup.fleet, [...setup.fleet.machines.values()], feeds);

    expect(words.map(({ name, cve, status }) => `${name} ${cve} ${status}`).toSorted()).toEqual([
      'host-1 CVE-2024-1000 fixed',
      'host-2 CVE-2024-1000 fixed',
    ]);
    // Two versions of openssl, and zlib, which all three have.
    expect(asked.toSorted()).toEqual(['openssl', 'openssl', 'zlib']);
  });
});

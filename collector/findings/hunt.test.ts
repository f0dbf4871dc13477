// Hunting: what people write, what it means for versions that packages change, and who cannot answer.
import { describe, expect, it } from 'vitest';
import { inTurns } from '../api/in-turns.ts';
import { parseHas } from './has-text.ts';
import { huntSteps } from './hunt.ts';
import { type Sample, sampleFleet } from './testing/sample-fleet.ts';
import { meets } from './version-conditions.ts';

const hunt = async (sample: Sample, text: string, running = false) => {
  const fleet = sampleFleet(sample);
  const { found, unknown, notSeenRunning } = await inTurns(huntSteps(fleet, parseHas(text), { running }));
  const name = (key: string) => fleet.machines.get(key)?.name;

  return {
    found: [...found]
      .map(([key, hits]) => `${name(key)}: ${hits.map((hit) => `${hit.name} ${hit.version}`).join(', ')}`)
      .sort(),
    how: [...found.values()].flat().map(({ running: how }) => how),
    unknown: [...unknown.keys()].map(name).sort(),
    quiet: notSeenRunning.size,
  };
};

describe('when a hunt is written', () => {
  it('a name and conditions are read, with or without spaces, with commas', () => {
    expect(parseHas('xz-utils >=5.6.0 <5.6.2')).toMatchObject({
      name: 'xz-utils',
      conditions: [
        { operator: '>=', version: '5.6.0' },
        { operator: '<', version: '5.6.2' },
      ],
    });
    expect(parseHas(' libstdc++6>=12, != 12.2.0-14 ').text).toBe('libstdc++6 >=12 !=12.2.0-14');
    expect(parseHas('@babel/core == 7.0.0').text).toBe('@babel/core =7.0.0');
    expect(parseHas('log4j*')).toMatchObject({ name: null, conditions: [] });
    expect(parseHas('openssl =1:3.0.2-0ubuntu1.15~esm1+b1').conditions[0]?.version).toBe('1:3.0.2-0ubuntu1.15~esm1+b1');
  });

  it.each([
    ['', 1, 'the name of a package is missing'],
    ['>=5', 1, 'is no name'],
    ['xz-utils 5.6', 10, 'stands where one of'],
    ['xz-utils >=', 12, 'a version is missing'],
    ['xz-utils >= <5', 13, 'is no version'],
    ['xz-utils ~>5', 10, 'stands where'],
    ['xz-utils =!5', 10, 'stands where'],
    ['xz utils', 4, 'stands where'],
    ['xz >=$(id)', 6, 'is no version'],
    [`x${' >=1'.repeat(17)}`, 67, 'more than 16'],
    ['x'.repeat(2000), 1, 'more than 1024'],
  ])('a wrong one is refused at its column: %s', (text, column, message) => {
    expect(() => parseHas(text)).toThrow(
      expect.objectContaining({
        code: 'SELECT_INVALID',
        message: expect.stringContaining(message),
        details: { column, text: text.slice(0, 1024) },
      }),
    );
  });
});

describe('when versions are held against conditions', () => {
  it.each([
    // Upstream's version, as people know it from the news.
    ['Debian:12', '5.6.1-1', '>=5.6.0 <5.6.2', true],
    ['Debian:12', '5.6.1-1', '=5.6.1', true],
    ['Debian:12', '5.6.1-1', '<=5.6.1', true],
    ['Debian:12', '5.6.1-1', '>5.6.1', false],
    ['Debian:12', '5.6.1-1', '=5.6.1-1', true],
    ['Debian:12', '5.6.1-1+b1', '=5.6.1-1', false],
    ['Debian:12', '5.6.1+really5.4.5-1', '>=5.6.0 <5.6.2', false],
    ['Debian:12', '5.6.1+really5.4.5-1', '=5.4.5', true],
    ['Debian:12', '5.6.1+really5.4.5-1', '=5.6.1+really5.4.5-1', true],
    ['Debian:12', '1:5.6.1+really5.4.5-1', '>=1:5.4', true],
    ['Debian:12', '1:5.6.1+really5.4.5-1', '<5.5', true],
    // An epoch that is not asked for must not hide it, one that is asked for counts.
    ['Debian:12', '1:9.2p1-2+deb12u1', '<9.3', true],
    ['Debian:12', '1:9.2p1-2+deb12u1', '<1:9.3', true],
    ['Debian:12', '1:9.2p1-2+deb12u1', '<0:9.3', false],
    ['Debian:12', '5.6.0~rc1-1', '<5.6.0', true],
    ['Ubuntu:22.04', '5.2.5-2ubuntu1', '!=5.2.5', false],
    ['Rocky:9', '1:3.0.7-27.el9', '>=3.0.7 <3.0.8', true],
    ['Rocky:9', '3.0.7-27.el9', '=3.0.7-27.el9', true],
    ['npm', '4.17.20', '<4.17.21', true],
    ['npm', '5.0.0-rc.1', '<5.0.0', true],
    ['PyPI', '2.0.0rc1', '>=2.0.0', false],
    // Nobody knows how these are ordered; the same text is the same.
    ['generic', '1.2.3', '=1.2.3', true],
    ['generic', '1.2.3', '<2', null],
    ['Debian:12', 'not a version!', '<2', null],
    ['deb:raspbian:12', '5.6.1-1', '>=5.6.0', true],
  ])('%s %s %s: %s', (ecosystem, version, text, answer) => {
    expect(meets(ecosystem, version, parseHas(`x ${text}`).conditions)).toBe(answer);
  });
});

const xz = {
  name: 'xz-utils',
  version: '5.6.1-1',
  binaries: [
    ['liblzma5', '5.6.1-1'],
    ['xz-utils', '5.6.1-1'],
  ],
} as const;

describe('when a fleet is asked', () => {
  it('machines are found by source, by binary package and by pattern', async () => {
    const machines = [
      { name: 'a', software: [xz] },
      { name: 'b', software: [{ ...xz, binaries: [['xz-utils', '5.6.1-1']] as const }] },
      { name: 'c', software: [{ ...xz, version: '5.4.1-1', binaries: [['liblzma5', '5.4.1-1']] as const }] },
    ];
    expect((await hunt({ machines }, 'xz-utils >=5.6.0 <5.6.2')).found).toEqual([
      'a: xz-utils 5.6.1-1',
      'b: xz-utils 5.6.1-1',
    ]);
    // Only who has this very binary.
    expect((await hunt({ machines }, 'liblzma5 >=5.6.0')).found).toEqual(['a: liblzma5 5.6.1-1']);
    expect((await hunt({ machines }, 'lib*5')).found).toEqual(['a: liblzma5 5.6.1-1', 'c: liblzma5 5.4.1-1']);
    expect((await hunt({ machines }, 'nothing-like-it')).found).toEqual([]);
  });

  it('binaries are compared by their own versions', async () => {
    const gcc = { name: 'gcc-defaults', version: '1.203', binaries: [['gcc', '4:12.2.0-3']] as const };
    const machines = [{ name: 'a', software: [gcc] }];
    expect((await hunt({ machines }, 'gcc >=12 <13')).found).toEqual(['a: gcc 4:12.2.0-3']);
    expect((await hunt({ machines }, 'gcc-defaults <2')).found).toEqual(['a: gcc-defaults 1.203']);
  });

  it('who cannot answer is unknown, and is no machine without it', async () => {
    const machines = [
      { name: 'a', software: [xz] },
      { name: 'b', software: [xz], unknown: 'dpkg was interrupted' },
      { name: 'c', software: [{ ...xz, ecosystem: 'Other:1', binaries: [] }] },
      { name: 'd', software: [] },
    ];
    expect(await hunt({ machines }, 'xz-utils <6')).toMatchObject({
      found: ['a: xz-utils 5.6.1-1'],
      unknown: ['b', 'c'],
    });
    expect(await hunt({ machines }, 'xz-utils')).toMatchObject({
      found: ['a: xz-utils 5.6.1-1', 'c: xz-utils 5.6.1-1'],
      unknown: ['b'],
    });
  });

  it('only those that are seen to use it, where that is asked', async () => {
    const ssh = { name: 'openssh', version: '1:9.2p1-2', binaries: [['openssh-server', '1:9.2p1-2']] as const };
    const listening = [
      { source: 'openssh', address: '0.0.0.0', port: 22, protocol: 'tcp' as const, pid: 1, program: 'sshd' },
    ];
    const kernel = (state: 'running' | 'installed') => ({
      name: 'linux',
      version: '6.1.119-1',
      kernel: state,
      binaries: [],
    });
    const stillRunning = [
      { package: 'liblzma5', source: 'xz-utils', processes: [{ pid: 7, program: 'sshd', service: 'ssh.service' }] },
    ];
    const machines = [
      { name: 'a', software: [ssh, kernel('running')], listening },
      { name: 'b', software: [ssh, kernel('installed')] },
      {
        name: 'c',
        software: [{ ...xz, version: '5.6.2-1', binaries: [['liblzma5', '5.6.2-1']] as const }],
        episodes: [{ ...xz, since: '2026-01-01T00:00:00Z', until: '2026-02-01T00:00:00Z' }],
        stillRunning,
      },
    ];
    expect(await hunt({ machines }, 'openssh', true)).toMatchObject({
      found: ['a: openssh 1:9.2p1-2'],
      how: ['sshd listens on tcp port 22'],
      quiet: 1,
    });
    expect(await hunt({ machines }, 'linux', true)).toMatchObject({ found: ['a: linux 6.1.119-1'], quiet: 1 });
    expect(await hunt({ machines }, 'xz-utils <5.6.2', true)).toMatchObject({
      found: ['c: xz-utils 5.6.1-1'],
      how: ['replaced on disk, may still be run by sshd'],
    });
    expect((await hunt({ machines }, 'xz-utils <5.6.2')).found).toEqual([]);
  });
});

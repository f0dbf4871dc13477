// How exposed software is on a machine and what its loss means, with the reason; labels of hostile hosts included.
import type { Labels } from '@selvage/shared/model/labels.ts';
import { fc } from '@selvage/shared/testing/properties.ts';
import { describe, expect, it } from 'vitest';
import { reachOf } from './addresses.ts';
import { circumstancesOf, type Surroundings } from './circumstances.ts';
import { EXPOSURES, HUMAN_IMPACTS } from './decision.ts';
import { FLEET_SETTINGS } from './settings.ts';
import { listening } from './testing/facts.ts';

const on = (listens: Surroundings['listening'], labels: Labels = {}) => ({ labels, listening: listens });
const of = (machine: Surroundings, source: string, kernel: 'running' | null = null) =>
  circumstancesOf(machine, { ecosystem: 'Debian:12', name: source, source, kernel }, FLEET_SETTINGS);

describe('when an address is reached', () => {
  it.each([
    ...[
      '0.0.0.0',
      '::',
      '*',
      '',
      '[::]',
      '8.8.8.8',
      '2001:db8::1',
      '172.32.0.1',
      '100.128.0.1',
      '169.253.0.1',
      '::ffff:8.8.8.8',
      // What is written here was ::ffff:8.8.8.8 and ::ffff:0.0.0.0.
      ...['::ffff:808:808', '::ffff:0:0'],
    ].map((address) => [address, 'open'] as const),
    ...['10.1.2.3', '172.16.0.1', '172.31.255.255', '192.168.1.1', '100.64.0.1', '169.254.1.1'].map(
      (address) => [address, 'controlled'] as const,
    ),
    ...['fe80::1%eth0', 'fd00::1', 'FC00::1', '::ffff:10.0.0.1', '::ffff:c0a8:1'].map(
      (address) => [address, 'controlled'] as const,
    ),
    ...[
      '127.0.0.1',
      '127.0.0.53',
      '::1',
      '[::1]',
      '0:0:0:0:0:0:0:1',
      '127.0.0.53%lo',
      '::ffff:127.0.0.1',
      '::ffff:7f00:1',
      '0:0:0:0:0:ffff:7f00:1',
    ].map((address) => [address, 'small'] as const),
    // Nobody knows that these are closed.
    ...['999.1.1.1', 'localhost', 'any', '0.1.2.3', '10.0.0', '\u001b[31m'].map(
      (address) => [address, 'open'] as const,
    ),
  ])('%j is %s', (address, reach) => {
    expect(reachOf(address)).toBe(reach);
  });

  it('answers for any text', () => {
    fc.assert(fc.property(fc.string(), (text) => EXPOSURES.includes(reachOf(text))));
  });
});

describe('when sockets say how exposed software is', () => {
  const web = on([
    listening('apache2', '0.0.0.0', 443),
    listening('apache2', '127.0.0.1', 80),
    listening('postgresql-15', '10.0.0.5', 5432),
  ]);

  it('looks at what the package itself listens on, the widest first', () => {
    expect(of(web, 'apache2')).toMatchObject({ exposure: 'open', exposureWhy: 'listens 0.0.0.0:443' });
    expect(of(web, 'postgresql-15')).toMatchObject({ exposure: 'controlled', exposureWhy: 'listens 10.0.0.5:5432' });
  });

  it('takes what listens to nothing as controlled behind a listener', () => {
    expect(of(web, 'vim')).toMatchObject({
      ...{
        exposure: 'controlled',
        exposureWhy: 'listens to nothing itself; the machine does at 0.0.0.0:443 (apache2)',
      },
    });
  });

  it('takes kernels and the libraries that listeners use as exposed as the machine', () => {
    expect(of(web, 'openssl')).toMatchObject({ exposure: 'open', exposureWhy: 'used behind 0.0.0.0:443 (apache2)' });
    expect(of(web, 'linux', 'running')).toMatchObject({
      exposure: 'open',
      exposureWhy: 'kernel behind 0.0.0.0:443 (apache2)',
    });
  });

  it('takes everything as small where nothing listens beyond the machine', () => {
    const alone = on([listening('cups', '127.0.0.1', 631), listening('systemd', '::1', 53)]);

    expect([of(alone, 'vim').exposure, of(alone, 'openssl').exposure, of(on([]), 'linux', 'running').exposure]).toEqual(
      [...['small', 'small', 'small']],
    );
    expect(of(alone, 'systemd')).toMatchObject({ exposure: 'small', exposureWhy: 'listens [::1]:53' });
  });

  it('says unknown where nobody could look, and takes it as controlled', () => {
    expect(of(on(null), 'apache2')).toMatchObject({
      ...{ exposure: 'controlled', exposureWhy: expect.stringContaining('unknown: nobody could look') },
    });
  });
});

describe('when labels say it', () => {
  it('counts before sockets, which are still shown', () => {
    const dmz = on([listening('apache2', '10.0.0.1')], { zone: ['dmz'] });

    expect(of(dmz, 'apache2')).toMatchObject({
      exposure: 'open',
      exposureWhy: 'label zone=dmz (listens 10.0.0.1:443)',
    });
    expect(of(on(null, { exposure: ['small'] }), 'apache2')).toMatchObject({ exposure: 'small' });
  });

  it('counts the worst of several, in any order, so that nobody makes it milder by adding one', () => {
    const values = fc.shuffledSubarray(Object.keys(FLEET_SETTINGS.impactLabels.criticality ?? {}), { minLength: 1 });
    fc.assert(
      fc.property(values, fc.constantFrom('low', 'test', 'critical'), (criticality, more) => {
        const impactOf = (list: readonly string[]) =>
          HUMAN_IMPACTS.indexOf(of(on([], { criticality: list }), 'x').impact);

        expect(impactOf([...criticality, more])).toBeGreaterThanOrEqual(impactOf(criticality));
        expect(impactOf(criticality)).toBe(impactOf(criticality.toReversed()));
      }),
    );
    expect(of(on([], { exposure: ['small'], zone: ['internet'] }), 'x').exposure).toBe('open');
  });

  it.each([
    ['low', 'low'],
    ['Very High', 'very high'],
    ['very_high', 'very high'],
    ['critical', 'very high'],
    ['internal', 'medium'],
  ])('reads criticality=%s as %s', (value, impact) => {
    expect(of(on([], { criticality: [value] }), 'x')).toMatchObject({
      impact,
      impactWhy: `label criticality=${value}`,
    });
  });

  it('says default where no label speaks, and names what it did not understand', () => {
    expect(of(on([]), 'x')).toMatchObject({ impact: 'medium', impactWhy: 'default: no label criticality' });
    expect(of(on([], { criticality: ['gold', 'constructor'] }), 'x').impactWhy).toBe(
      'default: no label criticality (criticality=gold, criticality=constructor says nothing that is known)',
    );
    expect(of(on([], { zone: ['fr-paris'] }), 'x').exposureWhy).toContain('zone=fr-paris says nothing that is known');
  });
});

describe('when only headers or tools of kernel sources are there', () => {
  const open = on([listening('sshd', '0.0.0.0', 22)], { exposure: ['open'] });
  const about = (ecosystem: string, source: string, name = source) =>
    circumstancesOf(open, { ecosystem, name, source, kernel: null }, FLEET_SETTINGS);

  it('nothing of them can be reached, whatever listens and whatever a label says of the machine', () => {
    expect(about('Debian:12', 'linux')).toMatchObject({
      ...{ exposure: 'small', exposureWhy: expect.stringContaining('only headers or tools of the kernel sources') },
    });
    expect(of(open, 'linux', 'running')).toMatchObject({ exposure: 'open' });
    expect(about('AlmaLinux:9', 'kernel', 'kernel-headers').exposure).toBe('small');
  });

  it.each([
    ['Debian:12', 'linux-ftpd'],
    ['Debian:12', 'linux-pam'],
    ['Ubuntu:22.04', 'linux-ftpd-ssl'],
    ['Alpine:3.19', 'linux-lts'],
    ['AlmaLinux:9', 'kernel', 'kernel-lt'],
  ])('%s %s %s is none of them', (ecosystem, source, name = source) => {
    expect(about(ecosystem, source, name).exposure).toBe('open');
  });
});

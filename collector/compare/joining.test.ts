// Which machine a host of a report is: never one of another domain that is only called alike.
import { describe, expect, it } from 'vitest';
import type { Machine } from '../findings/fleet.ts';
import { type Called, matchHosts } from './joining.ts';

const called = (name: string, address: string): Called => ({
  machine: { key: name, name } as Machine,
  names: [name, name.split('.')[0] ?? name],
  addresses: [address],
});
const MACHINES = [
  called('web01.b.example', '192.0.2.2'),
  called('web02.corp', '192.0.2.3'),
  called('web03', '192.0.2.4'),
];
const of = (machines: readonly Called[], names: readonly string[], addresses: readonly string[] = []) => {
  const { matched, unknown } = matchHosts([{ names, addresses, scannedAt: null, findings: [] }], machines);

  return matched[0]?.machine.name ?? unknown[0]?.why;
};

describe('when a host of a report is looked for', () => {
  it('the same first word in another domain is another machine, whatever short name stands beside it', () => {
    expect(of(MACHINES, ['web01.a.example'])).toBe('no machine is called so');
    expect(of(MACHINES, ['web01.a.example', 'web01'])).toBe('no machine is called so');
    expect(of([...MACHINES, called('web01.a.example', '192.0.2.1')], ['web01.a.example', 'web01'])).toBe(
      'web01.a.example',
    );
  });

  it('a short name, or the beginning of a full one, is the machine that alone is called so', () => {
    expect(of(MACHINES, ['web01'])).toBe('web01.b.example');
    expect(of(MACHINES, ['web01.x.example', 'web01.b.example'])).toBe('web01.b.example');
    expect(of(MACHINES, ['web02.corp.example.org'])).toBe('web02.corp');
    expect(of(MACHINES, ['web03.anywhere.example'])).toBe('web03');
  });

  it('an address that one machine alone has is that machine, also under a name that is not known', () => {
    expect(of(MACHINES, ['web01.internal'], ['192.0.2.2'])).toBe('web01.b.example');
    expect(of(MACHINES, ['other'], ['127.0.0.1'])).toBe('no machine is called so');
  });
});

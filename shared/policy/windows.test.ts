import { describe, expect, it } from 'vitest';
import { decodeDocument } from './decode.ts';
import type { PolicyDocument } from './documents.ts';
import { windowsOf } from './windows.ts';

const host = { id: 'h', name: 'web-1', os: { id: 'debian', idLike: [], version: '12' }, labels: { tier: ['web'] } };
const at = { now: Temporal.Instant.from('2026-11-23T12:00:00Z'), zone: 'Europe/Berlin' };
const window = (name: string, start: string): PolicyDocument =>
  decodeDocument({ kind: 'Window', name, days: ['mon', 'tue'], start, for: '3h', timezone: 'host' });
const policy = (name: string, select: object, windows: readonly string[]): PolicyDocument =>
  decodeDocument({
    kind: 'PatchPolicy',
    name,
    select,
    allow: { from: ['security'] },
    lanes: Object.fromEntries(
      windows.map((of, index) => [
        ['scheduled', 'immediate', 'urgent'][index],
        { approve: 'manual', delay: '0h', window: of, rings: [{ rest: true }] },
      ]),
    ),
  });

describe('when policies select a host', () => {
  it('the window that opens first is the next one, in the zone of the host', () => {
    const documents = [
      window('late', '23:00'),
      window('night', '01:00'),
      policy('b', { labels: { tier: ['web'] } }, ['late', 'any']),
      policy('a', { os: 'debian-12' }, ['night']),
    ];
    const { policies, unknown, next } = windowsOf(documents, host, at);

    expect({ policies, unknown }).toEqual({ policies: ['a', 'b'], unknown: [] });
    expect(next?.window).toBe('late');
    expect(`${next?.opens} ${next?.closes}`).toBe('2026-11-23T22:00:00Z 2026-11-24T01:00:00Z');
  });

  it('one that is open now is the next one, with the time it opened', () => {
    const documents = [window('noon', '12:00'), policy('a', {}, ['noon'])];

    expect(`${windowsOf(documents, host, at).next?.opens}`).toBe('2026-11-23T11:00:00Z');
  });

  it('windows of policies that do not select it do not count, nor do lanes without a window', () => {
    const documents = [
      window('night', '01:00'),
      policy('other', { hosts: ['db-1'] }, ['night']),
      policy('a', {}, ['any']),
    ];

    expect(windowsOf(documents, host, at)).toEqual({ policies: ['a'], unknown: [], next: null });
  });

  it('a policy that may select it is named as unknown, and its window does not count', () => {
    const documents = [window('night', '01:00'), policy('a', { labels: { tier: ['web'] } }, ['night'])];

    expect(windowsOf(documents, { ...host, labels: null }, at)).toEqual({ policies: [], unknown: ['a'], next: null });
  });
});

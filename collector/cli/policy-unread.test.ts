// Agents that are too old for a change, as whoever signs it meets them: real commands, a real collector.
import type { Timestamp } from '@selvage/shared/model/ids.ts';
import { UNDERSTOOD } from '@selvage/shared/policy/understanding.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hostId } from '../store/samples.ts';
import { collectorLab, type Running } from './testing/collector-lab.ts';

const lab = collectorLab();
let collector: Running;
const ADVISORY = (name: string) => `kind: Advisory
name: ${name}
summary: a backdoor
published: 2026-11-23
affected: [{ ecosystem: "Debian:13", package: xz-utils, versions: [5.6.0-1] }]
`;
const push = (name: string, ...more: readonly string[]) =>
  lab.run(['policy', 'push', lab.file(`${name}.yaml`, ADVISORY(name)), ...more]);
const inForce = async () =>
  (await lab.run(['policy', 'get', '--json']))
    .json<{ documents: { name: string }[] }>()
    .documents.map(({ name }) => name);
const WARNING = /^! 1 host would refuse all of this policy: .*\n {4}Advisory: 1: host-1\n.*upgrade/m;

beforeAll(async () => {
  await lab.init();
  for (const number of [1, 2, 3]) await lab.addHost(number, {});
  await lab.withStore((store) =>
    store.transaction(({ hosts }) => {
      const seen = { at: '2026-11-20T12:00:00Z' as Timestamp, agentVersion: '0.1.0', mode: 'managed' as const };
      const said = { ...seen, address: '10.0.0.1', clockSkewMs: 0, authorities: [] };

      // The third one has never connected.
      return hosts.seenAll([
        { ...said, id: hostId(1), understands: null },
        { ...said, id: hostId(2), understands: UNDERSTOOD },
      ]);
    }),
  );
  collector = await lab.serve();
});
afterAll(async () => {
  expect(await collector.stop()).toBe(0);
});

describe('when a change holds what the agent of a host does not know', () => {
  it('diff and propose say who would refuse the policy; nothing stands in their way', async () => {
    const file = lab.file('own-1.yaml', ADVISORY('own-1'));
    for (const command of ['diff', 'propose'])
      expect(await lab.run(['policy', command, file])).toMatchObject({
        exit: 0,
        stdout: expect.stringMatching(WARNING),
      });

    expect((await lab.run(['policy', 'diff', file, '--json'])).json()).toMatchObject({
      unread: { hosts: ['host-1'], lost: ['host-1'], documents: [{ document: 'Advisory', hosts: ['host-1'] }] },
    });
    expect((await lab.run(['host', 'list', '--select', 'cannot-read=advisory'])).stdout).toMatch(
      /^1 host .*\n.*\n(.*\n)*host-1 /,
    );
  });

  it('push refuses, and signs where that is meant', async () => {
    expect(await push('own-2')).toMatchObject({
      exit: 3,
      stdout: expect.stringMatching(WARNING),
      stderr: expect.stringMatching(/error AGENTS_TOO_OLD: .*1 host .*Advisory \(1: host-1\)\n.*--accept-unread/),
    });
    expect(await inForce()).toEqual([]);
  });

  it('so does whoever signs a proposal', async () => {
    const [, seen = ''] = /--seen ([0-9a-f]+)/.exec((await lab.run(['policy', 'sign', '1'])).stdout) ?? [];
    expect(await lab.run(['policy', 'sign', '1', '--seen', seen])).toMatchObject({
      exit: 3,
      stderr: expect.stringContaining('error AGENTS_TOO_OLD'),
    });
    expect(await inForce()).toEqual([]);

    expect(await lab.run(['policy', 'sign', '1', '--seen', seen, '--accept-unread'])).toMatchObject({ exit: 0 });
    expect(await inForce()).toEqual(['own-1']);
  });

  it('what they refuse already stands in nobody’s way, and a host that is no more neither', async () => {
    const next = await push('own-3');
    expect(next).toMatchObject({
      exit: 0,
      stdout: expect.stringContaining('1 host would refuse all of this policy, as they do now'),
    });

    expect(await lab.run(['host', 'retire', 'host-1', '--reason', 'scrapped'])).toMatchObject({ exit: 0 });
    expect((await push('own-4')).stdout).not.toContain('refuse');
    expect(await inForce()).toEqual(['own-1', 'own-3', 'own-4']);
  });
});

describe('when the list of hosts is printed as JSON', () => {
  it('it is one document as before there were pages', async () => {
    const { stdout, json } = await lab.run(['host', 'list', '--all', '--json']);
    const answer = json<Record<string, unknown> & { hosts: object[] }>();

    expect(Object.keys(answer)).toEqual(['hosts', 'notInDatabase', 'selection', 'hunt', 'imported', 'huntOfImported']);
    expect(stdout).toBe(`${JSON.stringify(answer, null, 2)}\n`);
    for (const host of answer.hosts) expect(host).not.toHaveProperty('cannotRead');
  });
});

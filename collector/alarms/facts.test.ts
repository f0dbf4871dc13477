// Alarms of a real repository and a real store, and what of them reaches the log.
import { X509Certificate } from 'node:crypto';
import type { HostId } from '@selvage/shared/model/ids.ts';
import { systemRandom } from '@selvage/shared/random.ts';
import type { PolicyHeld } from '@selvage/shared/wire/wire.ts';
import { describe, expect, it } from 'vitest';
import { alarms as alarmsAnswer } from '../api/contract.ts';
import { putInventory } from '../api/testing/inventories.ts';
import { makeAuthority, makeServerIdentity } from '../enrollment/authorities.ts';
import { DAY_MS, newCollector, type Setup } from '../policy/testing/collector.ts';
import { adminSample, hashOf, hostId, hostSample } from '../store/samples.ts';
import { alarmsOf } from './alarms.ts';
import { readFacts } from './facts.ts';
import { HeldPolicy } from './held.ts';
import { LOG_EVERY_MS, logAlarms } from './watch.ts';

function sources(setup: Setup, held = new HeldPolicy()) {
  const at = { now: setup.clock.now(), random: systemRandom };
  const authority = makeAuthority('hosts', at);
  const server = makeServerIdentity(authority, ['127.0.0.1'], at);

  return {
    ...{ store: setup.store, policy: setup.repository, held },
    certificates: () => [
      { kind: 'hosts-authority' as const, pem: authority.certificate },
      { kind: 'gateway-certificate' as const, pem: server.cert },
    ],
    server,
  };
}

const said = (roles: Record<string, bigint>, problem = ''): PolicyHeld => ({
  type: 'policyHeld',
  roles: Object.entries(roles).map(([role, version]) => ({ role, version })),
  problem,
});

describe('when the facts of a collector are read', () => {
  it('everything that ends is among them, with its own end', async () => {
    const setup = await newCollector();
    await setup.store.transaction(async (writers) => {
      await writers.admins.add(adminSample('ann'));
      await writers.admins.add(adminSample('eve'));
      await writers.admins.revoke('eve', adminSample('eve').addedAt);
      await writers.hosts.add(hostSample(1));
      await writers.hosts.add(hostSample(2));
      await writers.hosts.revoke(hostId(2), hostSample(2).enrolledAt);
    });
    const from = sources(setup);
    const facts = await readFacts(from);

    expect(facts.ends.map(({ kind, subject }) => `${kind} ${subject}`.trim()).toSorted()).toEqual([
      'admin-certificate ann',
      'gateway-certificate',
      'hosts-authority',
      'role approvals',
      'role lifts',
      'role policy',
      'role targets',
      'role urgent',
      'root',
    ]);
    const gateway = facts.ends.find(({ kind }) => kind === 'gateway-certificate');
    const { validToDate } = new X509Certificate(from.server.cert);
    expect(Temporal.Instant.from(gateway?.ends ?? '').epochMilliseconds).toBe(validToDate.getTime());
    expect(facts.hosts.map(({ name }) => name)).toEqual([hostSample(1).name]);
  });

  it('a host that handed itself back is named until its inventory says otherwise', async () => {
    const setup = await newCollector();
    const at = hostSample(1).enrolledAt;
    const agent = { version: '0.1.0', mode: 'managed' as const, labels: {}, components: [] };
    const report = (number: number, state: 'taken' | 'fallback') =>
      putInventory(setup.store, hostId(number), at, { agent: { ...agent, takeover: { state, since: at } } });
    await setup.store.transaction(async ({ hosts }) => {
      for (const number of [1, 2, 3]) await hosts.add(hostSample(number));
      await hosts.revoke(hostId(3), at);
    });
    await report(1, 'fallback');
    await report(2, 'taken');
    await report(3, 'fallback');
    const alarms = async () =>
      alarmsOf(await readFacts(sources(setup)), setup.clock.now()).filter(({ kind }) => kind === 'host-fallback');

    expect(await alarms()).toMatchObject([
      { subject: hostSample(1).name, severity: 'urgent', message: expect.stringContaining('no fresh policy') },
    ]);
    await report(1, 'taken');
    expect(await alarms()).toEqual([]);
  });

  it('a host that knocks is in doubt until it was let in and has renewed', async () => {
    const setup = await newCollector();
    const doubts = async () => (await readFacts(sources(setup))).doubts.map(({ name }) => name);
    const [at, other] = [hostSample(1).enrolledAt, hashOf('next')];
    const knock = { at, address: '10.0.0.9', code: 'HOST_AWAY_TOO_LONG' as const, entered: at };
    await setup.store.transaction(async ({ hosts }) => {
      await hosts.add(hostSample(1));
      await hosts.knock(hostId(1), knock);
    });
    expect(await doubts()).toEqual(['host-1']);
    await setup.store.transaction(({ hosts }) => hosts.readmit(hostId(1), at, { until: at, machine: null }));
    expect(await doubts()).toEqual([]);
    await setup.store.transaction(async ({ hosts }) => {
      await hosts.offer(hostId(1), { certificate: other, key: other, authority: other, expires: at, pem: 'PEM' });
      await hosts.promote(hostId(1));
    });
    expect(await doubts()).toEqual([]);
  });

  it('a collector that nobody looks after says everything in time, and nothing on its first day', async () => {
    const setup = await newCollector();
    const from = sources(setup);
    const kinds = async () => alarmsOf(await readFacts(from), setup.clock.now()).map(({ kind }) => kind);
    expect(await kinds()).toEqual([]);
    await setup.clock.advance(340 * DAY_MS);
    await setup.repository.refreshTimestamp();

    expect(new Set(await kinds())).toEqual(new Set(['root', 'role', 'gateway-certificate']));
  });

  it('what the collector did not refresh is said although everything else is well', async () => {
    const setup = await newCollector();
    await setup.clock.advance(0.7 * DAY_MS);

    expect(alarmsOf(await readFacts(sources(setup)), setup.clock.now()).map(({ kind }) => kind)).toEqual(['timestamp']);
  });
});

describe('when hosts say what they hold', () => {
  it('what is not here is said with who has it; the last word of each host counts', async () => {
    const setup = await newCollector();
    const held = new HeldPolicy();
    const note = (number: number, what: PolicyHeld) => held.note({ id: hostId(number), name: `web-${number}` }, what);
    note(1, said({ root: 1n, policy: 4n, timestamp: 9_999_999_999n }, 'POLICY_ROLLED_BACK'));
    note(2, said({ policy: 3n, 'approvals-2026-11': 2n }));
    note(3, said({ policy: 99n }));
    note(3, said({ policy: 1n }));

    const { behind, refusing } = await readFacts(sources(setup, held));
    expect(behind).toEqual([
      { role: 'approvals-2026-11', version: 2, here: 0, count: 1, hosts: ['web-2'] },
      { role: 'policy', version: 4, here: 1, count: 2, hosts: ['web-1', 'web-2'] },
    ]);
    expect(refusing).toEqual([{ code: 'POLICY_ROLLED_BACK', count: 1, hosts: ['web-1'] }]);
    held.forget(hostId(1));
    expect((await readFacts(sources(setup, held))).refusing).toEqual([]);
  });

  it('all who say so are counted, some are named', () => {
    const held = new HeldPolicy();
    for (let number = 1; number <= 30; number++) {
      held.note({ id: hostId(number), name: `web-${number}` }, said({ policy: 4n }));
    }
    const [behind] = held.ahead({ policy: 3 });

    expect(behind).toMatchObject({ role: 'policy', version: 4, count: 30 });
    expect(behind?.hosts).toHaveLength(20);
  });

  it('a version that no metadata can have is nothing, or one liar would hide every alarm of the API', async () => {
    const setup = await newCollector();
    const held = new HeldPolicy();
    held.note({ id: hostId(1), name: 'liar' }, said({ policy: 2n ** 63n - 1n, root: 2n ** 53n }, 'POLICY_ROLLED_BACK'));
    held.note({ id: hostId(2), name: 'web-2' }, said({ policy: 2n }));
    const facts = await readFacts(sources(setup, held));

    expect(
      alarmsAnswer.shape.held.parse(facts.behind.map(({ role, version, hosts }) => ({ role, version, hosts }))),
    ).toEqual([{ role: 'policy', version: 2, hosts: ['web-2'] }]);
  });

  it('names of roles and codes that there are not are nothing', () => {
    const held = new HeldPolicy();
    const names = ['constructor', '__proto__', 'policy.json', 'approvals-2026-13', 'timestamp'];
    held.note(
      { id: 'x' as HostId, name: 'liar' },
      said(Object.fromEntries(names.map((name) => [name, 7n])), 'NO_SUCH_CODE'),
    );

    expect([held.ahead({}), held.refusing()]).toEqual([[], []]);
  });
});

describe('when a day passes', () => {
  it('alarms are in the log at the start and once a day, also after they could not be read', async () => {
    const setup = await newCollector();
    const lines: string[] = [];
    const log = {
      ...{ info: () => undefined, debug: () => undefined, fatal: () => undefined, trace: () => undefined },
      warn: (_: unknown, message: string) => lines.push(`warn ${message}`),
      error: (_: unknown, message: string) => lines.push(`error ${message}`),
    } as unknown as Parameters<typeof logAlarms>[2];
    const stop = new AbortController();
    let broken = false;
    const read = async () => {
      if (broken) throw new Error('the disk');
      const ends = setup.clock
        .now()
        .add({ hours: 24 * 20 })
        .toString();

      return alarmsOf(
        {
          ends: [{ kind: 'root', subject: '', ends }],
          online: null,
          hosts: [],
          doubts: [],
          behind: [],
          refusing: [],
          roots: 1,
        },
        setup.clock.now(),
      );
    };
    const running = logAlarms(read, setup.clock, log, stop.signal);
    await setup.clock.advance(0);
    expect(lines).toHaveLength(1);
    await setup.clock.advance(LOG_EVERY_MS - 1);
    expect(lines).toHaveLength(1);
    await setup.clock.advance(1);
    expect(lines).toHaveLength(2);
    broken = true;
    await setup.clock.advance(LOG_EVERY_MS);
    expect(lines.at(-1)).toBe('error alarms could not be read: the disk');
    broken = false;
    await setup.clock.advance(LOG_EVERY_MS / 2);
    expect(lines.at(-1)).toMatch(/^warn the root of signed policy ends in 20d/);
    stop.abort();
    await running;
  });
});

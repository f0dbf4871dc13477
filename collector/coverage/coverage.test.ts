// Coverage: every machine in one row, nothing chosen that is not certain, and shares that are of what they say.
import { fc } from '@selvage/shared/testing/properties.ts';
import { describe, expect, it } from 'vitest';
import { type Coverage, coverageSteps, ROWS } from './coverage.ts';
import type { Expected, Known } from './machines.ts';
import { oncePerMachine } from './once.ts';
import { shareOf, shareText } from './share.ts';

const NOW = Temporal.Instant.from('2026-11-23T16:00:00Z');
const HOUR_MS = 3_600_000;
const ago = (hours: number) => NOW.subtract({ milliseconds: hours * HOUR_MS });
let line = 0;

function listed(name: string, over: Partial<Expected> = {}): Expected {
  line += 1;
  const none = { instances: [], serials: [], macs: [], owner: null, state: null, expected: true };

  return { source: 'csv', line, name, names: [name], ...none, ...over };
}

function agent(name: string, over: Partial<Known> = {}): Known {
  const none = { instances: [], serials: [], macs: [] };

  return { id: `id-${name}`, name, kind: 'agent', names: [name], seen: ago(1), connected: false, ...none, ...over };
}

const cover = (entries: readonly Expected[], known: readonly Known[], count = 1) =>
  all(coverageSteps({ count, entries }, known, NOW));
function all<T>(steps: Iterator<void, T>): T {
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
  }
}

const rows = ({ machines }: Coverage) => machines.map(({ name, row, known }) => [name, row, known?.name ?? null]);
const unexpected = (found: Coverage) => found.unexpected.map(({ known }) => known.name);

describe('when machines that ought to exist are held against those that are known', () => {
  it('each is in the row of its age, its kind, or missing by name', () => {
    const known = [
      agent('up', { seen: ago(500), connected: true }),
      agent('day', { seen: ago(24) }),
      agent('stale', { seen: ago(25) }),
      agent('week', { seen: ago(168) }),
      agent('silent', { seen: ago(169) }),
      agent('never', { seen: null }),
      agent('file', { kind: 'imported', seen: ago(5000) }),
      agent('waits', { kind: 'pending' }),
      agent('extra'),
    ];
    const found = cover(
      ['up', 'day', 'stale', 'week', 'silent', 'never', 'file', 'waits', 'gone'].map((name) => listed(name)),
      known,
    );

    expect(Object.fromEntries(found.machines.map(({ name, row }) => [name, row]))).toEqual({
      ...{ up: 'agent', day: 'agent', stale: 'stale', week: 'stale', silent: 'silent', never: 'silent' },
      ...{ file: 'imported', waits: 'pending', gone: 'missing' },
    });
    expect(found.counts).toEqual({ agent: 2, stale: 2, silent: 2, imported: 1, pending: 1, unclear: 0, missing: 1 });
    expect([found.expected, unexpected(found)]).toEqual([9, ['extra']]);
  });

  it('a machine that its list says is gone is not expected; where it is here still, that is said', () => {
    const found = cover(
      [listed('web-1'), listed('old-1', { expected: false, state: 'retired' })],
      [agent('web-1'), agent('old-1')],
    );

    expect(rows(found)).toEqual([['web-1', 'agent', 'web-1']]);
    expect(found.unexpected).toEqual([
      { known: expect.objectContaining({ name: 'old-1' }), why: 'csv says that old-1 is retired' },
    ]);
  });

  it('without any list the whole is what is known, without those that wait', () => {
    const found = cover(
      [],
      [agent('web-1'), agent('file', { kind: 'imported' }), agent('waits', { kind: 'pending' })],
      0,
    );

    expect(found).toMatchObject({
      basis: 'known',
      expected: 2,
      counts: { agent: 1, imported: 1, missing: 0, pending: 0 },
    });
    expect(unexpected(found)).toEqual(['waits']);
  });

  it('a list of only gone machines is a list: then nothing is expected, which is not "no list"', () => {
    expect(cover([listed('x', { expected: false })], [agent('x')])).toMatchObject({ basis: 'listed', expected: 0 });
  });
});

describe('when a machine is known in two ways', () => {
  const MARKS = { serials: ['S-1'], macs: ['52:54:00:00:00:01'] };
  const here = { known: agent('web-1', MARKS), machineId: 'id-1' };
  const file = { known: agent('hmi-07', { kind: 'imported', ...MARKS, serials: [] }), machineId: 'id-1' };

  it('by its agent and by a file from before, it is counted once, and found by the names of both', () => {
    const once = oncePerMachine([here, file]);

    expect(once.map(({ name, names }) => [name, names])).toEqual([['web-1', ['web-1', 'hmi-07']]]);
    expect(rows(cover([listed('hmi-07')], once))).toEqual([['hmi-07', 'agent', 'web-1']]);
    expect(cover([], once, 0).expected).toBe(1);
  });

  it.each([
    ['has the id of the same image and other cards', [here, { ...file, known: { ...file.known, macs: [] } }]],
    ['has the card and another id', [here, { ...file, machineId: 'id-2' }]],
    [
      'has no id',
      [
        { ...here, machineId: null },
        { ...file, machineId: null },
      ],
    ],
    ['waits to be accepted', [{ ...here, known: { ...here.known, kind: 'pending' as const } }, file]],
    ['may be either of two agents', [here, { ...here, known: agent('web-2', MARKS) }, file]],
  ])('one that %s is another machine', (_, sightings) => {
    expect(oncePerMachine(sightings)).toHaveLength(sightings.length);
  });

  it('one that waits to be accepted takes no row from a machine that counts, whatever it says of itself', () => {
    const liar = agent('newcomer', { kind: 'pending', names: ['newcomer', 'db-1'], serials: ['S-1'] });
    const found = cover(
      [listed('db-1', { serials: ['S-1'] }), listed('new', { names: ['newcomer'] })],
      [agent('db-1'), liar],
    );

    expect(rows(found)).toEqual([
      ['db-1', 'agent', 'db-1'],
      ['new', 'pending', 'newcomer'],
    ]);
  });
});

describe('when a machine is told by something', () => {
  it.each([
    ['the id of its cloud', { instances: ['i-0A'] }, { instances: ['i-0a'] }, 'instance'],
    ['its serial number', { serials: ['abc 1'] }, { serials: ['ABC 1'] }, 'serial'],
    ['its card', { macs: ['52:54:00:00:00:01'] }, { macs: ['52:54:00:00:00:02', '52:54:00:00:00:01'] }, 'mac'],
    ['its whole name', { names: ['web-1.example.org'] }, { names: ['WEB-1.Example.org.'] }, 'name'],
    ['its short name', { names: ['web-1.example.org'] }, { names: ['web-1'] }, 'short name'],
  ] as const)('by %s', (_, one, other, by) => {
    const found = cover([listed('x', { names: [], ...one })], [agent('y', { names: [], ...other })]);

    expect(found.machines[0]).toMatchObject({ row: 'agent', by: [by], known: { name: 'y' } });
  });

  it.each([
    ['a serial number that none was set', { serials: ['To Be Filled By O.E.M.', '0', '00000000', 'None'] }],
    ['a card that every container has', { macs: ['02:42:ac:11:00:02', '00:00:00:00:00:00'] }],
    ['a name that names nobody', { names: ['localhost', 'localhost.localdomain'] }],
  ])('never by %s', (_, marks) => {
    const nothing = { names: [], ...marks };

    expect(rows(cover([listed('x', nothing)], [agent('y', nothing)]))).toEqual([['x', 'missing', null]]);
  });

  it('two with the same short name in two domains are two', () => {
    const found = cover(
      [listed('web-1.fra.example.org'), listed('web-1.lon.example.org')],
      [agent('web-1.lon.example.org')],
    );

    expect(rows(found)).toEqual([
      ['web-1.lon.example.org', 'agent', 'web-1.lon.example.org'],
      ['web-1.fra.example.org', 'missing', null],
    ]);
  });

  it('a strong mark counts more than a name, and what speaks against it is said', () => {
    const found = cover([listed('web-1', { serials: ['S1'] })], [agent('web-1'), agent('other', { serials: ['S1'] })]);

    expect(found.machines[0]).toMatchObject({
      row: 'agent',
      known: { name: 'other' },
      why: 'its name is that of web-1',
    });
    expect(unexpected(found)).toEqual(['web-1']);
  });
});

describe('when it is not certain', () => {
  it('nothing is chosen: two hosts with the mark', () => {
    const found = cover(
      [listed('web-1', { serials: ['S1'] })],
      [agent('a', { serials: ['S1'] }), agent('b', { serials: ['S1'] })],
    );

    expect(found.machines[0]).toMatchObject({ row: 'unclear', known: null, why: 'serial of 2 machines: a, b' });
    expect(unexpected(found)).toEqual([]);
  });

  it('a weaker mark may choose among them', () => {
    const found = cover(
      [listed('a', { serials: ['S1'] })],
      [agent('a', { serials: ['S1'] }), agent('b', { serials: ['S1'] })],
    );

    expect(found.machines[0]).toMatchObject({ row: 'agent', known: { name: 'a' }, by: ['serial', 'name'] });
  });

  it('the name that an admin gave counts more than what another machine calls itself', () => {
    const copied = agent('press-1', { names: ['press-1', 'web-1'] });
    const found = cover([listed('web-1')], [copied, agent('web-1', { names: ['web-1', 'localhost'] })]);

    expect(rows(found)).toEqual([['web-1', 'agent', 'web-1']]);
    expect(unexpected(found)).toEqual(['press-1']);
  });

  it('two machines of one list with the name: neither is the host', () => {
    const found = cover(
      [listed('web', { source: 'aws', instances: ['i-1'] }), listed('web', { source: 'aws', instances: ['i-2'] })],
      [agent('web')],
    );

    expect(found.counts).toMatchObject({ unclear: 2, missing: 0, agent: 0 });
    expect(found.machines[0]?.why).toContain('another machine with the same');
  });

  it('one that has the better mark is the host, the other is not it', () => {
    const found = cover(
      [listed('web-1', { serials: ['S1'] }), listed('old-name', { names: ['web-1.example.org'] })],
      [agent('web-1', { serials: ['S1'] })],
    );

    expect(rows(found)).toEqual([
      ['web-1', 'agent', 'web-1'],
      ['old-name', 'unclear', null],
    ]);
  });
});

describe('when several lists name the same machine', () => {
  it('it is one: by what they share, or by the host that both point to', () => {
    const found = cover(
      [
        listed('Web 1', { names: [], serials: ['S1'], owner: 'ann' }),
        listed('web-1', { source: 'aws', instances: ['i-1'], macs: ['52:54:00:00:00:01'] }),
        listed('52:54:00:00:00:01', { source: 'dhcp', names: [], macs: ['52:54:00:00:00:01'] }),
        listed('lost', { source: 'aws', macs: ['52:54:00:00:00:09'] }),
        listed('52:54:00:00:00:09', { source: 'dhcp', names: [], macs: ['52:54:00:00:00:09'] }),
      ],
      [agent('web-1', { serials: ['S1'] })],
      3,
    );

    expect(rows(found)).toEqual([
      ['Web 1', 'agent', 'web-1'],
      ['lost', 'missing', null],
    ]);
    expect(found.machines[0]?.listed.map(({ source }) => source)).toEqual(['csv', 'aws', 'dhcp']);
    expect(found.machines[0]?.owner).toBe('ann');
  });

  it('two cards of one server are one machine', () => {
    const macs = ['52:54:00:00:00:01', '52:54:00:00:00:02'];
    const leases = macs.map((mac) => listed(mac, { source: 'dhcp', names: [], macs: [mac] }));

    expect(cover(leases, [agent('web-1', { macs })])).toMatchObject({ expected: 1, counts: { agent: 1 } });
  });
});

describe('whatever lists and hosts there are', () => {
  const word = fc.constantFrom('a', 'b', 'c', 'a.x', 'b.y');
  const few = fc.subarray(['1', '2', '3']);
  const marks = {
    names: fc.array(word, { maxLength: 2 }),
    instances: few,
    serials: few,
    macs: fc.subarray(['52:54:00:00:00:01', '52:54:00:00:00:02']),
  };
  const entries = fc.array(
    fc.record({ ...marks, source: fc.constantFrom('csv', 'aws', 'dhcp'), name: word, expected: fc.boolean() }),
    { maxLength: 12 },
  );
  const hosts = fc.array(
    fc.record({
      ...marks,
      kind: fc.constantFrom('agent', 'imported', 'pending'),
      hours: fc.option(fc.integer({ min: 0, max: 400 })),
      connected: fc.boolean(),
    }),
    { maxLength: 8 },
  );
  const covered = fc.tuple(entries, hosts).map(([list, known]) => {
    const expected = list.map((each, index): Expected => ({ ...each, line: index, owner: null, state: null }));
    const all = known.map(
      ({ hours, ...each }, index): Known => ({
        ...each,
        kind: each.kind as Known['kind'],
        id: `${index}`,
        name: `h${index}`,
        seen: hours === null ? null : ago(hours),
      }),
    );

    return { expected, known: all, found: cover(expected, all) };
  });

  it('the rows add up to what is expected', () => {
    fc.assert(
      fc.property(covered, ({ found }) => {
        expect(ROWS.reduce((sum, row) => sum + found.counts[row], 0)).toBe(found.expected);
        expect(found.machines).toHaveLength(found.expected);
      }),
      { numRuns: 500 },
    );
  });

  it('every entry that is expected is in exactly one machine, and none that is gone', () => {
    fc.assert(
      fc.property(covered, ({ expected, found }) => {
        const lines = found.machines
          .flatMap((machine) => machine.listed.map((entry) => entry.line))
          .sort((a, b) => a - b);

        expect(lines).toEqual(expected.filter((entry) => entry.expected).map((entry) => entry.line));
      }),
      { numRuns: 500 },
    );
  });

  it('every known machine is at most one of them, or a candidate, or unexpected', () => {
    fc.assert(
      fc.property(covered, ({ known, found }) => {
        const chosen = found.machines.flatMap((machine) => machine.known ?? []);
        const possible = new Set(found.machines.flatMap(({ candidates }) => candidates));
        const rest = found.unexpected.map((one) => one.known);

        expect(new Set(chosen).size).toBe(chosen.length);
        for (const one of known) {
          expect([chosen.includes(one) || possible.has(one), rest.includes(one)].filter(Boolean)).toHaveLength(1);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('the order in which hosts are known changes no row', () => {
    fc.assert(
      fc.property(covered, ({ expected, known, found }) => {
        expect(cover(expected, known.toReversed()).counts).toEqual(found.counts);
      }),
      { numRuns: 200 },
    );
  });
});

describe('when a share is shown', () => {
  it.each([
    [430, 430, '430 of 430 (100 %)'],
    [4999, 5000, '4,999 of 5,000 (99.9 %)'],
    [1, 100_000, '1 of 100,000 (0.1 %)'],
    [0, 7, '0 of 7 (0 %)'],
    [412, 430, '412 of 430 (95.8 %)'],
    [0, 0, '0 of 0'],
  ])('%i of %i is %s', (part, whole, text) => {
    expect(shareText(part, whole)).toBe(text);
  });

  it('is whole only where it is all, and nothing only where it is none', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1e6 }), fc.nat(1e6), (whole, some) => {
        const part = Math.min(some, whole);
        const share = shareOf(part, whole) ?? -1;

        expect(share === 100).toBe(part === whole);
        expect(share === 0).toBe(part === 0);
      }),
    );
  });
});

import { sha256 } from '@selvage/shared/files/canonical.ts';
import { fc } from '@selvage/shared/testing/properties.ts';
import { describe, expect, it } from 'vitest';
import { actUntil, earliest, isExpired, isHeldOn, type Lane, positionOf, ringOf } from './earliest.ts';

const host = { id: '3f0c1e52-0c7b-4a52-9d0e-2b8f0a6f1c11', name: 'db-1', key: sha256('its runner') };
const lane = (over: Partial<Lane> = {}): Lane => ({
  approve: 'manual',
  delay: '0h',
  window: 'any',
  rings: [{ rest: true }],
  ...over,
});
const facts = { approvedAt: '2026-11-01T00:00:00Z', policy: 'servers', host, lane: lane() };
const at = (text: string) => Temporal.Instant.from(text);
const hostId = fc.uuid();

describe('when the earliest time is worked out', () => {
  it.each([
    [
      'the approval, where the version was seen long before',
      '2026-10-01T00:00:00Z',
      '2026-11-01T00:00:00Z',
      'approval',
    ],
    ['the delay from when this host saw it', '2026-10-31T00:00:00Z', '2026-11-03T00:00:00Z', 'delay'],
    ['the delay, also when the approval is older', '2026-11-05T00:00:00Z', '2026-11-08T00:00:00Z', 'delay'],
  ])('is %s', (_, seen, expected, because) => {
    expect(earliest({ ...facts, lane: lane({ delay: '3d' }), firstSeen: [seen] })).toMatchObject({
      kind: 'at',
      at: at(expected),
      because,
    });
  });

  it('counts from the package that was seen last', () => {
    const firstSeen = ['2026-11-02T00:00:00Z', '2026-11-05T00:00:00Z'];

    expect(earliest({ ...facts, lane: lane({ delay: '1d' }), firstSeen })).toMatchObject({
      at: at('2026-11-06T00:00:00Z'),
    });
  });

  it('adds the soaks of all earlier rings to the end of the delay', () => {
    const rings: Lane['rings'] = [{ hosts: ['canary'], soak: '2h' }, { size: 3, soak: '20h' }, { rest: true }];
    const answer = earliest({ ...facts, lane: lane({ delay: '3d', rings }), firstSeen: ['2026-11-01T00:00:00Z'] });

    expect(answer).toEqual({ kind: 'at', at: at('2026-11-04T22:00:00Z'), because: 'ring', ring: 3 });
  });

  it('is unknown while a package was not seen, also without a delay', () => {
    expect(earliest({ ...facts, firstSeen: ['2026-11-01T00:00:00Z', null] })).toEqual({ kind: 'not-seen' });
  });

  it('is never where no ring has a place for the host', () => {
    const rings: Lane['rings'] = [{ hosts: ['other'], soak: '1h' }];

    expect(earliest({ ...facts, lane: lane({ rings }), firstSeen: [] })).toEqual({ kind: 'no-ring' });
  });

  it('is never before approval, delay and soaks, for any host and lane', () => {
    const instants = fc
      .integer({ min: 1_700_000_000, max: 1_900_000_000 })
      .map((s) => Temporal.Instant.fromEpochMilliseconds(s * 1000).toString());
    const rings = fc
      .tuple(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 0, max: 100 }), fc.integer({ min: 0, max: 100 }))
      .map(([percent, first, second]): Lane['rings'] => [
        { size: `${percent}%`, soak: `${first}h` },
        { hosts: ['x'], soak: `${second}h` },
        { rest: true },
      ]);

    fc.assert(
      fc.property(
        hostId,
        instants,
        fc.array(instants, { minLength: 1, maxLength: 4 }),
        fc.integer({ min: 0, max: 400 }),
        rings,
        (id, approvedAt, firstSeen, delay, ringList) => {
          const own = { id, name: 'n', key: sha256(id) };
          const of = lane({ delay: `${delay}h`, rings: ringList });
          const answer = earliest({ approvedAt, lane: of, policy: 'p', host: own, firstSeen });
          const place = ringOf(of, own, 'p');
          if (answer.kind !== 'at' || place === null) throw new Error('a lane with a rest has a place for everyone');
          const ms = answer.at.epochMilliseconds;

          expect(ms).toBeGreaterThanOrEqual(at(approvedAt).epochMilliseconds + place.soakMs);
          for (const seen of firstSeen) {
            expect(ms).toBeGreaterThanOrEqual(at(seen).epochMilliseconds + delay * 3_600_000 + place.soakMs);
          }
        },
      ),
    );
  });
});

describe('when hosts are spread over rings', () => {
  it('puts every host in exactly the ring whose share holds its position', () => {
    const rings: Lane['rings'] = [{ size: '5%', soak: '1h' }, { size: '25%', soak: '2h' }, { rest: true }];
    fc.assert(
      fc.property(hostId, (id) => {
        const position = positionOf(sha256(id), 'p') * 100;
        const expected = position < 5 ? 1 : position < 30 ? 2 : 3;

        expect(ringOf(lane({ rings }), { id: host.id, name: 'n', key: sha256(id) }, 'p')?.ring).toBe(expected);
      }),
    );
  });

  it('gives a share about its size', () => {
    const ids = Array.from({ length: 4000 }, (_, index) => `host-${index}`);
    const first = ids.filter((id) => positionOf(sha256(id), 'policy') < 0.05).length;

    expect(first).toBeGreaterThan(140);
    expect(first).toBeLessThan(260);
  });

  it('goes by the key that the host made, whatever id the collector gave it', () => {
    const rings: Lane['rings'] = [{ size: '50%', soak: '1h' }, { rest: true }];

    fc.assert(
      fc.property(hostId, hostId, (id, other) => {
        expect(ringOf(lane({ rings }), { ...host, id }, 'p')).toEqual(
          ringOf(lane({ rings }), { ...host, id: other }, 'p'),
        );
      }),
    );
  });

  it('shuffles anew per policy', () => {
    expect(positionOf(host.key, 'a')).not.toBe(positionOf(host.key, 'b'));
  });

  it('puts nobody into a ring of a number of hosts', () => {
    const rings: Lane['rings'] = [{ size: 2, soak: '10m' }, { rest: true }];

    expect(ringOf(lane({ rings }), host, 'p')).toEqual({ ring: 2, soakMs: 600_000 });
  });

  it.each([['db-1'], [host.id]])('finds a host that is named: %s', (name) => {
    const rings: Lane['rings'] = [{ hosts: [name], soak: '1h' }, { rest: true }];

    expect(ringOf(lane({ rings }), host, 'p')).toEqual({ ring: 1, soakMs: 0 });
  });
});

describe('when time runs out', () => {
  it('ends an approval at `expires` itself', () => {
    const approval = { expires: '2026-11-02T00:00:00Z' };

    expect(isExpired(approval, at('2026-11-01T23:59:59Z'))).toBe(false);
    expect(isExpired(approval, at('2026-11-02T00:00:00Z'))).toBe(true);
  });

  it('counts actUntil from the acceptance', () => {
    expect(actUntil({ offline: { actUntil: '1d' } }, '2026-11-01T06:00:00Z')).toEqual(at('2026-11-02T06:00:00Z'));
  });

  it('holds through the whole day in the zone of the host', () => {
    expect(isHeldOn('2026-11-02', at('2026-11-03T04:59:00Z'), 'America/New_York')).toBe(true);
    expect(isHeldOn('2026-11-02', at('2026-11-03T05:00:00Z'), 'America/New_York')).toBe(false);
    expect(isHeldOn('2026-11-02', at('2026-11-03T04:59:00Z'), 'UTC')).toBe(false);
  });
});

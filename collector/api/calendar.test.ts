// The calendar over a real API and store: what it says of vendors goes no further than the data does.
import type { Timestamp } from '@selvage/shared/model/ids.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { putFeed } from '../findings/testing/put-feed.ts';
import { sampleFleet } from '../findings/testing/sample-fleet.ts';
import { calendar } from './contract/calendar.ts';
import { type ApiLab, apiLab, type ClientIdentity } from './testing/api-lab.ts';

let lab: ApiLab;
let reader: ClientIdentity;

beforeAll(async () => {
  lab = await apiLab();
  reader = await lab.admin('rita', 'reader');
  lab.findings.fleet = sampleFleet({ machines: [{ name: 'a', software: [{ name: 'openssl', version: '1' }] }] });
});
afterAll(() => lab.close());

describe('when a vendor releases every five days', () => {
  const ago = (days: number) => lab.clock.now().subtract({ hours: days * 24 });
  /** Up to the day that the data is of. */
  const upTo = (days: number) =>
    putFeed(
      lab.store,
      'osv-debian',
      Array.from({ length: 10 }, (_, index) => ({
        ...{ record: `DSA-${index}-1`, cves: ['CVE-2024-1'], ecosystem: 'Debian:12', package: 'openssl' },
        ...{ ranges: [], status: 'fixed' as const, published: ago(days + 5 * index).toString() as Timestamp },
      })),
      ago(days).toString() as Timestamp,
    );
  const ask = async () =>
    calendar.parse((await lab.call('GET', '/v1/feeds/calendar', { as: reader })).json).releases[0];

  it('the next is expected by fresh data', async () => {
    await upTo(1);

    expect(await ask()).toMatchObject({
      ...{ words: 'every 5 days', knownUntil: ago(0).toString().slice(0, 10) },
      next: { lateDays: 0 },
    });
  });

  it('it is not called late by data that ended two months ago', async () => {
    await upTo(60);

    expect(await ask()).toMatchObject({ knownUntil: ago(60).toString().slice(0, 10), next: null });
  });
});

import { silentLog } from '@selvage/shared/log/log.ts';
import type { HostId } from '@selvage/shared/model/ids.ts';
import { fakeClock } from '@selvage/shared/testing/fake-clock.ts';
import { describe, expect, it } from 'vitest';
import { freshStores } from '../store/testing/fresh-store.ts';
import { NOW, uuid } from './testing/world.ts';
import { createUnknownHosts, MAX_UNKNOWN } from './unknown-hosts.ts';

const fresh = freshStores('unknown-hosts');

describe('when more hosts come that nobody knows than are remembered', () => {
  it('the newest are named, and the ledger does not grow with each that comes again', async () => {
    const store = await fresh();
    const unknown = createUnknownHosts({ store, clock: fakeClock(NOW), log: silentLog });
    const knock = (number: number) => unknown.note({ id: uuid(number) as HostId, address: '192.0.2.1' });
    // Twice around: whoever comes again has been forgotten meanwhile.
    for (let turn = 0; turn < 2; turn++) for (let number = 0; number < MAX_UNKNOWN + 10; number++) await knock(number);

    expect(unknown.list()).toHaveLength(MAX_UNKNOWN);
    expect(unknown.list().at(-1)?.id).toBe(uuid(MAX_UNKNOWN + 9));
    expect(await store.read.audit.after(0, 3 * MAX_UNKNOWN)).toHaveLength(MAX_UNKNOWN);
  });
});

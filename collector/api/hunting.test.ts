// Who is not among those that a hunt looked at, and why: hosts and machines of files for different reasons.
import { expect, it } from 'vitest';
import { FleetIndex } from '../findings/index.ts';
import { hunting } from './hunting.ts';

it('when a machine of a file is not counted, it is not said to wait for being accepted', async () => {
  const fleet = new FleetIndex();
  const keys = ['host:1', 'import:laptop-1'] as const;
  const { chosen, hunt } = await hunting({ fleet: () => fleet }, { has: 'xz-utils' }, keys, (key) => ({
    ...{ key, id: key, name: key },
  }));

  expect(chosen).toEqual([]);
  expect(hunt?.unknown).toEqual([
    { id: 'host:1', name: 'host:1', reason: expect.stringContaining('waits to be accepted') },
    { id: 'import:laptop-1', name: 'import:laptop-1', reason: expect.stringContaining('an agent is asked') },
  ]);
});

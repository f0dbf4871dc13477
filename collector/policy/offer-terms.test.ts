// How long what several sign is to hold: whoever makes it says so, and the others sign it with all else.
import { changeDocuments } from '@selvage/shared/policy/sign.ts';
import { approvalSample, patchPolicySample, windowSample } from '@selvage/shared/policy/testing/sample-documents.ts';
import { expect, it } from 'vitest';
import { code, newCollector, type Setup } from './testing/collector.ts';

const offered = async (setup: Setup, put: Parameters<typeof changeDocuments>[0]['put'], days: number) => {
  const { policy: current } = await setup.repository.current();
  const now = setup.clock.now().subtract({ hours: 24 * days });
  const change = changeDocuments({ current, put, signers: setup.admins.slice(0, 1), now });

  return setup.repository.offer({ ...change, note: '', by: 'admin:ann', proposal: null });
};

it.each([2, 300])('nobody makes a change with a term that ends %i days too soon', async (days) => {
  const setup = await newCollector({ admins: 2, threshold: 2 });

  await expect(offered(setup, [windowSample()], days)).rejects.toThrow(code('POLICY_INVALID'));
  expect(await setup.store.read.proposals.list(0)).toEqual([]);
});

it('a clock that is some hours behind is let pass, and a month of approvals ends with the month', async () => {
  const setup = await newCollector({ admins: 2, threshold: 2 });

  expect(await offered(setup, [windowSample()], 0.5)).toMatchObject({ number: 1, timestampVersion: null });
  const all = [windowSample(), patchPolicySample(), approvalSample()];
  expect(await offered(setup, all, 0)).toMatchObject({ number: 2, timestampVersion: null });
});

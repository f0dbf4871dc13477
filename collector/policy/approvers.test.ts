import type { Sha256, Timestamp } from '@selvage/shared/model/ids.ts';
import { decodeMetadata, encodeMetadata } from '@selvage/shared/policy/metadata.ts';
import { changeDocuments, type Proposal } from '@selvage/shared/policy/sign.ts';
import { riskAcceptanceSample, windowSample } from '@selvage/shared/policy/testing/sample-documents.ts';
import { describe, expect, it } from 'vitest';
import { newCollector, type Setup } from './testing/collector.ts';

const refusal = (message: string) =>
  expect.objectContaining({ code: 'DOCUMENT_REFERENCE', message: expect.stringContaining(message) });

/** Two admins, of whom either may sign alone. */
async function twoAdmins(): Promise<Setup> {
  const setup = await newCollector({ admins: 2, threshold: 1 });
  for (const [number, name] of ['ann', 'bob'].entries()) {
    await setup.store.transaction(({ admins }) =>
      admins.add({
        ...{ name, role: 'admin', state: 'active', certificate: `${number}`.repeat(64) as Sha256 },
        certificateExpires: '2027-11-20T12:00:00Z' as Timestamp,
        ...{
          keyId: setup.admins[number]?.keyId ?? null,
          addedAt: '2026-11-20T12:00:00Z' as Timestamp,
          revokedAt: null,
        },
      }),
    );
  }

  return setup;
}

async function proposed(
  setup: Setup,
  put: Parameters<typeof changeDocuments>[0]['put'],
  ...by: number[]
): Promise<Proposal> {
  const { policy } = await setup.repository.current();
  const signers = setup.admins.filter((_, number) => by.includes(number));

  return changeDocuments({ put: put ?? [], signers, current: policy, now: setup.clock.now() });
}

const push = async (setup: Setup, put: Parameters<typeof changeDocuments>[0]['put'], ...by: number[]) =>
  setup.repository.push({ ...(await proposed(setup, put, ...by)), by: 'admin:bob' });

describe('when a risk acceptance is pushed', () => {
  it('is taken when the approver has signed, alone or with others', async () => {
    const setup = await twoAdmins();

    await push(setup, [riskAcceptanceSample({ approver: 'ann' })], 0);
    await push(setup, [riskAcceptanceSample({ name: 'other', approver: 'ann' })], 0, 1);
    expect((await setup.repository.current()).documents).toHaveLength(2);
  });

  it('is refused when somebody else has, and when the approver is no admin who signs', async () => {
    const setup = await twoAdmins();

    await expect(push(setup, [riskAcceptanceSample({ approver: 'ann' })], 1)).rejects.toThrow(
      refusal('ann has not signed this push'),
    );
    await expect(push(setup, [riskAcceptanceSample({ approver: 'eve' })], 0)).rejects.toThrow(
      refusal('eve is no admin with a signing key'),
    );
    expect((await setup.repository.current()).documents).toEqual([]);
  });

  it('an entry that names the key of the approver without a signature of it proves nothing', async () => {
    const setup = await twoAdmins();
    const proposal = await proposed(setup, [riskAcceptanceSample({ approver: 'ann' })], 1);
    const forged = proposal.metadata.map(({ name, bytes }) => {
      const envelope = decodeMetadata('targets', name, bytes);
      const made = { keyid: setup.admins[0]?.keyId ?? '', sig: '0'.repeat(128) };

      return { name, bytes: encodeMetadata({ ...envelope, signatures: [...envelope.signatures, made] }) };
    });

    await expect(setup.repository.push({ ...proposal, metadata: forged, by: 'admin:bob' })).rejects.toThrow();
    expect((await setup.repository.current()).documents).toEqual([]);
  });

  it('one that is there stays when another admin pushes something else, and is asked again when it changes', async () => {
    const setup = await twoAdmins();
    await push(setup, [riskAcceptanceSample({ approver: 'ann' })], 0);

    await push(setup, [windowSample()], 1);
    await expect(push(setup, [riskAcceptanceSample({ approver: 'ann', reason: 'another' })], 1)).rejects.toThrow(
      refusal('ann has not signed'),
    );
  });

  it('one that comes back after a loss is not asked for its approver, and the ledger says so', async () => {
    const setup = await twoAdmins();
    const { timestampVersion } = await setup.repository.current();
    const proposal = await proposed(setup, [riskAcceptanceSample({ approver: 'ann' })], 1);
    await setup.repository.push({ ...proposal, by: 'admin:bob', recovers: { onTopOf: timestampVersion, above: 0 } });

    const entries = await setup.store.read.audit.after(0, 100);
    expect(entries.filter(({ action }) => action === 'policy.pushed').map(({ details }) => details.recovers)).toEqual(
      expect.arrayContaining([true]),
    );
  });
});

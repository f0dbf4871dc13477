// What the collector takes as a proposal, and when a push closes one.
import type { Sha256, Timestamp } from '@selvage/shared/model/ids.ts';
import type { PolicyDocument } from '@selvage/shared/policy/documents.ts';
import { pathOf } from '@selvage/shared/policy/documents.ts';
import { changeDocuments } from '@selvage/shared/policy/sign.ts';
import { approvalSample, riskAcceptanceSample, windowSample } from '@selvage/shared/policy/testing/sample-documents.ts';
import { describe, expect, it } from 'vitest';
import { decline, propose } from './proposing.ts';
import { newCollector, type Setup } from './testing/collector.ts';

const by = 'admin:ann';
const code = (expected: string) => expect.objectContaining({ code: expected });
const asked = (documents: readonly unknown[], removed: readonly string[] = []) => ({
  documents,
  removed,
  note: '',
  by,
});

/** A push of these documents by the first admin. */
async function push(
  setup: Setup,
  change: { readonly put?: readonly PolicyDocument[]; readonly remove?: readonly string[] },
  proposal: number | null,
) {
  const { policy } = await setup.repository.current();
  const signed = changeDocuments({ ...change, signers: setup.admins, current: policy, now: setup.clock.now() });

  return setup.repository.push({ ...signed, by: 'admin:bob', proposal });
}
const names = async ({ repository }: Setup) =>
  (await repository.current()).documents.map(({ document }) => document.name);
/** Two who may sign, neither with a key yet, and one who only reads. */
const addAdmins = async ({ store }: Setup) => {
  for (const [at, name] of ['ann', 'bob', 'rea'].entries()) {
    await store.transaction(({ admins }) =>
      admins.add({
        ...{ name, role: name === 'rea' ? 'reader' : 'admin', state: 'active', keyId: null, revokedAt: null },
        certificate: `${at}`.repeat(64) as Sha256,
        certificateExpires: '2027-11-20T12:00:00Z' as Timestamp,
        addedAt: '2026-11-20T12:00:00Z' as Timestamp,
      }),
    );
  }
};
const waiting = async ({ store }: Setup) => (await store.read.proposals.list(0)).map(({ number }) => number);

describe('when documents are proposed', () => {
  it('they wait, oldest first, and are in the ledger', async () => {
    const setup = await newCollector({ admins: 1, threshold: 1 });

    expect(await propose(setup, asked([windowSample({ name: 'a' })]))).toBe(1);
    expect(await propose(setup, asked([windowSample({ name: 'b' })]))).toBe(2);
    expect(await waiting(setup)).toEqual([1, 2]);
    expect(await names(setup)).toEqual([]);
    const entries = await setup.store.read.audit.after(0, 100);
    expect(entries.filter(({ action }) => action === 'policy.proposed')).toMatchObject([
      { subject: 'proposal 1', actor: by },
      { subject: 'proposal 2', actor: by },
    ]);
  });

  it.each([
    ['nothing at all', [], 'DOCUMENT_INVALID'],
    ['what is no document', [{ kind: 'Window' }], 'DOCUMENT_INVALID'],
    ['a document twice', [windowSample(), windowSample()], 'DOCUMENT_INVALID'],
    [
      'an approval of a month that is over',
      [approvalSample({ approvedAt: '2026-09-30T23:59:59Z' })],
      'DOCUMENT_INVALID',
    ],
    ['an acceptance whose approver is nobody', [riskAcceptanceSample({ approver: 'eve' })], 'DOCUMENT_REFERENCE'],
    ['one whose approver only reads', [riskAcceptanceSample({ approver: 'rea' })], 'DOCUMENT_REFERENCE'],
    [
      'what two would have to sign at once',
      [riskAcceptanceSample({ approver: 'ann' }), riskAcceptanceSample({ name: 'other', approver: 'bob' })],
      'DOCUMENT_REFERENCE',
    ],
    [
      'more than anybody reads',
      Array.from({ length: 9000 }, (_, at) => windowSample({ name: `w${at}` })),
      'REQUEST_TOO_LARGE',
    ],
  ])('%s is refused, and nothing waits', async (_, documents, expected) => {
    const setup = await newCollector({ admins: 1, threshold: 1 });
    await addAdmins(setup);

    await expect(propose(setup, asked(documents))).rejects.toThrow(code(expected));
    expect(await waiting(setup)).toEqual([]);
  });

  it('an acceptance waits for its one approver, who may have no key yet', async () => {
    const setup = await newCollector({ admins: 1, threshold: 1 });
    await addAdmins(setup);
    const two = ['one', 'other'].map((name) => riskAcceptanceSample({ name, approver: 'bob' }));

    expect(await propose(setup, asked(two))).toBe(1);
  });

  it('what is put and removed at once is refused', async () => {
    const setup = await newCollector({ admins: 1, threshold: 1 });
    const document = windowSample({ name: 'a' });

    await expect(propose(setup, asked([document], [pathOf(document)]))).rejects.toThrow(code('DOCUMENT_INVALID'));
    expect(await waiting(setup)).toEqual([]);
  });

  it('all that wait fit one answer of the collector', async () => {
    const setup = await newCollector({ admins: 1, threshold: 1 });
    // A character of three bytes each: bytes count, not characters.
    const reason = '\u20ac'.repeat(1024);
    const freeze = Array.from({ length: 300 }, () => ({ from: '2026-12-01', to: '2026-12-02', reason }));
    const big = (at: number) => asked([windowSample({ name: `w${at}`, freeze })]);
    for (let at = 0; at < 17; at++) await propose(setup, big(at));

    await expect(propose(setup, big(17))).rejects.toThrow(code('REQUEST_TOO_LARGE'));
    await decline(setup, { number: 1, reason: '', by });
    expect(await propose(setup, big(17))).toBe(18);
  });

  it('no more wait than a person would look at', async () => {
    const setup = await newCollector({ admins: 1, threshold: 1 });
    for (let at = 0; at < 100; at++) await propose(setup, asked([windowSample({ name: `w${at}` })]));

    await expect(propose(setup, asked([windowSample({ name: 'more' })]))).rejects.toThrow(code('REQUEST_TOO_LARGE'));
    await decline(setup, { number: 1, reason: '', by });
    expect(await propose(setup, asked([windowSample({ name: 'more' })]))).toBe(101);
  });
});

describe('when a push says that it signs a proposal', () => {
  it('the proposal is closed in the same step', async () => {
    const setup = await newCollector({ admins: 1, threshold: 1 });
    const document = windowSample({ name: 'a' });
    await propose(setup, asked([document]));

    await push(setup, { put: [document] }, 1);
    expect(await names(setup)).toEqual(['a']);
    expect(await setup.store.read.proposals.byNumber(1)).toMatchObject({ outcome: 'signed', closedBy: 'admin:bob' });
  });

  it('another content, or one that stays, is refused and stores nothing', async () => {
    const setup = await newCollector({ admins: 1, threshold: 1 });
    const [a, b] = [windowSample({ name: 'a' }), windowSample({ name: 'b' })];
    await push(setup, { put: [b] }, null);
    await propose(setup, asked([a], [pathOf(b)]));

    await expect(
      push(setup, { put: [windowSample({ name: 'a', start: '05:00' })], remove: [pathOf(b)] }, 1),
    ).rejects.toThrow(code('POLICY_CONFLICT'));
    await expect(push(setup, { put: [a] }, 1)).rejects.toThrow(code('POLICY_CONFLICT'));
    expect(await names(setup)).toEqual(['b']);
    expect(await waiting(setup)).toEqual([1]);
    await push(setup, { put: [a], remove: [pathOf(b)] }, 1);
    expect(await names(setup)).toEqual(['a']);
  });

  it('one that waits no longer stores nothing', async () => {
    const setup = await newCollector({ admins: 1, threshold: 1 });
    const document = windowSample({ name: 'a' });
    await propose(setup, asked([document]));
    await decline(setup, { number: 1, reason: 'no', by });

    await expect(push(setup, { put: [document] }, 1)).rejects.toThrow(code('NOT_FOUND'));
    await expect(push(setup, { put: [document] }, 7)).rejects.toThrow(code('NOT_FOUND'));
    await expect(decline(setup, { number: 1, reason: '', by })).rejects.toThrow(code('NOT_FOUND'));
    expect(await names(setup)).toEqual([]);
  });
});

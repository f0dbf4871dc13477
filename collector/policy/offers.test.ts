// Changes that several admins sign, as the collector takes them: nothing is published before enough of them have, over the same bytes.
import type { Sha256, Timestamp } from '@selvage/shared/model/ids.ts';
import { type PolicyDocument, pathOf } from '@selvage/shared/policy/documents.ts';
import { createSigningKey, type SigningKey } from '@selvage/shared/policy/keys.ts';
import { decodeMetadata, encodeMetadata } from '@selvage/shared/policy/metadata.ts';
import { replaceAdminKey } from '@selvage/shared/policy/rotate.ts';
import { addSignature, changeAdmins, changeDocuments, type Proposal } from '@selvage/shared/policy/sign.ts';
import {
  approvalSample,
  patchPolicySample,
  riskAcceptanceSample,
  windowSample,
} from '@selvage/shared/policy/testing/sample-documents.ts';
import { describe, expect, it } from 'vitest';
import { proposalView } from '../api/proposal-view.ts';
import { decline, propose } from './proposing.ts';
import { agentVerifies, code, newCollector, type Setup } from './testing/collector.ts';

const NAMES = ['ann', 'bob', 'carol'] as const;
type Name = (typeof NAMES)[number];
const ALL = [windowSample(), patchPolicySample(), approvalSample()];
const DAYS_MS = 24 * 3_600_000;

async function several({ threshold = 2, keys = 3 } = {}): Promise<Setup> {
  const setup = await newCollector({ admins: keys, threshold });
  for (const [at, name] of NAMES.entries()) {
    await setup.store.transaction(({ admins }) =>
      admins.add({
        ...{ name, role: 'admin', state: 'active', revokedAt: null, certificate: `${at}`.repeat(64) as Sha256 },
        keyId: setup.admins[at]?.keyId ?? null,
        certificateExpires: '2027-11-20T12:00:00Z' as Timestamp,
        addedAt: '2026-11-20T12:00:00Z' as Timestamp,
      }),
    );
  }

  return setup;
}

function keyOf({ admins }: Setup, name: Name): SigningKey {
  const key = admins[NAMES.indexOf(name)];
  if (!key) throw new Error(`${name} has no key`);

  return key;
}
const currentOf = async ({ repository }: Setup) => (await repository.current()).policy;
const made = async (setup: Setup, put: readonly PolicyDocument[], ...signers: readonly SigningKey[]) =>
  changeDocuments({ current: await currentOf(setup), put, signers, now: setup.clock.now() });
const offer = (setup: Setup, by: Name, change: Proposal, proposal: number | null = null) =>
  setup.repository.offer({ ...change, note: '', by: `admin:${by}`, proposal });
const push = async (setup: Setup, by: Name, put: readonly PolicyDocument[]) =>
  offer(setup, by, await made(setup, put, keyOf(setup, by)));
/** As the command line does it: the bytes that wait, with one more signature. */
const sign = async (setup: Setup, by: Name, number: number, key = keyOf(setup, by)) => {
  const files = await setup.store.read.proposals.files(number);
  const metadata = files.map(({ name, content }) => addSignature({ name, bytes: Buffer.from(content) }, key));

  return offer(setup, by, { metadata, targets: [] }, number);
};
const names = async (setup: Setup) => (await agentVerifies(setup)).documents.map(({ document }) => document.name);
const revoke = ({ store, clock }: Setup, name: Name) =>
  store.transaction(({ admins }) => admins.revoke(name, clock.now().toString() as Timestamp));
const viewOf = async (setup: Setup, number: number) => {
  const record = await setup.store.read.proposals.byNumber(number);
  if (!record) throw new Error(`no proposal ${number}`);
  const { versions } = await currentOf(setup);

  return proposalView(record, { admins: await setup.store.read.admins.list(), versions, now: setup.clock.now() });
};
const waits = (number: number, have: number, needed: number, from: readonly string[]) => ({
  ...{ number, timestampVersion: null, signatures: { have, needed, from, problem: null } },
});

describe('when two of three admins must sign', () => {
  it('one signature waits and binds nobody; with the second it is published, whole, to hosts', async () => {
    const setup = await several();
    const before = await setup.store.read.policy.names();

    expect(await push(setup, 'ann', ALL)).toEqual(waits(1, 1, 2, ['bob', 'carol']));
    expect(await setup.store.read.policy.names()).toEqual(before);
    expect(await names(setup)).toEqual([]);
    expect((await viewOf(setup, 1)).titles).toEqual(ALL.map(({ kind, name }) => `${kind} ${name}`));

    expect(await sign(setup, 'bob', 1)).toMatchObject({ number: 1, timestampVersion: expect.any(Number) });
    expect((await names(setup)).toSorted()).toEqual(ALL.map(({ name }) => name).toSorted());
    expect(await setup.store.read.proposals.byNumber(1)).toMatchObject({ outcome: 'signed', signing: null });
    expect(await setup.store.read.proposals.files(1)).toEqual([]);
    const entries = (await setup.store.read.audit.after(0, 100)).filter(({ action }) => action.startsWith('policy.'));
    expect(entries.slice(-3)).toMatchObject([
      { action: 'policy.proposed', actor: 'admin:ann', subject: 'proposal 1' },
      { action: 'policy.proposal-signed', actor: 'admin:ann', details: { keys: [keyOf(setup, 'ann').keyId], have: 1 } },
      { action: 'policy.pushed', actor: 'admin:bob', details: { proposal: 1 } },
    ]);
  });

  it('one push with one signature is refused, also when it says that it signs a proposal', async () => {
    const setup = await several();
    const one = await made(setup, [windowSample()], keyOf(setup, 'ann'));
    await offer(setup, 'ann', one);

    for (const proposal of [null, 1]) {
      await expect(setup.repository.push({ ...one, by: 'admin:ann', proposal })).rejects.toThrow(
        code('POLICY_SIGNATURES'),
      );
    }
    expect(await names(setup)).toEqual([]);
  });

  it('the same key counts once, however often it signs', async () => {
    const setup = await several();
    const change = await made(setup, [windowSample()], keyOf(setup, 'ann'));
    const metadata = change.metadata.map(({ name, bytes }) => {
      const envelope = decodeMetadata('targets', name, bytes);

      return {
        name,
        bytes: encodeMetadata({ ...envelope, signatures: [...envelope.signatures, ...envelope.signatures] }),
      };
    });

    expect(await offer(setup, 'ann', { ...change, metadata })).toEqual(waits(1, 1, 2, ['bob', 'carol']));
    expect(await sign(setup, 'ann', 1)).toEqual(waits(1, 1, 2, ['bob', 'carol']));
    expect(await names(setup)).toEqual([]);
  });

  it('the same admin counts once, whatever keys they have, and signs for nobody else', async () => {
    const setup = await several({ keys: 4 });
    const [, , , second = createSigningKey()] = setup.admins;
    await push(setup, 'ann', [windowSample()]);

    await expect(sign(setup, 'ann', 1, second)).rejects.toThrow(code('FORBIDDEN'));
    await expect(sign(setup, 'ann', 1, keyOf(setup, 'bob'))).rejects.toThrow(code('FORBIDDEN'));
    await expect(sign(setup, 'carol', 1, keyOf(setup, 'bob'))).rejects.toThrow(code('FORBIDDEN'));
    const both = await made(setup, [patchPolicySample(), windowSample()], keyOf(setup, 'ann'), keyOf(setup, 'bob'));
    await expect(offer(setup, 'ann', both)).rejects.toThrow(code('FORBIDDEN'));
    expect(await viewOf(setup, 1)).toMatchObject({ signatures: { have: 1 } });
    expect(await names(setup)).toEqual([]);
  });

  it('the same admin counts once in a push, too, that comes with the signatures of two keys', async () => {
    const setup = await several({ keys: 4 });
    const [, , , second = createSigningKey()] = setup.admins;
    const alone = await made(setup, [windowSample()], keyOf(setup, 'ann'), second);

    await expect(setup.repository.push({ ...alone, by: 'admin:ann' })).rejects.toThrow(code('POLICY_SIGNATURES'));
    expect(await names(setup)).toEqual([]);
  });

  it('a signature that was withdrawn is of no use to another who has kept it', async () => {
    const setup = await several();
    const change = await made(setup, [windowSample()], keyOf(setup, 'ann'));
    await offer(setup, 'ann', change);
    const metadata = change.metadata.map((file) => addSignature(file, keyOf(setup, 'bob')));
    await decline(setup, { number: 1, reason: 'a mistake', by: 'admin:ann' });

    await expect(offer(setup, 'bob', { ...change, metadata })).rejects.toThrow(code('FORBIDDEN'));
    await expect(setup.repository.push({ ...change, metadata, by: 'admin:bob' })).rejects.toThrow(
      code('POLICY_SIGNATURES'),
    );
    expect(await names(setup)).toEqual([]);
  });

  it('a key that nobody is known by counts for the admin who brings it', async () => {
    const setup = await several({ keys: 4 });
    const [, , , second = createSigningKey()] = setup.admins;
    await push(setup, 'ann', [windowSample()]);

    expect((await sign(setup, 'bob', 1, second)).timestampVersion).not.toBeNull();
    expect(await names(setup)).toEqual(['weekday-nights']);
  });

  it('nobody is kept from signing by another who says that the key is theirs', async () => {
    const setup = await several();
    const [sample] = await setup.store.read.admins.list();
    if (!sample) throw new Error('three admins');
    const { next: _, ...own } = sample;
    const claim = { ...own, name: 'abe', certificate: 'f'.repeat(64) as Sha256, keyId: keyOf(setup, 'bob').keyId };
    await setup.store.transaction(({ admins }) => admins.add(claim));
    await push(setup, 'ann', [windowSample()]);

    expect((await sign(setup, 'bob', 1)).timestampVersion).not.toBeNull();
  });

  it('the signature of an admin who was revoked meanwhile does not count, nor in a push', async () => {
    const setup = await several();
    await push(setup, 'ann', [windowSample()]);
    await revoke(setup, 'ann');

    expect((await viewOf(setup, 1)).signatures).toMatchObject({ have: 0, from: ['bob', 'carol'] });
    expect(await sign(setup, 'bob', 1)).toEqual(waits(1, 1, 2, ['carol']));
    const both = await made(setup, [windowSample()], keyOf(setup, 'ann'), keyOf(setup, 'bob'));
    await expect(setup.repository.push({ ...both, by: 'admin:bob' })).rejects.toThrow(code('POLICY_SIGNATURES'));
    expect(await names(setup)).toEqual([]);
    expect((await sign(setup, 'carol', 1)).timestampVersion).not.toBeNull();
    expect(await names(setup)).toEqual(['weekday-nights']);
  });

  it('two who sign at once are both heard', async () => {
    const setup = await several({ threshold: 3 });
    await push(setup, 'ann', [windowSample()]);
    const both = await Promise.all((['bob', 'carol'] as const).map((name) => sign(setup, name, 1)));

    expect(both.map(({ timestampVersion }) => timestampVersion !== null)).toEqual([false, true]);
    expect(await names(setup)).toEqual(['weekday-nights']);
  });

  it('what nobody signed, or a stranger, is not kept', async () => {
    const setup = await several();

    for (const signers of [[], [createSigningKey()]]) {
      const change = await made(setup, [windowSample()], ...signers);
      await expect(offer(setup, 'ann', change)).rejects.toThrow(code('POLICY_SIGNATURES'));
    }
    expect(await setup.store.read.proposals.list(0)).toEqual([]);
  });
});

describe('when what is signed is not what waits', () => {
  it('a signature over other bytes is refused, and what waits stays as it is', async () => {
    const setup = await several();
    await push(setup, 'ann', [windowSample()]);
    const waiting = await setup.store.read.proposals.files(1);
    const other = await made(setup, [windowSample({ start: '05:00' })], keyOf(setup, 'bob'));

    await expect(offer(setup, 'bob', other, 1)).rejects.toThrow(code('POLICY_CONFLICT'));
    const more = await made(setup, [windowSample(), approvalSample()], keyOf(setup, 'bob'));
    await expect(offer(setup, 'bob', more, 1)).rejects.toThrow(code('POLICY_CONFLICT'));
    expect(await setup.store.read.proposals.files(1)).toEqual(waiting);
    expect(await names(setup)).toEqual([]);
  });

  it('on top of a version that is gone it is refused, shown as overtaken, and may be proposed again', async () => {
    const setup = await several();
    await push(setup, 'ann', [windowSample()]);
    await push(setup, 'carol', [windowSample({ name: 'other' })]);
    await sign(setup, 'bob', 2);

    await expect(sign(setup, 'bob', 1)).rejects.toThrow(
      expect.objectContaining({
        ...{ code: 'POLICY_CONFLICT', next: expect.stringContaining('propose it again') },
        message: 'it was made on top of version 1 of policy, and version 2 is in force: it can be signed no more',
      }),
    );
    expect((await viewOf(setup, 1)).signatures?.problem).toBe('overtaken by version 2 of policy');
    expect(await names(setup)).toEqual(['other']);
    expect(await push(setup, 'ann', [windowSample()])).toMatchObject({ number: 3 });
    expect((await sign(setup, 'bob', 3)).timestampVersion).not.toBeNull();
  });

  it('one that has ended is refused, and shown as ended', async () => {
    const setup = await several();
    await push(setup, 'ann', ALL);
    await setup.clock.advance(42 * DAYS_MS);

    await expect(sign(setup, 'bob', 1)).rejects.toThrow(code('POLICY_EXPIRED'));
    expect((await viewOf(setup, 1)).signatures?.problem).toBe('ended at 2027-01-01T00:00:00Z');
  });

  it('one that was declined, or was never there, is refused', async () => {
    const setup = await several();
    await push(setup, 'ann', [windowSample()]);
    const files = await setup.store.read.proposals.files(1);
    await decline(setup, { number: 1, reason: 'no', by: 'admin:bob' });
    const metadata = files.map(({ name, content }) =>
      addSignature({ name, bytes: Buffer.from(content) }, keyOf(setup, 'bob')),
    );

    expect(await setup.store.read.proposals.files(1)).toEqual([]);
    for (const number of [1, 7]) {
      await expect(offer(setup, 'bob', { metadata, targets: [] }, number)).rejects.toThrow(code('NOT_FOUND'));
    }
    expect(await names(setup)).toEqual([]);
  });
});

describe('when documents need more than a number of signatures', () => {
  it('an acceptance waits for its approver, whoever else has signed', async () => {
    const setup = await several();
    const acceptance = riskAcceptanceSample({ approver: 'carol' });
    expect(await push(setup, 'ann', [acceptance])).toEqual(waits(1, 1, 2, ['bob', 'carol']));

    expect(await sign(setup, 'bob', 1)).toEqual(waits(1, 2, 2, ['carol']));
    expect(await names(setup)).toEqual([]);
    expect((await sign(setup, 'carol', 1)).timestampVersion).not.toBeNull();
    expect(await names(setup)).toEqual([acceptance.name]);
  });

  it.each([
    ['an approver who is nobody', [riskAcceptanceSample({ approver: 'eve' })], 'DOCUMENT_REFERENCE'],
    ['a window that is not there', [patchPolicySample()], 'DOCUMENT_REFERENCE'],
    [
      'more documents than one change has',
      Array.from({ length: 1001 }, (_, at) => windowSample({ name: `w${at}` })),
      'REQUEST_TOO_LARGE',
    ],
  ])('%s is refused before anybody looks at it', async (_, put, expected) => {
    const setup = await several();

    await expect(push(setup, 'ann', put)).rejects.toThrow(code(expected));
    expect(await setup.store.read.proposals.list(0)).toEqual([]);
  });

  it('a wish that nobody had signed takes the signatures of two', async () => {
    const setup = await several();
    const document = windowSample();
    const wish = { documents: [document], removed: [], note: 'please', by: 'admin:ann' };
    expect(await propose(setup, wish)).toBe(1);
    const change = await made(setup, [document], keyOf(setup, 'bob'));

    expect(await offer(setup, 'bob', change, 1)).toEqual(waits(1, 1, 2, ['ann', 'carol']));
    expect(await sign(setup, 'ann', 1)).toMatchObject({ number: 1, timestampVersion: expect.any(Number) });
    expect(await setup.store.read.proposals.byNumber(1)).toMatchObject({ note: 'please', outcome: 'signed' });
    const other = await made(setup, [windowSample({ start: '05:00' })], keyOf(setup, 'bob'));
    expect(await propose(setup, { ...wish, documents: [windowSample({ name: 'next' })] })).toBe(2);
    await expect(offer(setup, 'bob', other, 2)).rejects.toThrow(code('POLICY_INVALID'));
  });

  it('what is removed is told from the bytes', async () => {
    const setup = await several();
    await push(setup, 'ann', [windowSample()]);
    await sign(setup, 'bob', 1);
    const remove = [pathOf(windowSample())];
    const change = changeDocuments({
      ...{ current: await currentOf(setup), remove, signers: [keyOf(setup, 'ann')], now: setup.clock.now() },
    });
    await offer(setup, 'ann', change);

    expect(await viewOf(setup, 2)).toMatchObject({ removed: remove, titles: [`remove ${remove[0]}`] });
    await sign(setup, 'carol', 2);
    expect(await names(setup)).toEqual([]);
  });
});

describe('when much waits', () => {
  it('the same is not taken twice, and no more than a person would look at', async () => {
    const setup = await several();
    await push(setup, 'ann', [windowSample()]);
    await setup.clock.advance(5000);

    await expect(push(setup, 'bob', [windowSample()])).rejects.toThrow(code('ALREADY_EXISTS'));
    for (let at = 1; at < 100; at++) await push(setup, 'ann', [windowSample({ name: `w${at}` })]);
    await expect(push(setup, 'ann', [windowSample({ name: 'more' })])).rejects.toThrow(code('REQUEST_TOO_LARGE'));
  });
});

it('what is signed takes a bounded room, which is free again when something is declined', async () => {
  const setup = await several();
  const content = 'x'.repeat(4 * 1024 * 1024);
  const signing = { signers: [], requirements: [], ends: '2027-11-20T12:00:00Z' as Timestamp };
  for (let at = 1; at <= 4; at++) {
    const number = await propose(setup, {
      documents: [windowSample({ name: `w${at}` })],
      removed: [],
      note: '',
      by: 'admin:ann',
    });
    const files = [{ name: '1.lifts.json', content }];
    await setup.store.transaction(({ proposals }) => proposals.keepSigning(number, signing, files));
  }

  await expect(push(setup, 'ann', [windowSample()])).rejects.toThrow(code('REQUEST_TOO_LARGE'));
  expect(await setup.store.read.proposals.list(0)).toHaveLength(4);
  await decline(setup, { number: 1, reason: '', by: 'admin:bob' });
  expect(await push(setup, 'ann', [windowSample()])).toMatchObject({ signatures: { have: 1 } });
});

describe('when the keys themselves change', () => {
  it('a second signature is needed to need two, and from then on', async () => {
    const setup = await several({ threshold: 1, keys: 2 });
    const change = changeAdmins({
      ...{ current: await currentOf(setup), admins: setup.admins, threshold: 2 },
      ...{ signers: [keyOf(setup, 'ann')], now: setup.clock.now() },
    });

    expect(await offer(setup, 'ann', change)).toEqual(waits(1, 1, 2, ['bob']));
    expect((await viewOf(setup, 1)).titles).toEqual([
      'keys or terms of root, targets, policy, approvals, urgent, lifts',
    ]);
    expect((await sign(setup, 'bob', 1)).timestampVersion).not.toBeNull();
    expect((await agentVerifies(setup)).signed.root.roles.targets.threshold).toBe(2);
    expect(await push(setup, 'ann', [windowSample()])).toEqual(waits(2, 1, 2, ['bob']));
  });

  it('a key that replaces another stays with its admin, who asked for it', async () => {
    const setup = await several();
    const to = createSigningKey();
    const from = keyOf(setup, 'ann');
    const change = replaceAdminKey({ current: await currentOf(setup), from, to, now: setup.clock.now() });

    expect(await offer(setup, 'ann', change)).toEqual(waits(1, 1, 2, ['bob', 'carol']));
    expect((await sign(setup, 'bob', 1)).timestampVersion).not.toBeNull();
    expect(await setup.store.read.admins.byName('ann')).toMatchObject({ keyId: to.keyId });
    expect(await setup.store.read.admins.byName('bob')).toMatchObject({ keyId: keyOf(setup, 'bob').keyId });
    expect((await agentVerifies(setup)).signed.root.roles.root.keyids).toContain(to.keyId);
  });
});

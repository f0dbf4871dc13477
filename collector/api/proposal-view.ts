// One proposal as it is shown: its documents by name, and whose signatures it has and needs. Pure.
import { signedRoleOf } from '@selvage/shared/policy/signatures.ts';
import type { z } from 'zod';
import { approversOf, signaturesOf, staleness } from '../policy/cosigning.ts';
import type { AdminRecord } from '../store/ports.ts';
import type { ProposalRecord } from '../store/proposal-ports.ts';
import type { proposal } from './contract/proposals.ts';

type View = z.input<typeof proposal>;

export interface ProposalFacts {
  readonly admins: readonly AdminRecord[];
  /** Of the policy in force, by role. */
  readonly versions: Readonly<Record<string, number>>;
  readonly now: Temporal.Instant;
}

export function proposalView(record: ProposalRecord, facts: ProposalFacts): View {
  const { signing, ...rest } = record;
  const documents = record.documents.map((document) => ({ ...(document as Record<string, unknown>) }));
  const titles = [...documents.map(({ kind, name }) => `${kind} ${name}`), ...record.removed.map(titleOfPath)];

  return {
    ...rest,
    documents,
    removed: [...record.removed],
    titles: titles.length > 0 ? titles : rolesOf(record),
    approvers: [...approversOf(documents)],
    signatures: signing && signaturesShown(signing, documents, facts),
  };
}

function signaturesShown(
  signing: NonNullable<ProposalRecord['signing']>,
  documents: readonly unknown[],
  { admins, versions, now }: ProposalFacts,
): View['signatures'] {
  const state = signaturesOf({ signing, documents, admins });

  return {
    ...{ ...state, from: [...state.from], problem: staleness(signing, versions, now) },
    signers: signing.signers.map(({ keyId, by }) => ({ keyId, by })),
  };
}

/** What changes no document: keys, or terms. Of which roles is known while it waits. */
function rolesOf({ signing }: ProposalRecord): string[] {
  const roles = new Set(signing?.requirements.map(({ file }) => signedRoleOf(file)));

  return roles.size === 0 ? ['keys or terms'] : [`keys or terms of ${[...roles].join(', ')}`];
}

/** `policy/window/nights.json` → `remove policy/window/nights.json`: what it was is in the policy, not here. */
function titleOfPath(path: string): string {
  return `remove ${path}`;
}

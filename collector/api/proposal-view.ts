// One proposal as it is shown: its documents by name, and whose signature it needs. Pure.
import type { z } from 'zod';
import type { ProposalRecord } from '../store/proposal-ports.ts';
import type { proposal } from './contract/proposals.ts';

type View = z.input<typeof proposal>;

export function proposalView(record: ProposalRecord): View {
  const documents = record.documents.map((document) => ({ ...(document as Record<string, unknown>) }));
  const approvers = documents.flatMap(({ kind, approver }) =>
    kind === 'RiskAcceptance' && typeof approver === 'string' ? [approver] : [],
  );

  return {
    ...record,
    documents,
    removed: [...record.removed],
    titles: [...documents.map(({ kind, name }) => `${kind} ${name}`), ...record.removed.map(titleOfPath)],
    approvers: [...new Set(approvers)],
  };
}

/** `policy/window/nights.json` → `remove policy/window/nights.json`: what it was is in the policy, not here. */
function titleOfPath(path: string): string {
  return `remove ${path}`;
}

// The words by which proposals are selected.
import type { Vocabulary } from '@selvage/shared/select/vocabulary.ts';
import type { z } from 'zod';
import type { proposal } from '../contract/proposals.ts';

type Proposal = z.input<typeof proposal>;

const STATES = ['waiting', 'signed', 'declined'] as const;

export const PROPOSAL_WORDS: Vocabulary<Proposal> = {
  noun: 'proposals',
  fields: {
    number: { kind: 'number', about: 'its number', of: ({ number }) => number },
    state: { kind: 'text', about: STATES.join(', '), of: ({ outcome }) => [outcome ?? 'waiting'], values: STATES },
    by: { kind: 'text', about: 'who proposed it: admin:NAME', of: ({ proposedBy }) => [proposedBy] },
    for: {
      kind: 'text',
      about: 'an admin whose signature it needs, or would count',
      of: ({ approvers, signatures }) => [...new Set([...approvers, ...(signatures?.from ?? [])])],
    },
    document: { kind: 'text', about: 'a document that it puts or removes', of: ({ titles }) => titles },
    note: { kind: 'text', about: 'why', of: ({ note }) => (note === '' ? [] : [note]) },
    proposed: { kind: 'age', about: 'time since it was proposed', of: ({ proposedAt }) => ({ at: proposedAt }) },
  },
  label: null,
};

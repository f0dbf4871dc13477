// The words by which documents of the policy are selected. For the command line, which has them verified before it asks.
import { KINDS, type Kind, LANES, type PolicyDocument } from '@selvage/shared/policy/documents.ts';
import type { Vocabulary } from '@selvage/shared/select/vocabulary.ts';

const KIND_NAMES = (Object.keys(KINDS) as Kind[]).map((kind) => kind.toLowerCase());

export const POLICY_WORDS: Vocabulary<PolicyDocument> = {
  noun: 'documents',
  fields: {
    kind: { kind: 'text', about: KIND_NAMES.join(', '), of: ({ kind }) => [kind], values: KIND_NAMES },
    name: { kind: 'text', about: 'name', of: ({ name }) => [name] },
    policy: {
      kind: 'text',
      about: 'policy of an approval',
      of: (one) => (one.kind === 'Approval' ? [one.policy] : []),
    },
    lane: {
      kind: 'text',
      about: 'lane of an approval',
      of: (one) => (one.kind === 'Approval' ? [one.lane] : []),
      values: LANES,
    },
    fix: {
      kind: 'text',
      about: 'SOURCE@VERSION of an approval',
      of: (one) => (one.kind === 'Approval' ? [`${one.fix.source}@${one.fix.version}`] : []),
    },
    expires: {
      kind: 'left',
      about: 'time that is left to an approval; other documents never end',
      of: (one) => ({ at: one.kind === 'Approval' ? one.expires : null }),
    },
  },
  label: null,
};

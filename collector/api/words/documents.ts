// The words by which documents of the policy are selected. For the command line, which has them verified before it asks.

import { endOfAcceptance } from '@selvage/shared/policy/acceptance.ts';
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
      about: 'time that is left to an approval or a risk acceptance; other documents never end',
      of: (one) => ({ at: endOf(one) }),
    },
  },
  label: null,
};

function endOf(document: PolicyDocument): string | null {
  if (document.kind === 'RiskAcceptance') return endOfAcceptance(document).toString();

  return document.kind === 'Approval' ? document.expires : null;
}

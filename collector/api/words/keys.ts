// The words by which signing keys are selected. For the command line, which alone knows the key of its machine.
import type { Vocabulary } from '@selvage/shared/select/vocabulary.ts';

export interface KeyFacts {
  readonly keyId: string;
  readonly admin: string | null;
  readonly here: boolean;
  readonly counts: boolean;
}

export const KEY_WORDS: Vocabulary<KeyFacts> = {
  noun: 'keys',
  fields: {
    key: { kind: 'text', about: 'id of the key', of: ({ keyId }) => [keyId] },
    admin: { kind: 'text', about: 'whose it is', of: ({ admin }) => (admin === null ? [] : [admin]) },
    here: { kind: 'flag', about: 'is the key of this machine', of: ({ here }) => here },
    counts: { kind: 'flag', about: 'is counted by the policy', of: ({ counts }) => counts },
  },
  label: null,
};

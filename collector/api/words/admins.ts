// The words by which admins are selected.
import type { Vocabulary } from '@selvage/shared/select/vocabulary.ts';
import type { z } from 'zod';
import type { admin } from '../contract.ts';

const ROLES = ['admin', 'reader'] as const;
const STATES = ['active', 'revoked'] as const;

export const ADMIN_WORDS: Vocabulary<z.input<typeof admin>> = {
  noun: 'admins',
  fields: {
    name: { kind: 'text', about: 'name', of: ({ name }) => [name] },
    role: { kind: 'text', about: ROLES.join(', '), of: ({ role }) => [role], values: ROLES },
    state: { kind: 'text', about: STATES.join(', '), of: ({ state }) => [state], values: STATES },
    key: {
      kind: 'text',
      about: 'id of the signing key; not key=* for none',
      of: ({ keyId }) => (keyId ? [keyId] : []),
    },
    added: { kind: 'age', about: 'time since they were added', of: ({ addedAt }) => ({ at: addedAt }) },
    certificate: {
      kind: 'left',
      about: 'time that is left to the certificate',
      of: ({ certificateExpires }) => ({ at: certificateExpires }),
    },
  },
  label: null,
};

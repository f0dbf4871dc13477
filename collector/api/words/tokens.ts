// The words by which tokens are selected.
import type { Vocabulary } from '@selvage/shared/select/vocabulary.ts';
import type { z } from 'zod';
import type { token } from '../contract/tokens.ts';

type Token = z.input<typeof token>;

const STATES = ['open', 'used', 'expired', 'revoked'] as const;
const KINDS = ['host', 'admin'] as const;

export const TOKEN_WORDS: Vocabulary<Token> = {
  noun: 'tokens',
  fields: {
    id: { kind: 'text', about: 'id of the token', of: ({ id }) => [id] },
    kind: { kind: 'text', about: 'host or admin', of: ({ kind }) => [kind], values: KINDS },
    state: { kind: 'text', about: STATES.join(', '), of: ({ state }) => [state], values: STATES },
    for: { kind: 'text', about: 'the host or admin it is bound to', of: ({ boundTo }) => (boundTo ? [boundTo] : []) },
    by: { kind: 'text', about: 'who made it: admin:NAME', of: ({ createdBy }) => [createdBy] },
    mode: { kind: 'text', about: 'the widest mode it allows', of: ({ mode }) => (mode ? [mode] : []) },
    came: { kind: 'text', about: 'a host that came by it', of: ({ became }) => became.map(({ name }) => name) },
    uses: { kind: 'number', about: 'how often it may be used', of: ({ uses }) => uses },
    used: { kind: 'number', about: 'how often it was used', of: ({ used }) => used },
    pending: {
      kind: 'number',
      about: 'hosts that came by it and wait to be accepted',
      of: ({ became }) => became.filter(({ state }) => state === 'pending').length,
    },
    created: { kind: 'age', about: 'time since it was made', of: ({ createdAt }) => ({ at: createdAt }) },
    expires: { kind: 'left', about: 'time that is left to use it', of: ({ expiresAt }) => ({ at: expiresAt }) },
  },
  label: ({ labels }, name) => (Object.hasOwn(labels, name) ? (labels[name] ?? []) : []),
};

// The words by which entries of the ledger are selected.
import type { Vocabulary } from '@selvage/shared/select/vocabulary.ts';
import type { AuditEntry } from '../../store/ports.ts';

export const AUDIT_WORDS: Vocabulary<AuditEntry> = {
  noun: 'entries',
  fields: {
    sequence: { kind: 'number', about: 'number of the entry', of: ({ sequence }) => sequence },
    at: { kind: 'age', about: 'time since it was written', of: ({ at }) => ({ at }) },
    actor: { kind: 'text', about: 'who: admin:NAME, host:ID or collector', of: ({ actor }) => [actor] },
    action: { kind: 'text', about: 'what: policy.pushed, host.*', of: ({ action }) => [action] },
    subject: { kind: 'text', about: 'upon what', of: ({ subject }) => [subject] },
  },
  label: null,
};

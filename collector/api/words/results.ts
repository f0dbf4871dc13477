// The words by which results of one host are selected.
import { OUTCOMES } from '@selvage/shared/model/result.ts';
import type { Vocabulary } from '@selvage/shared/select/vocabulary.ts';
import type { StoredResult } from '../../store/ports.ts';

export const RESULT_WORDS: Vocabulary<StoredResult> = {
  noun: 'results',
  fields: {
    approval: { kind: 'text', about: 'name of the approval', of: ({ result }) => [result.approval] },
    fix: {
      kind: 'text',
      about: 'SOURCE@VERSION',
      of: ({ result: { fix } }) => [`${fix.source}@${fix.version}`],
    },
    run: { kind: 'text', about: 'name of the run', of: ({ result }) => [result.run] },
    outcome: { kind: 'text', about: OUTCOMES.join(', '), of: ({ result }) => [result.outcome], values: OUTCOMES },
    code: {
      kind: 'text',
      about: 'error code, none for none',
      of: ({ result }) => (result.problem ? [result.problem.code] : []),
    },
    finished: { kind: 'age', about: 'time since it ended', of: ({ result }) => ({ at: result.finishedAt }) },
    received: { kind: 'age', about: 'time since it arrived', of: ({ receivedAt }) => ({ at: receivedAt }) },
  },
  label: null,
};

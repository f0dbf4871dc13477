// The words by which events in the history of a host are selected.
import type { Texts, Vocabulary } from '@selvage/shared/select/vocabulary.ts';
import { EVENT_KINDS, type HistoryEvent, ORIGINS } from '../../history/timeline.ts';

/** Of a transaction with very many, the first ones are told. */
function packagesOf({ packages, packageCount }: HistoryEvent): Texts {
  const names = packages.map(({ name }) => name);

  return packageCount > names.length ? { atLeast: names } : names;
}

const some = (value: string | null) => (value === null ? [] : [value]);

export const EVENT_WORDS: Vocabulary<HistoryEvent> = {
  noun: 'events',
  fields: {
    at: { kind: 'age', about: 'time since it happened', of: ({ at }) => ({ at }) },
    kind: { kind: 'text', about: EVENT_KINDS.join(', '), of: ({ kind }) => [kind], values: EVENT_KINDS },
    origin: { kind: 'text', about: ORIGINS.join(', '), of: ({ origin }) => [origin], values: ORIGINS },
    actor: { kind: 'text', about: 'who, as far as it is told', of: ({ actor }) => some(actor) },
    source: { kind: 'text', about: 'the log that tells: apt, dpkg …', of: ({ source }) => some(source) },
    command: { kind: 'text', about: 'the command line', of: ({ command }) => some(command) },
    package: { kind: 'text', about: 'a package that changed', of: packagesOf },
  },
  label: null,
};

// The words by which alarms are selected.
import type { Vocabulary } from '@selvage/shared/select/vocabulary.ts';
import { ALARM_KINDS, type Alarm, SEVERITIES } from '../../alarms/alarms.ts';

export const ALARM_WORDS: Vocabulary<Alarm> = {
  noun: 'alarms',
  fields: {
    severity: { kind: 'text', about: SEVERITIES.join(', '), of: ({ severity }) => [severity], values: SEVERITIES },
    kind: { kind: 'text', about: 'what it is about', of: ({ kind }) => [kind], values: ALARM_KINDS },
    subject: { kind: 'text', about: 'the role, admin or host', of: ({ subject }) => (subject === '' ? [] : [subject]) },
    ends: { kind: 'left', about: 'time that is left', of: ({ ends }) => ({ at: ends }) },
  },
  label: null,
};

// What the todo list asks of others, from plain data: real triage and real version order, nothing decided and nobody silent unless
// said. For tests only.
import { compareVersions } from '@selvage/shared/versions/list.ts';
import type { CveFacts, CveFactsPart } from '../../triage/cve-facts.ts';
import { mergeFacts } from '../../triage/facts.ts';
import { FLEET_SETTINGS } from '../../triage/settings.ts';
import { createTriage, type Triage } from '../../triage/triage.ts';
import { NO_JUDGEMENTS } from '../ports.ts';
import type { TodoDeps } from '../todo-steps.ts';

export const TODO_AT = Temporal.Instant.from('2026-03-10T12:00:00Z');

export interface Given extends Partial<Omit<TodoDeps, 'triage'>> {
  readonly facts?: Readonly<Record<string, CveFactsPart>>;
  readonly kev?: string | null;
}

export function todoDeps({
  facts = {},
  kev = '2026-03-09',
  ...given
}: Given = {}): TodoDeps & { readonly triage: Triage } {
  const known = new Map<string, CveFacts>(Object.entries(facts).map(([cve, part]) => [cve, mergeFacts(cve, [part])]));

  return {
    triage: createTriage({ knowledge: { kev }, settings: FLEET_SETTINGS, facts: known, policiesOf: () => [] }),
    compare: compareVersions,
    judgements: NO_JUDGEMENTS,
    approvals: [],
    resultOf: () => null,
    standings: (key) => ({ imported: key.startsWith('import:'), silentDays: false, managed: true }),
    outlook: { of: () => 'nothing is expected here' },
    now: TODO_AT,
    ...given,
  };
}

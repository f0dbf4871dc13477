// Which dates the signed policies name for a machine. Policies see what they may select by: the machine's own labels and signed
// ones, never the collector's. Pure.
import type { PatchPolicyDocument, PolicyDocument } from '@selvage/shared/policy/documents.ts';
import { type SelectableHost, selectorOf } from '@selvage/shared/policy/select.ts';
import { parseDuration } from '@selvage/shared/time/duration.ts';
import type { DecisionWord } from './decision.ts';
import type { DuePolicy } from './due.ts';

/**
 * One answer for each set of policies, so that it can be asked for every machine of a fleet. A policy that may select a machine counts
 * too: a date that might hold is better known than missed.
 */
export function duePoliciesOf(
  documents: readonly PolicyDocument[],
): (host: SelectableHost | null) => readonly DuePolicy[] {
  const selector = selectorOf(documents);
  const dated = documents.flatMap((document) => {
    const policy = document.kind === 'PatchPolicy' ? duePolicyOf(document) : null;

    return document.kind === 'PatchPolicy' && policy !== null ? [{ document, policy }] : [];
  });
  const answers = new Map<string, readonly DuePolicy[]>();

  return (host) => {
    const selecting =
      host === null ? [] : dated.filter(({ document }) => selector.selectionOf(document, host) !== 'not selected');
    const key = selecting.map(({ policy }) => policy.name).join(' ');
    const known = answers.get(key);
    if (known) return known;
    const made = selecting.map(({ policy }) => policy);
    answers.set(key, made);

    return made;
  };
}

function duePolicyOf({ name, due }: PatchPolicyDocument): DuePolicy | null {
  if (due === undefined) return null;
  const { kev: _always, ...durations } = due;
  const after = Object.fromEntries(
    Object.entries(durations).map(([decision, text]) => [decision, parseDuration(text)]),
  ) as Partial<Record<DecisionWord, number>>;

  return Object.keys(after).length === 0 ? null : { name, after };
}

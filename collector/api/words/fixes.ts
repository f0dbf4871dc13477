// The words by which fixes are selected, host by host: those of the fix, and every word for hosts.
import { PROVIDER_NAMES } from '@selvage/shared/model/package.ts';
import { type Field, mapped, type Texts, type Vocabulary } from '@selvage/shared/select/vocabulary.ts';
import { FIX_STATES, type Fix, type FixHost } from '../../fixes/fix.ts';
import { HOST_WORDS, type HostFacts } from '../host-fields.ts';

/** One fix on one host; null where it is not known which fixes the host needs. */
export interface FixFacts {
  readonly needed: { readonly fix: Fix; readonly on: FixHost } | null;
  readonly host: HostFacts;
}

const DECISIONS = ['open', 'approved', 'rejected'] as const;
const WHY = ['security', 'update'] as const;

export const FIX_FIELDS: Readonly<Record<string, Field<FixFacts>>> = {
  fix: { kind: 'text', about: 'SOURCE@VERSION of the fix', of: ofFix(({ id }) => [id]) },
  source: { kind: 'text', about: 'source package of the fix', of: ofFix(({ source }) => [source]) },
  package: {
    kind: 'text',
    about: 'a package of the fix',
    of: ofFix(({ packages }) => packages.map(({ name }) => name)),
  },
  provider: { kind: 'text', about: 'apt, dnf …', of: ofFix(({ provider }) => [provider]), values: PROVIDER_NAMES },
  why: {
    kind: 'text',
    about: WHY.join(', '),
    of: ofFix(({ security }) => [security ? 'security' : 'update']),
    values: WHY,
  },
  decision: { kind: 'text', about: DECISIONS.join(', '), of: ofFix(decisionOf), values: DECISIONS },
  policy: {
    kind: 'text',
    about: 'policy it was decided for',
    of: ofFix(({ approval }) => (approval ? [approval.policy] : [])),
  },
  standing: {
    kind: 'text',
    about: `where the host stands: ${FIX_STATES.join(', ')}`,
    of: ({ needed }) => needed && [needed.on.state],
    values: FIX_STATES,
  },
};

export const FIX_WORDS: Vocabulary<FixFacts> = {
  noun: 'fixes on hosts',
  fields: {
    ...FIX_FIELDS,
    ...Object.fromEntries(
      Object.entries(HOST_WORDS.fields).map(([name, field]) => [name, mapped(field, ({ host }: FixFacts) => host)]),
    ),
  },
  label: ({ host }, name) => HOST_WORDS.label?.(host, name) ?? null,
};

function ofFix(of: (fix: Fix) => readonly string[]): (facts: FixFacts) => Texts {
  return ({ needed }) => needed && of(needed.fix);
}

function decisionOf({ approval }: Fix): readonly string[] {
  return [approval === null ? 'open' : approval.decision === 'approve' ? 'approved' : 'rejected'];
}

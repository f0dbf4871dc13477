// The words by which findings are selected: those of the finding, and every word for hosts about its machine.
import { type Field, mapped, type Vocabulary } from '@selvage/shared/select/vocabulary.ts';
import { FINDING_STATES } from '../../findings/finding.ts';
import type { Open } from '../../findings/join.ts';
import type { CveFacts } from '../../triage/cve-facts.ts';
import { SEVERITIES } from '../../triage/cvss.ts';
import type { Verdict } from '../../triage/decide.ts';
import { DECISIONS, type Due } from '../../triage/decision.ts';
import { HOST_WORDS, type HostFacts } from '../host-fields.ts';

export interface FindingFacts {
  readonly open: Open;
  readonly verdict: Verdict;
  readonly due: Due | null;
  readonly facts: CveFacts;
  /** Looked up where a text asks for it; null: nothing is known of the machine. */
  readonly host: HostFacts | null;
}

/** Select texts know whole numbers. */
const PERCENT = 100;

export const FINDING_FIELDS: Readonly<Record<string, Field<FindingFacts>>> = {
  cve: { kind: 'text', about: 'CVE, or the id of a record without one', of: ({ open }) => [open.cve] },
  package: {
    kind: 'text',
    about: 'package, or its source',
    of: ({ open: { software } }) => [...new Set([software.name, software.source])],
  },
  ecosystem: { kind: 'text', about: 'Debian:12, PyPI …', of: ({ open }) => [open.software.ecosystem] },
  decision: { kind: 'text', about: DECISIONS.join(', '), of: ({ verdict }) => [verdict.decision], values: DECISIONS },
  standing: {
    kind: 'text',
    about: `where it stands: ${FINDING_STATES.join(', ')}`,
    of: ({ open }) => [open.state],
    values: FINDING_STATES,
  },
  severity: {
    kind: 'text',
    about: SEVERITIES.join(', '),
    of: ({ verdict }) => (verdict.severity === null ? null : [verdict.severity]),
    values: SEVERITIES,
  },
  cvss: { kind: 'number', about: 'score, 0 to 10', of: ({ verdict }) => verdict.score },
  epss: {
    kind: 'number',
    about: 'EPSS score in percent, 0 to 100',
    of: ({ facts }) => (facts.epss === null ? null : facts.epss.score * PERCENT),
  },
  kev: { kind: 'flag', about: 'known to be exploited', of: ({ facts }) => facts.kev !== null },
  found: { kind: 'age', about: 'time since it was first seen', of: ({ open }) => ({ at: open.firstSeen }) },
  due: { kind: 'left', about: 'time until it is due', of: ({ due }) => ({ at: due && `${due.date}T23:59:59Z` }) },
};

export const FINDING_WORDS: Vocabulary<FindingFacts> = {
  noun: 'findings',
  fields: {
    ...FINDING_FIELDS,
    ...Object.fromEntries(Object.entries(HOST_WORDS.fields).map(([name, field]) => [name, ofHost(field)])),
  },
  label: ({ host }, name) => (host === null ? null : (HOST_WORDS.label?.(host, name) ?? null)),
};

/** What is asked of a machine that nothing is known of is unknown. */
function ofHost(field: Field<HostFacts>): Field<FindingFacts> {
  const { of } = field as { readonly of: (facts: HostFacts) => unknown };
  const known = mapped(field, ({ host }: FindingFacts) => host as HostFacts);

  return {
    ...known,
    of: (facts: FindingFacts) => (facts.host === null ? null : of(facts.host)),
  } as Field<FindingFacts>;
}

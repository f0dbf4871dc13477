// Whether well-formed documents make sense: each on its own (a window that can be evaluated, rings that end, an approval
// that can be acted on) and together (every window, policy and lane that one of them names is there). Pure.
import { CodedError, hasCode } from '../errors/coded-error.ts';
import { assertWindow } from '../schedule/window.ts';
import { parseDuration } from '../time/duration.ts';
import {
  type AdvisoryDocument,
  type ApprovalDocument,
  MAX_ACCEPTANCE_DAYS,
  type PatchPolicyDocument,
  type PolicyDocument,
  type RiskAcceptanceDocument,
  type WindowDocument,
} from './documents.ts';
import { parseDocumentSelect } from './select-words.ts';

export interface DocumentProblem {
  /** The select text and the column (from 1) in it. */
  readonly select?: { readonly text: string; readonly column: number };
  /** Where: `PatchPolicy linux-servers: lanes.immediate.window`, or `document 3: kind`. */
  readonly path: string;
  readonly message: string;
}

/** The name a lane may give instead of a window: no window is asked. */
const ANY_WINDOW = 'any';

/** A host hands itself back no sooner: 1 day. */
const SHORTEST_FALLBACK_MS = 24 * 3_600_000;

/** Every problem, with its path inside the document. */
export function meaningProblems(document: PolicyDocument): readonly DocumentProblem[] {
  switch (document.kind) {
    case 'Window':
      return windowProblems(document);
    case 'PatchPolicy':
      return policyProblems(document);
    case 'HostGroup':
      return document.select === undefined ? listProblems(document.hosts ?? []) : selectProblems(document.select);
    case 'Approval':
      return approvalProblems(document);
    case 'RiskAcceptance':
      return acceptanceProblems(document);
    case 'Advisory':
      return advisoryProblems(document);
  }
}

function windowProblems(window: WindowDocument): readonly DocumentProblem[] {
  const problems: DocumentProblem[] = [];
  if (window.name === ANY_WINDOW)
    problems.push({ path: 'name', message: `"${ANY_WINDOW}" stands for no window at all` });

  try {
    assertWindow(window);
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
    problems.push({ path: 'window', message: error.message });
  }

  return problems;
}

function listProblems(hosts: readonly string[]): readonly DocumentProblem[] {
  const twice = hosts.find((host, index) => hosts.indexOf(host) !== index);

  return twice === undefined ? [] : [{ path: 'hosts', message: `${twice} is given twice` }];
}

function selectProblems(select: PatchPolicyDocument['select']): readonly DocumentProblem[] {
  if (typeof select !== 'string') return [];

  try {
    parseDocumentSelect(select);

    return [];
  } catch (error) {
    if (!hasCode(error, 'SELECT_INVALID')) throw error;
    const { column } = error.details;

    return [{ path: 'select', message: error.message, select: { text: select, column: Number(column) } }];
  }
}

function policyProblems(policy: PatchPolicyDocument): readonly DocumentProblem[] {
  const lanes = Object.entries(policy.lanes);
  const problems = [...selectProblems(policy.select), ...fallbackProblems(policy), ...dueProblems(policy)];
  if (lanes.length === 0) return [...problems, { path: 'lanes', message: 'at least one lane is needed' }];

  return [...problems, ...lanes.flatMap(([name, lane]) => ringProblems(name, lane))];
}

function fallbackProblems({ fallback }: PatchPolicyDocument): readonly DocumentProblem[] {
  if (fallback === undefined || parseDuration(fallback.after) >= SHORTEST_FALLBACK_MS) return [];
  const message = `${fallback.after} is shorter than a day: a collector that is restarted is not gone`;

  return [{ path: 'fallback.after', message }];
}

/** From the most to the least urgent decision. */
const DUE_ORDER = ['immediate', 'out-of-cycle', 'scheduled'] as const;

/** A date that is nearer for the less urgent is a slip of the pen. */
function dueProblems({ due }: PatchPolicyDocument): readonly DocumentProblem[] {
  const given = DUE_ORDER.flatMap((decision) => {
    const text = due?.[decision];

    return text === undefined ? [] : [{ decision, text, ms: parseDuration(text) }];
  });

  return given.flatMap(({ decision, text, ms }, index) => {
    const before = given[index - 1];
    if (ms <= 0) return [{ path: `due.${decision}`, message: `${text} is no time to close anything in` }];

    return before && ms < before.ms
      ? [{ path: `due.${decision}`, message: `${text} is sooner than ${before.text} for ${before.decision}` }]
      : [];
  });
}

function ringProblems(name: string, lane: PatchPolicyDocument['lanes']['urgent']): readonly DocumentProblem[] {
  const rests = (lane?.rings ?? []).flatMap((ring, index) => ('rest' in ring ? [index] : []));
  const path = `lanes.${name}.rings`;
  if (rests.length === 0) return [{ path, message: 'the last ring must be { rest: true }, else hosts are left out' }];

  return rests.length > 1 || rests[0] !== (lane?.rings.length ?? 0) - 1
    ? [{ path, message: 'only the last ring may be { rest: true }' }]
    : [];
}

function approvalProblems(approval: ApprovalDocument): readonly DocumentProblem[] {
  const problems: DocumentProblem[] = [];
  if (Temporal.Instant.compare(approval.expires, approval.approvedAt) <= 0) {
    problems.push({ path: 'expires', message: `${approval.expires} is not after ${approval.approvedAt}` });
  }
  if (approval.decision === 'approve' && approval.packages.length === 0) {
    problems.push({ path: 'packages', message: 'an approval without packages approves nothing' });
  }
  const names = approval.packages.map(({ name, arch }) => `${name}:${arch}`);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) problems.push({ path: 'packages', message: `${twice} is given twice` });

  return problems;
}

function acceptanceProblems(acceptance: RiskAcceptanceDocument): readonly DocumentProblem[] {
  const { select, requester, approver, cves = [], from, review, until } = acceptance;
  const problems: DocumentProblem[] = [...selectProblems(select), ...twiceIn('cves', cves)];
  if (personOf(requester) === personOf(approver)) {
    problems.push({ path: 'approver', message: `${approver} asks for it: another person has to approve` });
  }
  const [start, look, end] = [from, review, until].map((date) => Temporal.PlainDate.from(date));
  if (!start || !look || !end) return problems;
  if (Temporal.PlainDate.compare(end, start) < 0) {
    problems.push({ path: 'until', message: `${until} is before ${from}` });
  } else if (start.until(end, { largestUnit: 'day' }).days + 1 > MAX_ACCEPTANCE_DAYS) {
    problems.push({ path: 'until', message: `${until} is more than ${MAX_ACCEPTANCE_DAYS} days after ${from}` });
  }
  if (Temporal.PlainDate.compare(look, start) < 0 || Temporal.PlainDate.compare(look, end) > 0) {
    problems.push({ path: 'review', message: `${review} is not between ${from} and ${until}` });
  }

  return problems;
}

/** Two spellings of one person are one person. */
function personOf(name: string): string {
  return name.normalize('NFKC').toLowerCase().replaceAll(/\s+/g, ' ').trim();
}

function advisoryProblems({ affected, cves = [] }: AdvisoryDocument): readonly DocumentProblem[] {
  return [
    ...twiceIn('cves', cves),
    ...twiceIn(
      'affected',
      affected.map((each) => `${each.package} of ${each.ecosystem}`),
    ),
  ];
}

function twiceIn(path: string, values: readonly string[]): readonly DocumentProblem[] {
  const seen = new Set<string>();
  const twice = values.find((value) => seen.size === seen.add(value).size);

  return twice === undefined ? [] : [{ path, message: `${twice} is given twice` }];
}

/**
 * Every reference that leads nowhere. Approvals that have ended are not looked at: their policy may be long gone.
 */
export function brokenReferences(
  documents: readonly PolicyDocument[],
  now: Temporal.Instant,
): readonly DocumentProblem[] {
  const windows = new Set(documents.flatMap((document) => (document.kind === 'Window' ? [document.name] : [])));
  const policies = new Map(
    documents.flatMap((document) => (document.kind === 'PatchPolicy' ? [[document.name, document] as const] : [])),
  );

  return documents.flatMap((document): readonly DocumentProblem[] => {
    if (document.kind === 'PatchPolicy') {
      return Object.entries(document.lanes).flatMap(([name, lane]) =>
        lane === undefined || lane.window === ANY_WINDOW || windows.has(lane.window)
          ? []
          : [
              {
                path: `PatchPolicy ${document.name}: lanes.${name}.window`,
                message: `there is no Window named ${lane.window}`,
              },
            ],
      );
    }
    if (document.kind !== 'Approval' || Temporal.Instant.compare(document.expires, now) <= 0) return [];
    const policy = policies.get(document.policy);
    const label = `Approval ${document.name}`;
    if (!policy) {
      return [{ path: `${label}: policy`, message: `there is no PatchPolicy named ${document.policy}` }];
    }

    return policy.lanes[document.lane] === undefined
      ? [{ path: `${label}: lane`, message: `the PatchPolicy ${policy.name} has no lane ${document.lane}` }]
      : [];
  });
}

/** Throws DOCUMENT_REFERENCE with every reference that leads nowhere. */
export function assertReferences(documents: readonly PolicyDocument[], now: Temporal.Instant): void {
  const problems = brokenReferences(documents, now);
  if (problems.length === 0) return;
  const text = problems.map((problem) => `${problem.path}: ${problem.message}`).join('; ');

  throw new CodedError('DOCUMENT_REFERENCE', text, { details: { problems } });
}

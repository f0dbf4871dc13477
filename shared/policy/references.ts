// Whether documents fit together: every window, policy and lane that one of them names is there. Pure.
import { CodedError } from '../errors/coded-error.ts';
import type { PolicyDocument } from './documents.ts';
import { ANY_WINDOW, type DocumentProblem } from './meaning.ts';

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

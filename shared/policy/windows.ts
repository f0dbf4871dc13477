// Which policies select a host and when its next maintenance window opens. One answer for the host that says it and the
// collector that shows it. Pure. It decides nothing: what may be installed is for the runner's verdict.
import { nextOpenings } from '../schedule/window.ts';
import type { PatchPolicyDocument, PolicyDocument, WindowDocument } from './documents.ts';
import { type SelectableHost, selectorOf } from './select.ts';

export interface NextWindow {
  readonly window: string;
  readonly opens: Temporal.Instant;
  /** First instant at which it is closed again. */
  readonly closes: Temporal.Instant;
}

export interface WindowsOfHost {
  /** Names of the policies that select the host, sorted. */
  readonly policies: readonly string[];
  /** Policies that may select it: what is not known of the host decides. */
  readonly unknown: readonly string[];
  /** The window of those policies that opens first, or is open; null when there is none. */
  readonly next: NextWindow | null;
}

/** Throws DOCUMENT_INVALID for a window that cannot be evaluated, SETTINGS_INVALID for an unknown zone. */
export function windowsOf(
  documents: readonly PolicyDocument[],
  host: SelectableHost,
  at: { readonly now: Temporal.Instant; readonly zone: string },
): WindowsOfHost {
  const policies = documents.filter((document): document is PatchPolicyDocument => document.kind === 'PatchPolicy');
  const { selectionOf } = selectorOf(documents);
  const selecting = policies.filter((policy) => selectionOf(policy, host) === 'selected');
  const named = new Set(selecting.flatMap(({ lanes }) => Object.values(lanes).map(({ window }) => window)));
  const openings = documents
    .filter((document): document is WindowDocument => document.kind === 'Window' && named.has(document.name))
    .flatMap((window) =>
      nextOpenings(window, at.now, 1, at.zone).map(({ opened, closes }) => ({
        window: window.name,
        opens: opened,
        closes,
      })),
    );

  return {
    policies: namesOf(selecting),
    unknown: namesOf(policies.filter((policy) => selectionOf(policy, host) === 'unknown')),
    next: openings.toSorted((one, other) => Temporal.Instant.compare(one.opens, other.opens))[0] ?? null,
  };
}

function namesOf(policies: readonly PatchPolicyDocument[]): readonly string[] {
  return policies.map(({ name }) => name).sort();
}

// When an approved fix is expected to reach its machines, seen from the collector: policy, delay, rings and windows. Pure. The host
// decides by itself, later or not at all; this is what the signed documents allow at the latest start.
import type {
  ApprovalDocument,
  PatchPolicyDocument,
  PolicyDocument,
  WindowDocument,
} from '@selvage/shared/policy/documents.ts';
import { type SelectableHost, type Selector, selectorOf } from '@selvage/shared/policy/select.ts';
import { nextOpenings } from '@selvage/shared/schedule/window.ts';
import { parseDuration } from '@selvage/shared/time/duration.ts';
import type { MachineKey } from '../store/software-ports.ts';

export interface OutlookHost extends SelectableHost {
  /** IANA zone; null: not known, and then nothing is expected of a window in host time. */
  readonly zone: string | null;
}

export interface Slot {
  readonly window: string;
  readonly opens: Temporal.Instant;
  readonly closes: Temporal.Instant | null;
}

export interface Outlook {
  /** The first window in which that machine may start, or why none can be named. */
  of(approval: ApprovalDocument, machine: MachineKey): Slot | string;
}

const ANY_WINDOW = 'any';

export function createOutlook(
  documents: readonly PolicyDocument[],
  hostOf: (machine: MachineKey) => OutlookHost | null,
  now: Temporal.Instant,
): Outlook {
  const selector = selectorOf(documents);
  const policies = byName(documents, 'PatchPolicy');
  const windows = byName(documents, 'Window');
  const slots = new Map<string, Slot | string>();

  return {
    of: (approval, machine) => {
      const policy = policies.get(approval.policy);
      const lane = policy?.lanes[approval.lane];
      if (policy === undefined || lane === undefined)
        return `there is no lane ${approval.lane} in a policy ${approval.policy}`;
      const host = hostOf(machine);
      if (host === null) return 'the host is not known';
      const selected = selection(selector, policy, host);
      if (selected !== null) return selected;
      const key = JSON.stringify([approval.name, host.zone]);
      const known = slots.get(key) ?? slotOf(approval, lane, windows.get(lane.window) ?? null, host.zone, now);
      slots.set(key, known);

      return known;
    },
  };
}

function selection({ selectionOf }: Selector, policy: PatchPolicyDocument, host: SelectableHost): string | null {
  const answer = selectionOf(policy, host);
  if (answer === 'selected') return null;

  return answer === 'unknown'
    ? `it is not known whether ${policy.name} selects it`
    : `${policy.name} does not select it`;
}

function slotOf(
  approval: ApprovalDocument,
  lane: NonNullable<PatchPolicyDocument['lanes'][ApprovalDocument['lane']]>,
  window: WindowDocument | null,
  zone: string | null,
  now: Temporal.Instant,
): Slot | string {
  // The last ring waits for the soaks of all before it; the delay counts from when a host first saw the version, at the latest now.
  const soaks = lane.rings.reduce((sum, ring) => sum + ('soak' in ring ? parseDuration(ring.soak) : 0), 0);
  const ends = Temporal.Instant.from(approval.expires);
  const waits = Temporal.Instant.from(approval.approvedAt).epochMilliseconds + parseDuration(lane.delay) + soaks;
  // A delay may be longer than there are instants; what comes after the end of the approval comes too late in any case.
  const allowed = waits < ends.epochMilliseconds ? Temporal.Instant.fromEpochMilliseconds(waits) : ends;
  const from = Temporal.Instant.compare(allowed, now) > 0 ? allowed : now;
  const late = 'its approval expires before a window opens';
  if (lane.window === ANY_WINDOW) {
    return Temporal.Instant.compare(from, ends) < 0 ? { window: ANY_WINDOW, opens: from, closes: null } : late;
  }
  if (window === null) return `there is no window ${lane.window}`;
  if (zone === null && window.timezone === 'host') return 'the time zone of the host is not known';
  const [opening] = nextOpenings(window, from, 1, zone ?? 'UTC');
  if (!opening) return `window ${window.name} does not open again`;
  const opens = Temporal.Instant.compare(opening.opened, from) < 0 ? from : opening.opened;

  return Temporal.Instant.compare(opens, ends) < 0 ? { window: window.name, opens, closes: opening.closes } : late;
}

function byName<K extends PolicyDocument['kind']>(
  documents: readonly PolicyDocument[],
  kind: K,
): ReadonlyMap<string, Extract<PolicyDocument, { kind: K }>> {
  return new Map(
    documents.flatMap((document) =>
      document.kind === kind ? [[document.name, document as Extract<PolicyDocument, { kind: K }>] as const] : [],
    ),
  );
}

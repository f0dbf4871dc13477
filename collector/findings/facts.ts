// What findings need of a machine beside its software: what its package manager offers, what listens, what still runs replaced code.
// Kept as JSON beside its list. Types only.
import type { Timestamp } from '@selvage/shared/model/ids.ts';
import type { Labels } from '@selvage/shared/model/labels.ts';
import type { Machine } from './fleet.ts';

export interface MachineFacts
  extends Pick<
    Machine,
    'os' | 'takenAt' | 'offers' | 'bootedAt' | 'listening' | 'stillRunning' | 'unseenProcesses' | 'kernel' | 'unknown'
  > {
  /** Of its own settings; null where they are not known. */
  readonly ownLabels: Labels | null;
}

/** What its record says. */
export type MachineRecord = Pick<Machine, 'key' | 'id' | 'name' | 'firstReportedAt' | 'labels'>;

export const NO_FACTS: MachineFacts = {
  ...{ os: null, takenAt: '1970-01-01T00:00:00Z' as Timestamp, offers: null, bootedAt: null, listening: null },
  ...{ stillRunning: null, unseenProcesses: 0, kernel: null, unknown: null, ownLabels: null },
};

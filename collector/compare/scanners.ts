// What other scanners said of one CVE on one machine, the last time their reports were compared: for whoever explains a finding.
import type { Timestamp } from '@selvage/shared/model/ids.ts';
import type { MachineKey } from '../store/software-ports.ts';
import type { ScannerReader, ScannerRow } from '../store/vex-ports.ts';

export interface ScannerSays {
  readonly scanner: string;
  /** When it scanned; null where its report does not say. */
  readonly scannedAt: Timestamp | null;
  readonly comparedAt: Timestamp;
  /** `reported`: it has the CVE on this machine; `silent`: its report is about this machine and has not. */
  readonly says: 'reported' | 'silent';
  /** The group it came into, and our answer then; null where it is silent. */
  readonly group: ScannerRow['group'] | null;
  readonly answer: string | null;
}

/** None for a machine that no report was about. */
export async function scanners(
  reader: ScannerReader,
  machine: MachineKey,
  cve: string,
): Promise<readonly ScannerSays[]> {
  const reports = await reader.ofMachine(machine);

  return reports.map(({ scanner, scannedAt, comparedAt, rows }) => {
    const row = rows.find((each) => each.cve === cve);

    return {
      ...{ scanner, scannedAt, comparedAt, says: row === undefined ? 'silent' : 'reported' },
      ...{ group: row?.group ?? null, answer: row?.answer ?? null },
    };
  });
}

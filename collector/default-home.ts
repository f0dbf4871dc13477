// Where a collector lives when SELVAGE_HOME does not say. Pure.
import { join } from 'node:path';

export interface Whereabouts {
  /** The folder of the program's file. */
  readonly folder: string;
  /** It runs from a checkout, and not from a package. */
  readonly fromSource: boolean;
  readonly isRoot: boolean;
  /** Null for a user whom the machine does not know by name. */
  readonly userName: string | null;
  /** Of whoever runs it. */
  readonly personal: string;
}

/** Of the package: packaging/collector. */
export const SYSTEM_HOME = '/var/lib/selvage';
const SYSTEM_USER = 'selvage';

/**
 * In a checkout its own; from a package the machine's for root and the service's user, and a folder of one's own for everybody
 * else, who is an admin at a machine of theirs.
 */
export function defaultHome({ folder, fromSource, isRoot, userName, personal }: Whereabouts): string {
  if (fromSource) return join(folder, '../.selvage');

  return isRoot || userName === SYSTEM_USER ? SYSTEM_HOME : join(personal, '.selvage');
}

// Whether an installed version meets what somebody wrote. Pure. People write versions as upstream does, packages add epoch, revision and
// more: what the condition leaves out is not compared.
import { comparerFor, schemeFor } from '@selvage/shared/versions/list.ts';
import type { Condition } from './has-text.ts';

/** Schemes with an epoch before a colon and a revision behind the last dash. */
const PACKAGED: readonly string[] = ['deb', 'rpm', 'pacman', 'apk'];
/** Debian's way back: 5.6.1+really5.4.5-1 is 5.4.5. */
const REALLY = /^(\d+:)?[^-]*\+really(\d.*)$/;

/** Null: the two cannot be compared, so that it is not known. */
export function meets(ecosystem: string, version: string, conditions: readonly Condition[]): boolean | null {
  const compare = comparerFor(ecosystem);
  const isPackaged = PACKAGED.includes(schemeFor(ecosystem)?.name ?? '');
  let known = true;

  for (const { operator, version: wanted } of conditions) {
    const order = compare === null ? null : compare(isPackaged ? asWritten(version, wanted) : version, wanted);
    if (order === null) {
      // The same text is the same version, whoever orders them.
      if (version === wanted && (operator === '=' || operator === '>=' || operator === '<=')) continue;
      known = false;
    } else if (!holds(order, operator)) return false;
  }

  return known ? true : null;
}

function holds(order: number, operator: Condition['operator']): boolean {
  switch (operator) {
    case '=':
      return order === 0;
    case '!=':
      return order !== 0;
    case '<':
      return order < 0;
    case '<=':
      return order <= 0;
    case '>':
      return order > 0;
    case '>=':
      return order >= 0;
  }
}

/** The installed version with as much as the wanted one has. */
function asWritten(installed: string, wanted: string): string {
  let version = installed;
  if (!wanted.includes('+really')) version = version.replace(REALLY, '$1$2');
  if (!/^\d+:/.test(wanted)) version = version.replace(/^\d+:/, '');
  if (!wanted.includes('-')) version = version.replace(/-[^-]*$/, '');

  return version;
}

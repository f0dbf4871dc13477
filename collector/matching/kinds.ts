// Which records speak of a vulnerability at all: errata of bug fixes and new features travel in the same feeds.
import type { Rule } from './rule.ts';

/** Bug fixes (ALBA, RHBA, RLBA …) and enhancements (ALEA, RHEA, RLEA …) of the RHEL family. */
const ERRATA_WITHOUT_SECURITY = /^(?:AL|RH|RL|EL|CE)[BE]A-/;

/** A bug fix that names a CVE closes it; one that names none is no finding. */
export function isVulnerability(rule: Rule): boolean {
  return rule.cves.length > 0 || !ERRATA_WITHOUT_SECURITY.test(rule.record);
}

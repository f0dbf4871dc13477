// One entry of Debian's tracker (a package and a CVE, or a TEMP- id) as rules, one for each release. Pure.
import { compareDebVersions } from '@selvage/shared/versions/deb.ts';
import * as z from 'zod';
import type { DistroStatus, Rule } from '../../matching/rule.ts';
import { CVE_ID } from '../decode/words.ts';
import { DEBIAN_RELEASES, NO_RELEASE } from './releases.ts';

// "bookworm": { "fixed_version": "2.6.2", "repositories": { "bookworm-security": "2.6.2" }, "status": "resolved", "urgency": "low" }
// "bullseye": { "status": "open", "urgency": "not yet assigned", "nodsa": "Minor issue", "nodsa_reason": "ignored", "repositories": … }

const word = z.string().max(200);
const version = z.string().min(1).max(300);
const release = z.object({
  status: z.enum(['resolved', 'open', 'undetermined']),
  fixed_version: version.optional(),
  urgency: word.optional(),
  nodsa: z.string().optional(),
  nodsa_reason: word.nullable().optional(),
  repositories: z.record(word, version).optional(),
});
const entry = z.object({ releases: z.record(word, z.unknown()) });

/** As the tracker writes it: `CVE-2024-1`, `TEMP-0841856-B18BAF`. */
const ID = /^(CVE-\d{4}-\d{4,19}|TEMP-\d{7}-[0-9A-F]{6})$/;
const PACKAGE = /^[a-z0-9][a-z0-9+.-]{0,127}$/;
/** Releases in one entry; the tracker has six at a time. */
const MAX_RELEASES = 40;
const ALL = { introduced: null, fixed: null, lastAffected: null } as const;
/** The source's own word for "not looked at yet", which says nothing. */
const NO_URGENCY = 'not yet assigned';

export interface EntryReading {
  readonly rules: readonly Rule[];
  readonly problems: readonly string[];
}

export function rulesOf(name: string, id: string, value: unknown): EntryReading {
  if (!PACKAGE.test(name)) return { rules: [], problems: ['this is no name of a source package'] };
  if (!ID.test(id)) return { rules: [], problems: ['this is neither a CVE nor a TEMP id'] };
  const parsed = entry.safeParse(value);
  if (!parsed.success) return { rules: [], problems: ['the entry has no releases'] };
  const releases = Object.entries(parsed.data.releases);
  if (releases.length > MAX_RELEASES) return { rules: [], problems: [`more than ${MAX_RELEASES} releases`] };

  const rules: Rule[] = [];
  const problems: string[] = [];
  for (const [codename, one] of releases) {
    if (NO_RELEASE.includes(codename)) continue;
    const number = DEBIAN_RELEASES.get(codename);
    if (number === undefined) {
      problems.push(`no release is called ${JSON.stringify(codename.slice(0, 40))}`);
      continue;
    }
    const read = release.safeParse(one);
    if (!read.success) problems.push(`${codename}: ${read.error.issues[0]?.path.join('.')} is not what it must be`);
    else rules.push(ruleOf({ name, id, codename, number }, read.data));
  }

  return { rules, problems };
}

interface Place {
  readonly name: string;
  readonly id: string;
  readonly codename: string;
  readonly number: string;
}

function ruleOf({ name, id, codename, number }: Place, read: z.infer<typeof release>): Rule {
  const status = statusOf(read);
  const fixed = status === 'fixed' ? (read.fixed_version ?? null) : null;
  const urgency = read.urgency && read.urgency !== NO_URGENCY ? read.urgency : null;

  return {
    ...{ ecosystem: `Debian:${number}`, package: name, record: id, cves: CVE_ID.test(id) ? [id] : [], status },
    ranges: status === 'not-affected' ? [] : [{ ...ALL, fixed }],
    ...(fixed !== null &&
      isPointReleaseOnly(fixed, codename, number, read.repositories) && { pocket: 'point-release' }),
    ...(urgency !== null && { urgency }),
  };
}

/** Words of the tracker: security-team.debian.org/security_tracker.html, "Issues not warranting a security advisory". */
function statusOf({ status, fixed_version, urgency, nodsa, nodsa_reason }: z.infer<typeof release>): DistroStatus {
  // Version "0": no version of this package was ever affected.
  if (status === 'resolved' && fixed_version === '0') return 'not-affected';
  // Resolved without a version says nothing that could be compared.
  if (status === 'resolved') return fixed_version === undefined ? 'undetermined' : 'fixed';
  if (status === 'undetermined') return 'undetermined';
  if (urgency === 'end-of-life') return 'end-of-life';
  if (nodsa_reason === 'ignored') return 'ignored';
  if (nodsa_reason === 'postponed') return 'postponed';
  // Unimportant: a flaw without consequence in Debian's build; no advisory will come for it either.
  if (nodsa !== undefined || nodsa_reason != null || urgency === 'unimportant') return 'minor';

  return 'open';
}

/**
 * An update of a stable release (`+deb12u3`, `~deb12u3`) that the security suite does not carry came, or will come, with a point
 * release. Of other versions nobody can tell: they may have been in the release from its first day.
 */
function isPointReleaseOnly(
  fixed: string,
  codename: string,
  number: string,
  repositories: Readonly<Record<string, string>> | undefined,
): boolean {
  if (repositories === undefined || !new RegExp(`[+~]deb${number}u\\d`).test(fixed)) return false;
  const security = repositories[`${codename}-security`];

  return security === undefined || compareDebVersions(security, fixed) < 0;
}

// Why a fix matters, in a few words each, the strongest first. Pure. A CVE that nobody has scored gives no reason; it is not zero.
import type { CveFacts } from '../triage/cve-facts.ts';
import type { Circumstances } from '../triage/decision.ts';
import type { Verdict } from './ports.ts';
import type { Reason } from './todo.ts';

/** Below it a forecast says little: about nine of ten scores are lower. */
const EPSS_WORTH_SAYING = 0.01;
const PERCENT = 100;
/** As triage says it: `listens 0.0.0.0:443`, `used behind [::]:22 (openssh)`, `label zone=dmz`. */
const OPEN_BY = /(?:listens|behind) (\S+)|^label (\S+)/;

/** What is kept of all findings of a row while they are looked at one after the other. */
export interface Strongest {
  kev: CveFacts | null;
  kevCount: number;
  active: string | null;
  poc: string | null;
  epss: { readonly cve: string; readonly score: number } | null;
  score: { readonly cve: string; readonly severity: string; readonly score: number } | null;
  exposed: string | null;
  /** CVEs that were looked at. */
  readonly seen: Set<string>;
}

export function nothingYet(): Strongest {
  return { kev: null, kevCount: 0, active: null, poc: null, epss: null, score: null, exposed: null, seen: new Set() };
}

/** Each CVE once. */
export function notice(strongest: Strongest, facts: CveFacts, verdict: Verdict): void {
  if (strongest.seen.has(facts.cve)) return;
  strongest.seen.add(facts.cve);
  const { cve, kev, epss, ssvc } = facts;
  if (kev !== null) {
    strongest.kevCount += 1;
    if (strongest.kev?.kev == null || kev.dateAdded > strongest.kev.kev.dateAdded) strongest.kev = facts;
  } else if (ssvc?.exploitation === 'active') strongest.active ??= cve;
  else if (ssvc?.exploitation === 'poc') strongest.poc ??= cve;
  if (epss !== null && epss.score > (strongest.epss?.score ?? -1)) strongest.epss = { cve, score: epss.score };
  const { severity, score } = verdict;
  if (severity !== null && score !== null && score > (strongest.score?.score ?? -1))
    strongest.score = { cve, severity, score };
}

/** The socket or label that opens it. */
export function noticeExposure(strongest: Strongest, { exposure, exposureWhy }: Circumstances): void {
  if (exposure !== 'open') return;
  const [, socket, label] = OPEN_BY.exec(exposureWhy) ?? [];
  strongest.exposed ??= socket ?? label ?? exposureWhy;
}

export function reasonsOf(
  strongest: Strongest,
  row: {
    readonly closes: number;
    readonly offered: boolean;
    readonly security: boolean;
    readonly idle: boolean;
  },
): readonly Reason[] {
  const { kev, kevCount, active, poc, epss, score, exposed } = strongest;
  const reasons: Reason[] = [];
  const add = (kind: Reason['kind'], text: string, cve: string | null = null) => reasons.push({ kind, text, cve });
  if (row.idle && row.closes > 0) add('kernel-sources', 'no kernel of these sources runs');
  if (kev !== null) add('kev', `KEV ${kev.cve}${kevCount > 1 ? ` +${kevCount - 1}` : ''}`, kev.cve);
  if (active !== null) add('exploited', `exploited ${active}`, active);
  if (epss !== null && epss.score >= EPSS_WORTH_SAYING) add('epss', `EPSS ${percent(epss.score)}`, epss.cve);
  if (exposed !== null && row.closes > 0) add('exposed', exposed);
  if (poc !== null) add('poc', `exploit code ${poc}`, poc);
  if (score !== null) add('severity', `${score.severity} ${score.score.toFixed(1)}`, score.cve);
  if (row.offered && !row.security && row.closes > 0) add('point-release', 'point release only');
  if (row.offered && row.security && row.closes === 0) add('security-repository', 'security repository');

  return reasons;
}

function percent(score: number): string {
  const value = score * PERCENT;

  return `${value >= 1 ? Math.round(value) : value.toFixed(1)} %`;
}

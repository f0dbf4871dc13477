// An advisory of an rpm repository → rules, one for each package that it updates. Pure.
import type { Timestamp } from '@selvage/shared/model/ids.ts';
import type { UpdateNotice } from '@selvage/shared/packages/updateinfo.ts';
import type { Rule } from '../../matching/rule.ts';

const DEBUG = /-(debuginfo|debugsource)$/;
const SECURITY = 'security';

/** Ids of advisories whose distribution numbers nothing else: prefix → our name. */
const PREFIXES: readonly (readonly [RegExp, string])[] = [
  [/^RH[SBE]A-/, 'RedHat'],
  [/^AL[SBE]A-/, 'AlmaLinux'],
  [/^R[LX][SBE]A-/, 'Rocky'],
  [/^EL[SBE]A-/, 'Oracle'],
  [/^FEDORA-(?!EPEL)/, 'Fedora'],
  [/^ALAS/, 'Amazon'],
];
/** `8.el9_2.1`, `3.fc40`, `2.amzn2023.0.1`, `1.module+el8.9.0+19193`. */
const RELEASE = /(?:^|[.+_])(el|fc|amzn)(\d{1,4})(?![0-9])/;

/** The release that an advisory is for, from its id and what it updates; null where it cannot be told beyond doubt. */
export function ecosystemOf({ id, packages }: UpdateNotice): string | null {
  const name = PREFIXES.find(([prefix]) => prefix.test(id))?.[1];
  if (name === undefined) return null;
  const found = new Set(packages.flatMap(({ release }) => RELEASE.exec(release)?.[2] ?? []));
  const [only] = found;

  return found.size === 1 && only !== undefined ? `${name}:${only}` : null;
}

/** Bug fixes and enhancements are no findings: they have no rules. */
export function rulesOfNotice(notice: UpdateNotice, ecosystem: string): readonly Rule[] {
  if (notice.type !== SECURITY && notice.cves.length === 0) return [];
  const rules = new Map<string, Rule>();
  for (const { name, epoch, version, release, arch, module } of notice.packages) {
    // Sources are served beside, and nobody has installed what is for debuggers.
    if (arch === 'src' || arch === 'nosrc' || DEBUG.test(name)) continue;
    const fixed = `${epoch}:${version}-${release}`;
    rules.set(`${name} ${fixed} ${module}`, {
      ...{ ecosystem, package: name, record: notice.id, cves: notice.cves, status: 'fixed', names: 'binary' },
      ranges: [{ introduced: null, fixed, lastAffected: null }],
      ...(module !== null && { module }),
      ...(notice.severity !== null && { urgency: notice.severity }),
      ...(notice.issued !== null && { published: `${notice.issued}T00:00:00Z` as Timestamp }),
    });
  }

  return [...rules.values()];
}

// Which CVEs an OSV record is about. Pure.
import type { OsvAffected, OsvRecord } from './record.ts';

/** As it is, or as a distribution names its own record of it: UBUNTU-CVE-…, DEBIAN-CVE-…, ALPINE-CVE-…. */
const CVE = /^(?:[A-Z]+-)?(CVE-\d{4}-\d{4,19})$/;
/** Announcements of distributions name their CVEs as `related`; elsewhere that word means something else that is alike. */
const ANNOUNCEMENT = /^(DSA|DLA|DTSA|ALSA|ALBA|ALEA|RLSA|RXSA|RLBA|RLEA|RH[SBE]A|USN|LSN)-/;

/** True for a record that is about one CVE by its own id. */
export function isOneCve(id: string): boolean {
  return CVE.test(id);
}

/** In order, each once. Of `affected`: what the record says of this package alone, where it does. */
export function cvesOf(record: OsvRecord, affected?: OsvAffected): readonly string[] {
  const own = affected?.database_specific?.cves_map?.cves?.map(({ id }) => id) ?? [];
  if (own.length > 0) return named(own);
  const itself = CVE.exec(record.id)?.[1];
  if (itself !== undefined) return [itself];
  const said = named([...(record.aliases ?? []), ...(record.upstream ?? [])]);
  if (!ANNOUNCEMENT.test(record.id)) return said;

  return named([...said, ...(record.related ?? [])]);
}

function named(ids: readonly string[]): readonly string[] {
  const [only] = ids;
  if (only === undefined) return ids;
  if (ids.length === 1) {
    const cve = CVE.exec(only)?.[1];

    return cve === undefined ? [] : [cve];
  }

  return [...new Set(ids.flatMap((id) => CVE.exec(id)?.[1] ?? []))];
}

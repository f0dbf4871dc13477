// Whether a record came with a fix, so that its date is the fix's, or describes a flaw, whose date says nothing of fixes. Pure.

/** Of trackers and of the databases that languages share; `UBUNTU-CVE-…`, `DEBIAN-CVE-…` are about the CVE too. */
const FLAWS = /^(CVE-|TEMP-|GHSA-|DERIVED-|PYSEC-|GO-|RUSTSEC-|MAL-|[A-Z]+-CVE-)/;

/** True for announcements of vendors: `DSA-5417-1`, `USN-6039-1`, `RHSA-2024:1234`. */
export function announcesFix(record: string): boolean {
  return !FLAWS.test(record);
}

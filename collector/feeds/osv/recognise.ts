// What the beginning of a file of OSV records is about. Pure; it reads as little as it can, a whole record may be megabytes.
import { normaliseEcosystem } from '../../matching/ecosystem.ts';

const ECOSYSTEM = /"ecosystem"\s*:\s*"([^"\\]{1,100})"/g;
const LIKE_OSV = [/"id"\s*:/, /"affected"\s*:/, /"modified"\s*:|"schema_version"\s*:/];

/** Our name (before the colon) of the ecosystem that most of it is about; null where it is no OSV or nothing is named. */
export function mainEcosystem(start: string): string | null {
  if (!LIKE_OSV.every((mark) => mark.test(start))) return null;
  const counts = new Map<string, number>();
  for (const [, text = ''] of start.matchAll(ECOSYSTEM)) {
    const ours = normaliseEcosystem(text)?.ecosystem.split(':', 1)[0];
    if (ours !== undefined) counts.set(ours, (counts.get(ours) ?? 0) + 1);
  }
  const [first] = [...counts].sort(([, a], [, b]) => b - a);

  return first?.[0] ?? null;
}

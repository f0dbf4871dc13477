// Looks up the end of support of an operating system. Pure; a release that is not in the data has no answer, not "none".
import type { Section } from '../model/inventory.ts';
import { EOL_FACTS, EOL_SOURCE } from './eol-facts.ts';

type EndOfLife = Section<'os'>['endOfLife'];

/** These number their updates behind the release that support is counted for: RHEL 9.4 → 9. */
const MAJOR_ONLY = ['rhel', 'almalinux', 'rocky'];

/** `id` and `version` as os-release(5) has them. */
export function endOfLife(id: string, version: string): EndOfLife {
  const wanted = `${id} ${cycle(id, version)} `;
  const row = EOL_FACTS.split('\n').find((line) => `${line} `.startsWith(wanted));
  if (row === undefined) return null;
  const [, , regular, extended] = row.split(' ');

  return { regular: regular ?? null, extended: extended ?? null, source: EOL_SOURCE };
}

function cycle(id: string, version: string): string {
  const parts = version.split('.');
  if (MAJOR_ONLY.includes(id)) return parts[0] ?? '';
  // Alpine 3.20.1 → 3.20; SLES writes its first release without ".0".
  if (id === 'alpine') return parts.slice(0, 2).join('.');

  return id === 'sles' && parts.length === 1 ? `${version}.0` : version;
}

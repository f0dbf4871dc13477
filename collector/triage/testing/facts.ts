// Facts and machines to decide about, with nothing known unless a test says so.
import type { Machine } from '../../findings/fleet.ts';
import type { CveFacts } from '../cve-facts.ts';
import { mergeFacts } from '../facts.ts';

export function someFacts(facts: Partial<CveFacts> = {}): CveFacts {
  return { ...mergeFacts('CVE-2026-0001', []), ...facts };
}

export function listening(source: string, address: string, port = 443): NonNullable<Machine['listening']>[number] {
  return { ...{ source, address, port }, protocol: 'tcp', pid: 812, program: `/usr/sbin/${source}` };
}

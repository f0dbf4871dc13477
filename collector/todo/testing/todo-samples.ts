// What the tests of the todo list hand in again and again: two versions of one source, what is known of a CVE, an offer, a word.
import type { Offer } from '../../findings/fleet.ts';

export const OLD = '3.0.11-1~deb12u2';
export const NEW = '3.0.19-1~deb12u1';
export const KEV = { kev: { dateAdded: '2026-01-02', dueDate: '2026-01-23', ransomware: null } };
export const CRITICAL = {
  cvss: [
    {
      version: '3.1' as const,
      vector: 'CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H',
      score: 9.8,
      severity: 'critical' as const,
      source: 'cna',
    },
  ],
};
export const EPSS = { epss: { score: 0.05, percentile: 0.9, asOf: '2026-03-01' } };

export const offer = (over: Partial<Offer> = {}): Offer => ({
  ...{ provider: 'apt', source: 'openssl', version: NEW, security: true, held: false },
  ...over,
});
export const word = (state: 'accepted' | 'not-affected') => ({ state, note: 'somebody said so', until: null });

// How labels of machines become points of the tree, what holds where nobody says, and the dates that a severity asks for: data.
// docs/triage.md tells it to people; a test compares the two.
import type { Severity } from './cvss.ts';
import type { Exposure, HumanImpact } from './decision.ts';

export interface FleetSettings {
  /** Name of a label → value → what it means. A value that is not there says nothing, and that is said. */
  readonly exposureLabels: Readonly<Record<string, Readonly<Record<string, Exposure>>>>;
  readonly impactLabels: Readonly<Record<string, Readonly<Record<string, HumanImpact>>>>;
  /** Where no label says. */
  readonly impact: HumanImpact;
  /**
   * Source packages of libraries that listening programs hand strangers' bytes to: they are as exposed as the machine, although
   * they listen to nothing themselves.
   */
  readonly behindListeners: readonly string[];
  /** Days from first seen; CISA BOD 19-02 for what is left out of a policy: critical 15, high 30. */
  readonly severityDays: Readonly<Partial<Record<Severity, number>>>;
}

export const FLEET_SETTINGS: FleetSettings = {
  exposureLabels: {
    exposure: { small: 'small', controlled: 'controlled', open: 'open' },
    zone: {
      internet: 'open',
      public: 'open',
      dmz: 'open',
      edge: 'open',
      internal: 'controlled',
      intranet: 'controlled',
      lan: 'controlled',
      office: 'controlled',
      private: 'controlled',
      vpn: 'controlled',
      isolated: 'small',
      'air-gapped': 'small',
      offline: 'small',
    },
  },
  impactLabels: {
    criticality: {
      low: 'low',
      test: 'low',
      medium: 'medium',
      internal: 'medium',
      high: 'high',
      'very-high': 'very high',
      critical: 'very high',
      safety: 'very high',
    },
  },
  impact: 'medium',
  behindListeners: [
    'brotli',
    'cyrus-sasl2',
    'expat',
    'glibc',
    'gnutls',
    'gnutls28',
    'krb5',
    'libxml2',
    'linux-pam',
    'nghttp2',
    'openldap',
    'openssl',
    'pam',
    'pcre2',
    'zlib',
  ],
  severityDays: { critical: 15, high: 30 },
};

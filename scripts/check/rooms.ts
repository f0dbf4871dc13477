// The dependency rule as data: which files are pure, which packages have one door, which rooms may not meet.
// Read by the dependency-cruiser configuration and by the purity check; changes here change the rule itself.

/** Pure files: same answer for the same arguments. No clock, luck, environment, timers, files or network. */
export const PURE: readonly string[] = [
  '^shared/(errors|model)/',
  '^shared/time/(duration|backoff)[.]ts$',
  '^shared/text/(printable|harmless)[.]ts$',
  '^shared/files/canonical[.]ts$',
  '^shared/schedule/',
  '^shared/versions/',
  '^shared/select/',
  '^shared/(packages|linux)/',
  '^shared/policy/(documents|acceptance|decode|references|select|select-words|schema|understanding|windows)[.]ts$',
  '^agent/connector/link-states[.]ts$',
  '^agent/preflight/(facts|checks|answer|causes)[.]ts$',
  '^agent/runner/(machine|planner|earliest|selection|verdict|clock-problem|waited)[.]ts$',
  '^agent/updaters/(cron-line|install-command|show-output|takeover/plan)[.]ts$',
  '^shared/text/apt-conf[.]ts$',
  '^collector/(fixes/|host-state[.]ts$)',
  '^collector/coverage/',
  '^collector/todo/',
  '^collector/reports/',
  '^collector/matching/',
  '^collector/triage/(?!load[.]ts)',
  '^collector/imports/(as-of|facts|sections|packages|kernels|processes|repositories)[.]ts$',
  '^collector/assets/(format|formats|json|leases|encoding|reading)[.]ts$',
  '^collector/assets/formats/',
  '^collector/audit/chain[.]ts$',
  '^collector/scan/(subject|invalid|software|os|apk|rpm-list|dpkg|purl|components|cyclonedx|spdx|json|detect|as-of|without-epochs|report)[.]ts$',
  '^collector/cli/policy-import/',
  '^collector/feeds/(csaf|redhat|debian-tracker|cve-records|endoflife|updateinfo)/',
  '^collector/calendar/(cadence|icalendar|delays|vendors)[.]ts$',
  '^collector/feeds/decode/(words|cvss|newest)[.]ts$',
  '^collector/feeds/osv/(cves|ranges|recognise|record|rule)[.]ts$',
  '^collector/feeds/import/(cve-set|merge-facts|record-bounds|pace)[.]ts$',
  '^collector/feed-rows/',
  '^collector/vex/(purl|suppress|advisories|reading|shapes|openvex|csaf|words|export)[.]ts$',
  '^collector/compare/(format|formats|table|reading|joining|spreadsheet|words)[.]ts$',
  '^collector/compare/formats/',
  '^collector/findings/(marks|packing|postings|software-of|kernels|facts-of|episodes|labels|has-text|version-conditions|hunt|join)[.]ts$',
];

/** Pure files may use these packages: data in, data out. */
export const PURE_PACKAGES: readonly string[] = [
  'zod',
  'csv-parse',
  'rrule-temporal',
  'ae-cvss-calculator',
  'packageurl-js',
  'saxes',
];

/** Package → the only places that may import it. */
export const DOORS: Readonly<Record<string, readonly string[]>> = {
  execa: ['^shared/exec/'],
  pino: ['^shared/log/'],
  protobufjs: ['^shared/wire/'],
  'node-forge': ['^shared/pki/'],
  'tuf-js': ['^shared/policy/'],
  '@tufjs/models': ['^shared/policy/'],
  'rrule-temporal': ['^shared/schedule/'],
  'better-sqlite3': ['^collector/store/', '^scripts/bench/'],
  kysely: ['^collector/store/'],
  // Benchmarks hold ours against the bare library.
  ws: ['^agent/connector/', '^collector/gateway/', '^scripts/bench/'],
  systeminformation: ['^agent/inventory/'],
  fastify: ['^collector/api/'],
  '@fastify/swagger': ['^collector/api/'],
  yaml: ['^collector/cli/', '^collector/feeds/'],
  'csv-parse': ['^collector/(assets|compare|feeds)/'],
  'modern-tar': ['^collector/imports/', '^collector/feeds/', '^collector/cli/', '^scripts/package/'],
  yauzl: ['^collector/feeds/'],
  'ae-cvss-calculator': ['^collector/triage/'],
  '@streamparser/json': ['^collector/feeds/'],
  saxes: ['^shared/packages/'],
  'postal-mime': ['^collector/feeds/'],
  'packageurl-js': ['^collector/(scan|matching|feeds|vex)/'],
  commander: ['^collector/cli/', '^agent/commands/'],
  'fast-check': ['^shared/testing/'],
};

/** Adapters of one side: none imports another's values; a main or a stage hands them over. */
export const ADAPTERS: Readonly<Record<string, readonly string[]>> = {
  agent: ['connector', 'providers', 'inventory'],
  collector: ['gateway', 'store', 'feeds', 'notify'],
};

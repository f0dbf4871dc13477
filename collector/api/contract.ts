// What crosses the HTTP API, as zod schemas: read by the server (JSON Schema, decoding) and by the CLI (decoding).
// Shapes only. `null` for a count means "unknown"; it is never written as 0.
import { CODES, type Code } from '@selvage/shared/errors/codes.ts';
import { MODES } from '@selvage/shared/model/ids.ts';
import { SECTION_NAMES, type SectionName } from '@selvage/shared/model/inventory.ts';
import { PROVIDER_NAMES, packageVersion, pendingUpdate } from '@selvage/shared/model/package.ts';
import { OUTCOMES, runResult } from '@selvage/shared/model/result.ts';
import { ADMIN_NAME } from '@selvage/shared/pki/certificate.ts';
import { MAX_REQUEST_CHARACTERS } from '@selvage/shared/pki/csr.ts';
import { approvalDocument } from '@selvage/shared/policy/documents.ts';
import { MAX_DOCUMENTS, MAX_POLICY_FILE_BYTES, MAX_ROLES, MAX_ROOT_STEPS } from '@selvage/shared/policy/limits.ts';
import { z } from 'zod';
import { ALARM_KINDS, SEVERITIES } from '../alarms/alarms.ts';
import { FIX_STATES } from '../fixes/fix.ts';
import { HOST_STATES } from '../host-state.ts';
import { coverageSummary } from './contract/coverage.ts';
import { hunt } from './contract/hunt.ts';
import { selection } from './contract/select.ts';
import { takeover, updaters } from './contract/updaters.ts';

const NAME_LENGTH = 253;
const name = z.string().min(1).max(NAME_LENGTH);
const instant = z.iso.datetime({ offset: true });
const count = z.number().int().nonnegative();
const unknownable = count.nullable();
const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const code = z.enum(Object.keys(CODES) as [Code, ...Code[]]);
const duration = z.string().max(32);
const section = z.enum(SECTION_NAMES as [SectionName, ...SectionName[]]);

/** Host and admin names: what fits a certificate, a shell word and a table. */
export const hostName = name.toLowerCase().regex(/^[a-z0-9]([a-z0-9._-]*[a-z0-9])?$/, 'letters, digits and . _ - only');
export const adminName = z.string().regex(new RegExp(`^${ADMIN_NAME}$`), 'lower-case letters, digits and . _ - only');

export const errorDocument = z.strictObject({
  code,
  message: z.string(),
  next: z.string(),
  details: z.record(z.string(), z.unknown()).optional(),
});

// --- status ----------------------------------------------------------------------------------------------------------

const head = z.strictObject({ sequence: count, hash: sha256 });

const milliseconds = z.number().nonnegative();

/** Counts since the collector started; the event loop over the last half to one minute. */
const load = z.strictObject({
  eventLoop: z.strictObject({ p50Ms: milliseconds, p99Ms: milliseconds, maxMs: milliseconds }),
  connections: count,
  strangers: count,
  accepted: count,
  shedding: count,
  handshakes: count,
  handshakesFailed: count,
  framesIn: count,
  framesOut: count,
  bytesIn: count,
  commits: count,
  waiting: count,
  refused: z.record(z.string(), count),
  residentBytes: count,
});

export const status = z.strictObject({
  version: z.string(),
  now: instant,
  /** Where hosts enroll and connect, and the pin for it. */
  gateway: z.string(),
  gatewayPin: z.string(),
  /** Where admins log in, and the pin for it: another port, another authority. */
  api: z.string(),
  apiPin: z.string(),
  you: z.strictObject({ name, role: z.enum(['admin', 'reader']) }),
  /** `active` are those that count; pending, revoked and retired ones are in no other number. */
  hosts: z.strictObject({
    active: count,
    pending: count,
    revoked: count,
    retired: count,
    connected: count,
    unknown: count,
  }),
  /** Of all machines; null where a select text was given. */
  coverage: coverageSummary.nullable(),
  policy: z.strictObject({ documents: count, timestampVersion: count, expires: instant }),
  audit: head.nullable(),
  load,
  /** Of the hosts that are counted. */
  selection,
});

// --- alarms ----------------------------------------------------------------------------------------------------------

export const alarm = z.strictObject({
  severity: z.enum(SEVERITIES),
  kind: z.enum(ALARM_KINDS),
  /** Which one: a role, an admin, a host; empty where there is one of the kind. */
  subject: z.string(),
  /** Null where it is no matter of time. */
  ends: instant.nullable(),
  message: z.string(),
  stops: z.string(),
  next: z.string(),
});
export const alarms = z.strictObject({
  /** The worst first. */
  alarms: z.array(alarm),
  /** Versions of signed roles that hosts say they have accepted and that are not here: after a restore. */
  held: z.array(z.strictObject({ role: name, version: count, hosts: z.array(name) })),
  selection,
});

// --- hosts -----------------------------------------------------------------------------------------------------------

const problem = z.strictObject({ section, code, reason: z.string() });

/** One identity in two places; nobody may use it until an admin has readmitted one. */
const quarantine = z.strictObject({
  at: instant,
  reason: z.enum(['cloned', 'superseded']),
  machines: z.array(z.string()),
  addresses: z.array(z.string()),
});

export const hostSummary = z.strictObject({
  id: name,
  name,
  state: z.enum(HOST_STATES),
  mode: z.enum(MODES),
  connected: z.boolean(),
  enrolledAt: instant,
  lastSeen: instant.nullable(),
  agentVersion: z.string().nullable(),
  /** When the newest inventory was taken, null before the first one. */
  inventoryAt: instant.nullable(),
  os: z
    .strictObject({ id: z.string(), version: z.string(), prettyName: z.string(), idLike: z.array(z.string()) })
    .nullable(),
  /** Of the host's own settings, null before the first inventory: policies select by them. */
  labels: z.record(z.string(), z.array(z.string())).nullable(),
  /** Of signed HostGroups: policies select by them too. */
  signedLabels: z.record(z.string(), z.array(z.string())),
  /** What the collector says of it: for lists and reports, no policy selects by these. */
  collectorLabels: z.record(z.string(), z.array(z.string())),
  owner: z.string().nullable(),
  /** Id of the token it came by. */
  token: z.string().nullable(),
  /** When it was let in, null while it is pending. */
  acceptedAt: instant.nullable(),
  /** Names of other hosts that say they are the same machine: a copied disk, or one that was enrolled twice. */
  sameMachineAs: z.array(z.string()),
  upgradable: unknownable,
  held: unknownable,
  phased: unknownable,
  security: unknownable,
  rebootRequired: z.boolean().nullable(),
  quarantine: quarantine.nullable(),
  /** Whether its other updaters were taken over, in its own words. */
  takeover: takeover.default(null),
  /** Why counts are null, in sentences. */
  unknown: z.array(z.string()),
  /** Kinds of documents, and fields of them, that its agent cannot read: it refuses a policy with any of them. Where pages are asked for. */
  cannotRead: z.array(z.string()).exactOptional(),
});

const staleRepository = z.strictObject({ repository: z.string().nullable(), code, reason: z.string() });

/** What a host waits for. The window is worked out here, what waits is the host's own signed word. */
export const hostPlan = z.strictObject({
  policies: z.array(z.string()),
  /** Policies that may select it: what is not known of the host decides. */
  policiesUnknown: z.array(z.string()),
  nextWindow: z.strictObject({ window: z.string(), opens: instant, closes: instant }).nullable(),
  /** Why the window is not known. */
  windowProblem: z.string().nullable(),
  waiting: z.array(
    z.strictObject({
      approval: z.string(),
      fix: z.string(),
      outcome: z.enum(OUTCOMES),
      code: code.nullable(),
      why: z.string().nullable(),
      since: instant,
    }),
  ),
});

export const hostDetail = hostSummary.extend({
  /** Since when it is connected, null when it is not. */
  connectedSince: instant.nullable(),
  plan: hostPlan,
  hostname: z.string().nullable(),
  machineId: z.string(),
  certificateExpires: instant,
  /** End of the certificate that was given out and not used yet. */
  nextCertificateExpires: instant.nullable(),
  /** The door that an admin opened, while it is open or until it was used. */
  readmit: z.strictObject({ until: instant, machine: z.string().nullable() }).nullable(),
  /** The last time it was refused with a certificate of its own. */
  knock: z.strictObject({ at: instant, address: z.string(), code }).nullable(),
  lastAddress: z.string().nullable(),
  /** The host's clock minus the collector's, milliseconds; null: it did not say. */
  clockSkewMs: z.number().nullable(),
  revokedAt: instant.nullable(),
  retiredAt: instant.nullable(),
  /** The host whose place it took, and the one that took its place. */
  replaces: z.string().nullable(),
  replacedBy: z.string().nullable(),
  kernel: z.strictObject({ running: z.string(), installed: z.array(z.string()) }).nullable(),
  packages: unknownable,
  packageLists: z.strictObject({ asOf: instant.nullable(), stale: z.array(staleRepository) }),
  rebootReasons: z.array(z.string()),
  /** Processes that still run deleted files; `null` unknown. A floor when `staleProcessesComplete` is false. */
  staleProcesses: unknownable,
  staleProcessesComplete: z.boolean().nullable(),
  pending: z.array(pendingUpdate).nullable(),
  updaters: updaters.default(null),
  problems: z.array(problem),
});

export const hosts = z.strictObject({
  hosts: z.array(hostSummary),
  /** They come with a good certificate of this collector and are not in its database: enrolled after a restored backup. */
  notInDatabase: z.array(z.strictObject({ id: z.string(), address: z.string(), lastSeen: instant })),
  selection,
  hunt,
  /** What to ask for with `after`; null: there are no more. Where pages are asked for. */
  next: z.string().nullable().exactOptional(),
});
/** Hosts of one page. */
export const MAX_HOSTS_PAGE = 1000;
export const revokeRequest = z.strictObject({ reason: z.string().max(1024).optional() });
/** `machine`: a machine id as it is shown, or its beginning; needed when there are two. */
export const readmitRequest = z.strictObject({ machine: z.string().min(1).max(128).optional() });
export const readmitted = z.strictObject({ id: name, name, until: instant });
export const results = z.strictObject({
  results: z.array(z.strictObject({ host: name, receivedAt: instant, result: runResult })),
  selection,
});

// --- authorities -----------------------------------------------------------------------------------------------------

export const authorities = z.strictObject({
  phase: z.enum(['single', 'begun', 'switched']),
  begunAt: instant.nullable(),
  /** Oldest first. */
  authorities: z.array(
    z.strictObject({ fingerprint: sha256, expires: instant, signs: z.boolean(), trustedBy: count, issued: count }),
  ),
  /** Active hosts in the way of the next step. */
  behind: z.array(z.strictObject({ id: name, name, reason: z.string() })),
  selection,
});
export const authorityStep = z.strictObject({ leaveBehind: z.boolean().default(false) });

// --- tokens and admins -----------------------------------------------------------------------------------------------

/** The only answer that carries a secret; it is shown once and stored hashed. */
export const createdToken = z.strictObject({
  id: name,
  token: z.string(),
  boundTo: name,
  expiresAt: instant,
  collector: z.string(),
  pin: z.string(),
});

export const admin = z.strictObject({
  name,
  role: z.enum(['admin', 'reader']),
  state: z.enum(['active', 'revoked']),
  keyId: z.string().nullable(),
  addedAt: instant,
  revokedAt: instant.nullable(),
  certificateExpires: instant,
});
export const admins = z.strictObject({ admins: z.array(admin), selection });
/** An admin's own certificate, for a new key: the one before counts until the new one has been used. */
export const adminRenewal = z.strictObject({ csr: z.string().max(MAX_REQUEST_CHARACTERS) });
export const renewedAdmin = z.strictObject({ certificate: z.string() });
export const adminRequest = z.strictObject({
  name: adminName,
  role: z.enum(['admin', 'reader']).default('admin'),
  expires: duration.default('8h'),
});

// --- policy ----------------------------------------------------------------------------------------------------------

const FILE_NAME_LENGTH = 512;
const fileName = z.string().min(1).max(FILE_NAME_LENGTH);
const MAX_POLICY_FILES = MAX_DOCUMENTS + MAX_ROLES + MAX_ROOT_STEPS;
/** JSON text: signed bytes are UTF-8 without exception, so text keeps them as they are. */
const content = z.string().max(MAX_POLICY_FILE_BYTES);

/** Every file of the current repository, by the name it has there; targets without their hash prefix. */
export const policyFiles = z.strictObject({
  timestampVersion: count,
  files: z.array(z.strictObject({ name: fileName, sha256, content })).max(MAX_POLICY_FILES),
});
export const pushRequest = z.strictObject({
  metadata: z
    .array(z.strictObject({ name: fileName, content }))
    .min(1)
    .max(MAX_POLICY_FILES),
  targets: z.array(z.strictObject({ path: fileName, content })).max(MAX_POLICY_FILES),
  /**
   * For a push that brings back what the collector has lost: the timestamp version that it was made on top of, and the
   * highest one that was ever seen. Versions may then be ahead by more than one.
   */
  recovers: z.strictObject({ onTopOf: count, above: count }).optional(),
  /** Number of the proposal that is signed by it, and waits no longer. */
  proposal: z.number().int().positive().optional(),
});
const publicKey = z.string().regex(/^[0-9a-f]{64}$/);
/** Ed25519 public keys of the collector, for a root that an admin signs. */
export const onlineKeys = z.strictObject({ snapshot: publicKey, timestamp: publicKey });
export const pushed = z.strictObject({ timestampVersion: count });

// --- fixes -----------------------------------------------------------------------------------------------------------

export const fix = z.strictObject({
  id: name,
  provider: z.enum(PROVIDER_NAMES),
  source: z.string(),
  version: z.string(),
  security: z.boolean(),
  packages: z.array(packageVersion),
  hosts: z.array(z.strictObject({ id: name, name, state: z.enum(FIX_STATES), reason: z.string().nullable() })),
  approval: approvalDocument.nullable(),
});
export const fixes = z.strictObject({
  fixes: z.array(fix),
  /** Hosts whose updates are not known: no fix can be counted for them. */
  unknown: z.array(z.strictObject({ id: name, name, reason: z.string() })),
  selection,
});

// --- audit -----------------------------------------------------------------------------------------------------------

export const MAX_AUDIT_PAGE = 1000;
const auditEntry = z.strictObject({
  sequence: z.number().int().positive(),
  at: instant,
  actor: z.string(),
  action: z.string(),
  subject: z.string(),
  details: z.record(z.string(), z.unknown()),
  previous: sha256,
  hash: sha256,
});
export const auditPage = z.strictObject({
  entries: z.array(auditEntry).max(MAX_AUDIT_PAGE),
  /** Where to go on (`after`); null at the end of the ledger. */
  next: count.nullable(),
  selection,
});
export const auditHead = z.strictObject({ head: head.nullable() });

// The document kinds that admins write, sign and push, and where each lies in the policy repository.
// Shapes and defaults only; whether a document fits the others is checked in ./references.ts.
import * as z from 'zod';
import { MAX_LABEL_NAME, MAX_LABEL_VALUE, MAX_LABEL_VALUES, MAX_LABELS } from '../model/labels.ts';

const NAME_LENGTH = 100;
const documentName = z
  .string()
  .max(NAME_LENGTH)
  .regex(/^[a-z0-9][a-z0-9.+~_-]*$/, 'lower-case letters, digits and . + ~ _ - only');
const label = z.string().regex(/^[a-z0-9][a-z0-9._/-]*$/);
const text = z.string().min(1).max(1024);
const packageName = z.string().regex(/^[a-zA-Z0-9][a-zA-Z0-9+._-]*$/);
const version = z
  .string()
  .regex(/^[a-zA-Z0-9.+:~^_-]+$/)
  .max(256);

/** `90s`, `10m`, `3h`, `7d`, `2w` or ISO 8601 (`PT3H`). Decoded by shared/time. */
const duration = z
  .string()
  .regex(/^(\d+(s|m|h|d|w)|P(?=.)(\d+D)?(T(?=.)(\d+H)?(\d+M)?(\d+S)?)?)$/, 'a duration such as 30m, 3h, 7d or PT3H');
const day = z.enum(['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun']);

const freeze = z.strictObject({ from: z.iso.date(), to: z.iso.date(), reason: text });

export const windowDocument = z
  .strictObject({
    kind: z.literal('Window'),
    name: documentName,
    days: z.array(day).min(1).optional(),
    /** RFC 5545 RRULE without the "RRULE:" prefix; `from` is required with INTERVAL, COUNT or UNTIL. */
    recurrence: z.string().max(512).optional(),
    from: z.iso.date().optional(),
    /** Shift after the recurrence, such as 1d for "the day after the second Tuesday". */
    offset: duration.optional(),
    start: z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'HH:MM'),
    for: duration,
    /** `host` or an IANA zone. */
    timezone: z.string().min(1),
    freeze: z.array(freeze).default([]),
  })
  .refine((d) => (d.days === undefined) !== (d.recurrence === undefined), 'exactly one of days and recurrence');

const lane = z.strictObject({
  approve: z.enum(['manual', 'automatic']),
  delay: duration,
  /** Name of a Window document, or `any`. */
  window: documentName,
  /** From first to last; the host works out its own place from a hash. `rest` is last. */
  rings: z
    .array(
      z.union([
        z.strictObject({
          size: z.union([z.number().int().positive(), z.string().regex(/^\d{1,2}(\.\d+)?%$/)]),
          soak: duration,
        }),
        z.strictObject({ hosts: z.array(text).min(1), soak: duration }),
        z.strictObject({ rest: z.literal(true) }),
      ]),
    )
    .min(1),
});

export const LANES = ['immediate', 'out-of-cycle', 'scheduled', 'urgent'] as const;

const MAX_SELECTED_HOSTS = 10_000;
/** As enrollment names hosts, or an id. */
const hostName = z
  .string()
  .max(253)
  .regex(/^[a-z0-9]([a-z0-9._-]*[a-z0-9])?$/, 'the name of a host (lower-case letters, digits and . _ -) or its id');
const selectText = z.string().meta({
  description: 'Select text over name, id, os and labels: tier in (web, db) and os=debian-12 (docs/select.md)',
});

export const patchPolicyDocument = z.strictObject({
  kind: z.literal('PatchPolicy'),
  name: documentName,
  /**
   * A select text (shared/policy/select.ts has its words), or an object of which every property must match. Labels are those of
   * the host's own settings and of HostGroups.
   */
  select: z.union(
    [
      selectText,
      z.strictObject({
        os: z.string().optional(),
        hosts: z.array(text).optional(),
        labels: z.record(label, z.array(z.string()).min(1)).optional(),
      }),
    ],
    'a select text, or an object of os, hosts and labels',
  ),
  allow: z.strictObject({
    closes: z.array(z.enum(['immediate', 'out-of-cycle', 'scheduled'])).optional(),
    from: z.array(z.enum(['security', 'updates', 'point-release'])).min(1),
  }),
  hold: z.array(z.strictObject({ package: text, until: z.iso.date(), owner: text, reason: text })).default([]),
  lanes: z.partialRecord(z.enum(LANES), lane),
  gate: z.unknown().optional(),
  order: z.unknown().optional(),
  reboot: z.unknown().optional(),
  hooks: z.unknown().optional(),
  offline: z.strictObject({ actUntil: duration }).default({ actUntil: '1d' }),
  catchUp: z.unknown().optional(),
  postpone: z.unknown().optional(),
  /** A host that gets no fresh policy for so long gives itself back to the updaters it was taken over from. */
  fallback: z.strictObject({ after: duration, action: z.literal('release') }).optional(),
  /** By when findings of a decision are to be closed, counted from when they were first seen; shown and alarmed, it installs nothing. */
  due: z
    .strictObject({
      immediate: duration.optional(),
      'out-of-cycle': duration.optional(),
      scheduled: duration.optional(),
      /** KEV's own date, which always counts, said for those who read the policy. */
      kev: z.literal('theirs').optional(),
    })
    .optional(),
});

/** Fields of PatchPolicy whose meaning is not built yet: refused (DOCUMENT_NOT_SUPPORTED), never silently ignored. */
export const NOT_SUPPORTED_YET = ['gate', 'order', 'reboot', 'hooks', 'catchUp', 'postpone'] as const;

const packageVersion = z.strictObject({ name: packageName, version, arch: packageName });

export const approvalDocument = z.strictObject({
  kind: z.literal('Approval'),
  /** `<source>-<version>` with characters a name may not have replaced; one approval per fix, policy and month. */
  name: documentName,
  decision: z.enum(['approve', 'reject']),
  policy: documentName,
  lane: z.enum(LANES),
  fix: z.strictObject({ provider: z.enum(['apt', 'dnf', 'zypper', 'pacman']), source: packageName, version }),
  /** The complete set that may be brought to these versions. A host brings those it has installed. */
  packages: z.array(packageVersion),
  /** Packages that may newly appear, and names that may be removed, besides. */
  adds: z.array(packageVersion).default([]),
  removes: z.array(packageName).default([]),
  approvedAt: z.iso.datetime(),
  /** No host starts after this. */
  expires: z.iso.datetime(),
  reason: z.string().max(1024).optional(),
});

/** Labels that an admin's signature gives to hosts: policies select by them as by a host's own. Several groups add up. */
export const hostGroupDocument = z
  .strictObject({
    kind: z.literal('HostGroup'),
    name: documentName,
    /** Names or ids. */
    hosts: z.array(hostName).min(1).max(MAX_SELECTED_HOSTS).optional(),
    /** Instead of `hosts`: by what a host says of itself. Labels of groups are not seen here, so that none depends on another. */
    select: selectText.optional(),
    labels: z
      .record(label.max(MAX_LABEL_NAME), z.array(z.string().min(1).max(MAX_LABEL_VALUE)).min(1).max(MAX_LABEL_VALUES))
      .refine((labels) => Object.keys(labels).length > 0, 'a group without labels means nothing')
      .refine((labels) => Object.keys(labels).length <= MAX_LABELS, `at most ${MAX_LABELS} labels`),
  })
  .refine((d) => (d.hosts === undefined) !== (d.select === undefined), 'exactly one of hosts and select');

/** Days from `from` to `until`, both counted: whoever wants longer signs again, having looked again. */
export const MAX_ACCEPTANCE_DAYS = 366;
const MAX_CVES = 1000;
const MAX_AFFECTED = 1000;
const MAX_RANGES = 200;
const MAX_VERSIONS = 2000;
const MAX_URL = 2048;
const cve = z.string().regex(/^CVE-\d{4}-\d{4,19}$/, 'an id such as CVE-2024-6387');
const cves = z.array(cve).min(1).max(MAX_CVES);
/** As feeds call packages: scopes of npm, paths of Go and groups of Maven among them. */
const anyPackage = z
  .string()
  .max(256)
  .regex(/^[a-zA-Z0-9@][a-zA-Z0-9+._:@/~-]*$/, 'the name of a package');
const anyVersion = z
  .string()
  .min(1)
  .max(256)
  .regex(/^[\x21-\x7e]+$/, 'a version, without blanks');

/** Findings that are known and lived with for a time. Bounded, never for ever; they stay countable. */
export const riskAcceptanceDocument = z
  .strictObject({
    kind: z.literal('RiskAcceptance'),
    name: documentName,
    /** With `package`: these, in this package only. */
    cves: cves.optional(),
    /** Source package: all its findings, or those of `cves`. */
    package: anyPackage.optional(),
    /** Machines, by the words of HostGroups. What is not known of a machine accepts nothing there. */
    select: selectText,
    reason: text,
    /** Compensating control: what keeps the risk small meanwhile. */
    control: text,
    requester: text,
    /** Name of the admin whose key signs it. */
    approver: text,
    /** Dates in UTC; it holds from the first moment of `from` to the last of `until`. */
    from: z.iso.date(),
    review: z.iso.date(),
    until: z.iso.date(),
  })
  .refine((d) => d.cves !== undefined || d.package !== undefined, 'cves, package or both: what is accepted');

const versionRange = z
  .strictObject({
    introduced: anyVersion.optional(),
    fixed: anyVersion.optional(),
    lastAffected: anyVersion.optional(),
  })
  .refine((r) => r.fixed === undefined || r.lastAffected === undefined, 'fixed or lastAffected, not both');

/** Own intelligence: matched as a feed is, until the CVE that it names comes by a feed for the same package. */
export const advisoryDocument = z.strictObject({
  kind: z.literal('Advisory'),
  /** The id that findings carry where it names no CVE. */
  name: documentName,
  cves: cves.optional(),
  summary: text,
  link: z
    .url({ protocol: /^https?$/ })
    .max(MAX_URL)
    .optional(),
  /** A moment in UTC, or a date: its first moment. Kept as it is written, so that its bytes are those that were signed. */
  published: z.union([
    z.iso.datetime('a date such as 2026-11-23, or a moment such as 2026-11-23T08:00:00Z'),
    z.iso.date(),
  ]),
  affected: z
    .array(
      z
        .strictObject({
          /** As feeds name it: `Debian:12`, `Ubuntu:22.04`, `AlmaLinux:9`, `PyPI`, `npm` … */
          ecosystem: z
            .string()
            .max(100)
            .regex(/^[A-Za-z][A-Za-z0-9 ._-]*(:[A-Za-z0-9._-]+)*$/, 'an ecosystem such as Debian:12 or PyPI'),
          package: anyPackage,
          ranges: z.array(versionRange).min(1).max(MAX_RANGES).optional(),
          versions: z.array(anyVersion).min(1).max(MAX_VERSIONS).optional(),
        })
        .refine((a) => a.ranges !== undefined || a.versions !== undefined, 'ranges, versions or both'),
    )
    .min(1)
    .max(MAX_AFFECTED),
  /** Raises what triage says; it never lowers it. */
  decision: z.enum(['immediate', 'out-of-cycle', 'scheduled', 'defer']).optional(),
});

export const KINDS = {
  Window: windowDocument,
  PatchPolicy: patchPolicyDocument,
  HostGroup: hostGroupDocument,
  Approval: approvalDocument,
  RiskAcceptance: riskAcceptanceDocument,
  Advisory: advisoryDocument,
} as const;
export type Kind = keyof typeof KINDS;
export type WindowDocument = z.infer<typeof windowDocument>;
export type PatchPolicyDocument = z.infer<typeof patchPolicyDocument>;
export type ApprovalDocument = z.infer<typeof approvalDocument>;
export type HostGroupDocument = z.infer<typeof hostGroupDocument>;
export type RiskAcceptanceDocument = z.infer<typeof riskAcceptanceDocument>;
export type AdvisoryDocument = z.infer<typeof advisoryDocument>;
export type PolicyDocument =
  | WindowDocument
  | PatchPolicyDocument
  | HostGroupDocument
  | ApprovalDocument
  | RiskAcceptanceDocument
  | AdvisoryDocument;

/** Delegated role that signs a document: `policy`, or the month's approvals role (`approvals-2026-11`). */
export function roleOf(document: PolicyDocument): string {
  return document.kind === 'Approval' ? `approvals-${document.approvedAt.slice(0, 7)}` : 'policy';
}

/** Target path of a document in the policy repository; what a role may sign is limited to its own folder. */
export function pathOf(document: PolicyDocument): string {
  switch (document.kind) {
    case 'Window':
      return `policy/windows/${document.name}.json`;
    case 'PatchPolicy':
      return `policy/patch-policies/${document.name}.json`;
    case 'HostGroup':
      return `policy/host-groups/${document.name}.json`;
    case 'Approval':
      return `approvals/${document.approvedAt.slice(0, 7)}/${document.name}.json`;
    // What begins with "collector-" no host fetches or reads: see isForCollector in ./roles.ts.
    case 'RiskAcceptance':
      return `policy/collector-risk-acceptances/${document.name}.json`;
    case 'Advisory':
      return `policy/collector-advisories/${document.name}.json`;
  }
}

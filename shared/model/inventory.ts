// The inventory of a host: named sections, each hashed and sent on its own. A section that could not be taken whole
// is an error with a code, never a shorter list.
import * as z from 'zod';
import { CODES, type Code } from '../errors/codes.ts';
import { changes } from './changes.ts';
import { MODES } from './ids.ts';
import { installedPackage, pendingUpdate, repository } from './package.ts';
import { SECTION_NAMES, type SectionName } from './section-names.ts';
import { updateinfo } from './updateinfo.ts';

const text = z.string().max(4096);
const name = z.string().min(1).max(1024);
const instant = z.iso.datetime({ offset: true });
const count = z.number().int().nonnegative();
const code = z.enum(Object.keys(CODES) as [Code, ...Code[]]);

const os = z.strictObject({
  /** os-release(5) ID and VERSION_ID; `version` is empty on rolling releases. */
  id: name,
  version: text,
  codename: text.nullable(),
  prettyName: text,
  idLike: z.array(name),
  hostname: name,
  machineId: name,
  arch: name,
  timezone: name,
  bootedAt: instant,
  /** End of regular and of extended support (date), null where the data shipped with the agent has none. */
  endOfLife: z
    .strictObject({ regular: z.iso.date().nullable(), extended: z.iso.date().nullable(), source: name })
    .nullable(),
});

const kernel = z.strictObject({
  /** Release string of the running kernel, as uname(2) gives it. */
  running: name,
  runningVersion: text,
  /** Installed kernel images: release string, package and version. Empty in containers and chroots. */
  installed: z.array(z.strictObject({ release: name, package: name, version: name })),
  /** Newest installed release, null when there is none. */
  newest: name.nullable(),
});

const hardware = z.strictObject({
  vendor: text,
  model: text,
  serial: text,
  virtual: z.boolean(),
  cpu: z.strictObject({ model: text, cores: count }),
  memoryBytes: count,
  disks: z.array(z.strictObject({ name, bytes: count, type: text })),
});

const network = z.strictObject({
  addresses: z.array(z.strictObject({ interface: name, address: name, prefix: count, mac: text })),
});

const listener = z.strictObject({
  protocol: z.enum(['tcp', 'udp']),
  address: name,
  port: z.number().int().min(1).max(65535),
  /** Null where the agent may not see the owning process. */
  pid: count.nullable(),
  program: text.nullable(),
  package: name.nullable(),
});

const service = z.strictObject({ name, state: name, package: name.nullable() });

const staleProcess = z.strictObject({
  pid: count,
  program: name,
  /** Paths of deleted files that the process still maps. */
  files: z.array(name).min(1),
  service: name.nullable(),
  package: name.nullable(),
  /** Owners of all of these files; an agent of before names only one of them. */
  packages: z.array(name).optional(),
});

export const UPDATER_KINDS = ['timer', 'cron', 'boot', 'service'] as const;

// Defaults: an agent of before says only name, enabled and detail, and is taken at its word.
const updater = z.strictObject({
  name,
  /** What starts it: a timer, a cron line or script, the next boot, or itself because it runs all the time. */
  kind: z.enum(UPDATER_KINDS).default('service'),
  /** It installs without being asked; false: it only tells, downloads or refreshes. */
  installs: z.boolean().default(true),
  enabled: z.boolean(),
  /** Null: not known, or never; `detail` says why. */
  nextRun: instant.nullable().default(null),
  detail: text,
  /** Units of systemd behind it, with the words of `systemctl is-enabled` (enabled, disabled, static, masked …). */
  units: z.array(z.strictObject({ name, state: name })).default([]),
});

export const TAKEOVER_STATES = ['none', 'taken', 'released', 'fallback'] as const;

export const SECTIONS = {
  os,
  kernel,
  hardware,
  network,
  listeners: z.array(listener),
  services: z.array(service),
  users: z.array(z.strictObject({ name, uid: count, shell: name, home: text })),
  packages: z.array(installedPackage),
  repositories: z.array(repository),
  /** `known: false` means the lists cannot be believed: the counts are unknown, which is not zero. */
  updates: z.discriminatedUnion('known', [
    z.strictObject({ known: z.literal(true), asOf: instant, pending: z.array(pendingUpdate) }),
    z.strictObject({
      known: z.literal(false),
      asOf: instant.nullable(),
      reasons: z.array(z.strictObject({ repository: name.nullable(), code, reason: name })).min(1),
    }),
  ]),
  /** Every other program that may update this host by itself, or tells about updates. */
  updaters: z.array(updater),
  languagePackages: z.array(z.strictObject({ ecosystem: name, name, version: text, path: name })),
  containers: z.array(z.strictObject({ engine: name, id: name, image: name, state: name })),
  reboot: z.strictObject({ required: z.boolean(), reasons: z.array(name) }),
  /** `complete: false` when processes of other users could not be read (unprivileged agent); the list is a floor. */
  staleProcesses: z.strictObject({ complete: z.boolean(), unreadable: count, processes: z.array(staleProcess) }),
  /** The agent itself: mode, labels from its own settings, and what it ships (Node, OpenSSL, npm packages). */
  agent: z.strictObject({
    version: name,
    mode: z.enum(MODES),
    labels: z.record(name, z.array(name)),
    /** `purl`: a package URL, by which advisories know it; absent from agents of an earlier release. */
    components: z.array(z.strictObject({ name, version: name, purl: name.optional() })),
    /** Whether this host's other updaters were taken over, and since when; an agent of before does not say. */
    takeover: z.strictObject({ state: z.enum(TAKEOVER_STATES), since: instant.nullable() }).optional(),
  }),
  changes,
  /** Advisories of the host's own rpm repositories; an agent of an earlier release does not send them, other hosts have none. */
  updateinfo,
} as const satisfies Readonly<Record<SectionName, z.ZodType>>;

export { SECTION_NAMES, type SectionName };
export type Section<N extends SectionName> = z.infer<(typeof SECTIONS)[N]>;

export type SectionOutcome<N extends SectionName> =
  | { readonly ok: true; readonly data: Section<N> }
  | { readonly ok: false; readonly code: Code; readonly reason: string };

/** One inventory: every section, each whole or with the reason why it is not there. */
export interface Inventory {
  readonly takenAt: string;
  readonly sections: { readonly [N in SectionName]: SectionOutcome<N> };
}

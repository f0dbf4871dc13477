// What the API says of machines that are known from a file: shapes only. They are never among the hosts of other answers, so that
// nobody counts one as a machine that reports itself.
import { CODES, type Code } from '@selvage/shared/errors/codes.ts';
import { SECTION_NAMES, type SectionName } from '@selvage/shared/model/inventory.ts';
import { LABEL_NAME } from '@selvage/shared/model/labels.ts';
import { z } from 'zod';
import { hunt } from './hunt.ts';
import { selection } from './select.ts';

const instant = z.iso.datetime({ offset: true });
const count = z.number().int().nonnegative();
const unknownable = count.nullable();
const code = z.enum(Object.keys(CODES) as [Code, ...Code[]]);

/** Media types of a file that is sent as it is. */
export const FILE_TYPE = 'application/octet-stream';

const IMPORT_STATES = ['imported', 'replaced', 'superseded', 'retired'] as const;

export const importedHost = z.strictObject({
  id: z.string(),
  name: z.string(),
  /** `superseded`: it has got an agent. */
  state: z.enum(IMPORT_STATES),
  asOf: instant,
  /** Whose word that is: the machine's clock, or, where that cannot be, the date of the file or of the import. */
  asOfFrom: z.enum(['machine', 'file', 'import']),
  clock: instant,
  importedAt: instant,
  importedBy: z.string(),
  sha256: z.string(),
  bytes: count,
  hostname: z.string(),
  machineId: z.string().nullable(),
  owner: z.string().nullable(),
  labels: z.record(z.string().regex(LABEL_NAME), z.array(z.string())),
  os: z
    .strictObject({ id: z.string(), version: z.string(), prettyName: z.string(), idLike: z.array(z.string()) })
    .nullable(),
  kernel: z.string(),
  packages: unknownable,
  rebootRequired: z.boolean().nullable(),
  /** Processes that still ran deleted files; a floor. */
  staleProcesses: unknownable,
  unprivileged: z.boolean(),
  warnings: z.array(z.string()),
  missing: z.array(z.string()),
  endedAt: instant.nullable(),
  endedBy: z.string().nullable(),
});

export const imports = z.strictObject({ imports: z.array(importedHost), selection, hunt });

export const importDetail = importedHost.extend({
  /** Sections that are not there, with the reason. */
  problems: z.array(
    z.strictObject({ section: z.enum(SECTION_NAMES as [SectionName, ...SectionName[]]), code, reason: z.string() }),
  ),
  listeners: z.array(z.strictObject({ protocol: z.string(), address: z.string(), port: count })).nullable(),
  kernels: z.array(z.string()).nullable(),
  rebootReasons: z.array(z.string()),
  stale: z.array(z.strictObject({ program: z.string(), files: z.array(z.string()) })).nullable(),
  repositories: z.array(z.string()).nullable(),
  endOfLife: z.strictObject({ regular: z.string().nullable(), extended: z.string().nullable() }).nullable(),
  /** The newest first, itself included. */
  history: z.array(importedHost),
  /** Others that say they are the same machine: by its machine id. */
  sameMachineAs: z.array(z.string()),
});

export const imported = z.strictObject({
  host: importedHost,
  /** As of when the one was whose place it took. */
  replaced: instant.nullable(),
  unchanged: z.boolean(),
  /** Sections that are not there although collect.sh collects them. */
  problems: z.array(z.strictObject({ section: z.string(), code, reason: z.string() })),
  sameMachineAs: z.array(z.string()),
});

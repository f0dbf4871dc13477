// Packages, repositories and pending updates as every provider reports them and every stage reads them.
// Shapes only: no parsing of a package manager's output lives here.
import * as z from 'zod';
import { CODES, type Code } from '../errors/codes.ts';

const text = z.string().min(1).max(1024);
const instant = z.iso.datetime({ offset: true });
const code = z.enum(Object.keys(CODES) as [Code, ...Code[]]);

export const PROVIDER_NAMES = ['apt', 'dnf', 'zypper', 'pacman'] as const;
export type ProviderName = (typeof PROVIDER_NAMES)[number];

/** One installed binary package. `source` and `sourceVersion` are what advisories name; they never are empty. */
export const installedPackage = z.strictObject({
  provider: z.enum(PROVIDER_NAMES),
  name: text,
  version: text,
  arch: text,
  source: text,
  sourceVersion: text,
  /** `installed` is whole; anything else (half-configured, unpacked …) names dpkg's own state word. */
  state: text,
  held: z.boolean(),
  /** Instant of the last change of the package's files, where the host knows it. */
  installedAt: instant.nullable(),
  /** Whose build it is, by the repository that serves this version; null: the distribution's. Left out: not known. */
  origin: text.nullable().optional(),
  /** Label of the module that an rpm was built in: name:stream:version:context. Left out: none, or not known. */
  module: text.optional(),
});
export type InstalledPackage = z.infer<typeof installedPackage>;

/** One enabled repository and how true its list is. `problem` is null exactly when the list may be believed. */
export const repository = z.strictObject({
  /** Stable within the host: `<uri> <suite> <component …>`. */
  id: text,
  provider: z.enum(PROVIDER_NAMES),
  uri: text,
  suite: text,
  components: z.array(text),
  /** From the signed index, null before the first fetch. */
  origin: z.string().nullable(),
  label: z.string().nullable(),
  codename: z.string().nullable(),
  signed: z.boolean(),
  security: z.boolean(),
  lastRefresh: instant.nullable(),
  lastAttempt: instant.nullable(),
  date: instant.nullable(),
  validUntil: instant.nullable(),
  problem: z.strictObject({ code, reason: text }).nullable(),
  /** What stopped the last attempt, also while the list of an earlier one may still be believed. */
  lastError: z.strictObject({ code, reason: text }).nullable().optional(),
});
export type Repository = z.infer<typeof repository>;

/** An installed package whose candidate is newer (as `apt list --upgradable` counts). */
export const pendingUpdate = z.strictObject({
  provider: z.enum(PROVIDER_NAMES),
  name: text,
  arch: text,
  source: text,
  installed: text,
  candidate: text,
  candidateSourceVersion: text,
  /** Ids of the repositories that serve the candidate. */
  repositories: z.array(text),
  /** A version newer than the installed one, up to the candidate, comes from a security repository. */
  security: z.boolean(),
  held: z.boolean(),
  /** Percentage of machines it is phased to, null when it is not phased. */
  phased: z.number().int().min(0).max(100).nullable(),
  downloadBytes: z.number().int().nonnegative().nullable(),
});
export type PendingUpdate = z.infer<typeof pendingUpdate>;

/** A binary package at an exact version: what an approval, a transaction and a mirror folder speak of. */
export const packageVersion = z.strictObject({ name: text, version: text, arch: text });
export type PackageVersion = z.infer<typeof packageVersion>;

export interface PackageChange {
  readonly name: string;
  readonly arch: string;
  /** Null when the package is newly installed. */
  readonly from: string | null;
  /** Null when the package is removed. */
  readonly to: string | null;
}

/** Everything a package manager would do, simulated: the full transaction, nothing left out. */
export interface Transaction {
  readonly upgrade: readonly PackageChange[];
  readonly downgrade: readonly PackageChange[];
  readonly install: readonly PackageChange[];
  readonly remove: readonly PackageChange[];
  readonly downloadBytes: number | null;
}

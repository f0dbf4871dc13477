// What was found in a thing that is scanned, whatever it was. Types only.
import type { Installed } from '../findings/software-of.ts';

export const SCAN_KINDS = {
  'dpkg-status': 'dpkg status file',
  'rpm-list': 'list of rpm packages',
  'collect-tar': 'tar of collect.sh',
  cyclonedx: 'CycloneDX SBOM',
  'spdx-json': 'SPDX SBOM (JSON)',
  'spdx-tag-value': 'SPDX SBOM (tag-value)',
  'apk-installed': 'installed database of apk',
  rootfs: 'root file system',
} as const;
export type ScanKind = keyof typeof SCAN_KINDS;

/** ID, VERSION_ID and PRETTY_NAME of os-release(5), or what an SBOM says in their place. */
export interface ScannedOs {
  readonly id: string;
  readonly version: string;
  readonly prettyName: string;
}

export interface ScanSubject {
  readonly kind: ScanKind;
  /** Null where only packages of languages are in it. */
  readonly os: ScannedOs | null;
  /** Never empty: nothing found is an error of whoever reads. */
  readonly installed: readonly Installed[];
  /** Binary packages and libraries. */
  readonly packages: number;
  /** What is in it and is no package that could be looked up, with the reason. */
  readonly unread: readonly { readonly name: string; readonly reason: string }[];
  /** A list that does not say epochs (plain `rpm -qa`): those of the advisories are taken. */
  readonly epochsUnknown: boolean;
  /** Whether it says which kernel runs; else each that is in it is taken as running. */
  readonly kernelKnown: boolean;
  /** Sentences about what could not be known from this. */
  readonly notes: readonly string[];
}

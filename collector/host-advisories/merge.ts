// What several hosts tell of the same advisories → one. Pure. A host can only add: nothing it says takes away what another says, and of
// two versions for one package the higher one counts, so that no host makes others look fixed.
import type { Notice } from '@selvage/shared/model/updateinfo.ts';
import { compareRpmVersions } from '@selvage/shared/versions/rpm.ts';

/** Advisories, and packages in all of them, of one collector: some twenty releases whole. */
const MAX_NOTICES = 100_000;
const MAX_PACKAGES = 1_000_000;
/** CVEs of one advisory. */
const MAX_CVES = 2000;

export type MergedNotice = Notice & { readonly ecosystem: string };

/** Advisories of this type count also where they name no CVE. */
const SECURITY = 'security';

interface Kept {
  /** What is told of the advisory itself. */
  readonly first: Notice;
  readonly ecosystem: string;
  /** `security` as soon as one host says so: another word for it would take its rules away. */
  type: string;
  readonly cves: Set<string>;
  readonly packages: Map<string, Notice['packages'][number]>;
}

export class NoticeMerge {
  readonly #kept = new Map<string, Kept>();
  #packages = 0;
  #full = false;

  /** There was more than is kept: the rest is left out. */
  get full(): boolean {
    return this.#full;
  }

  add(ecosystem: string, notices: readonly Notice[]): void {
    for (const one of notices) {
      const key = `${ecosystem} ${one.id}`;
      let kept = this.#kept.get(key);
      if (kept === undefined) {
        if (this.#kept.size >= MAX_NOTICES) {
          this.#full = true;
          return;
        }
        kept = { first: one, ecosystem, type: one.type, cves: new Set(), packages: new Map() };
        this.#kept.set(key, kept);
      }
      if (one.type === SECURITY) kept.type = SECURITY;
      for (const cve of one.cves) if (kept.cves.size < MAX_CVES) kept.cves.add(cve);
      for (const each of one.packages) this.#take(kept, each);
    }
  }

  #take({ packages }: Kept, one: Notice['packages'][number]): void {
    // Architectures of one package are built together and have one version.
    const key = `${one.name} ${one.module}`;
    const before = packages.get(key);
    if (before === undefined) {
      if (this.#packages >= MAX_PACKAGES) {
        this.#full = true;
        return;
      }
      this.#packages += 1;
    } else if (compareRpmVersions(evr(one), evr(before)) <= 0) return;
    packages.set(key, one);
  }

  /** In an order that does not depend on which host was read first. */
  *notices(): Generator<MergedNotice> {
    for (const key of [...this.#kept.keys()].sort()) {
      const kept = this.#kept.get(key);
      if (kept === undefined || kept.packages.size === 0) continue;
      const { first, ecosystem, type, cves, packages } = kept;
      yield {
        ...{ ecosystem, id: first.id, type, severity: first.severity, issued: first.issued },
        cves: [...cves].sort(),
        packages: [...packages.keys()].sort().flatMap((each) => packages.get(each) ?? []),
      };
    }
  }
}

function evr({ epoch, version, release }: Notice['packages'][number]): string {
  return `${epoch}:${version}-${release}`;
}

// What every order of versions is. Types only; see ./list.ts for all of them.

export interface VersionScheme {
  readonly name: 'deb' | 'rpm' | 'apk' | 'pacman' | 'semver' | 'pep440';
  /** Negative when `a` is older, 0 when both are the same, positive when it is newer. Asked only for what `problem` has nothing against. */
  readonly order: (a: string, b: string) => number;
  /** Why a text that is not empty, blank or too long is no version here; null when it is one. */
  readonly problem: (version: string) => string | null;
}

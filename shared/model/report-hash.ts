// One hash for the sections of a report, so that "the same as before" can be said in 32 bytes. Pure; both sides work it out from
// what they hold themselves.
import { canonicalJson, sha256 } from '../files/canonical.ts';
import type { Sha256 } from './ids.ts';

interface HashedSection {
  readonly name: string;
  readonly sha256: Sha256 | null;
}

/** Over the names with their hashes (null where a section could not be taken), in whatever order they come. */
export function reportHash(sections: readonly HashedSection[]): Sha256 {
  return sha256(canonicalJson(Object.fromEntries(sections.map(({ name, sha256: hash }) => [name, hash]))));
}

// Order of two versions of one ecosystem, or the reason why there is none. Nothing is guessed: what cannot be compared is said.
import { type Compare, comparerFor } from '@selvage/shared/versions/list.ts';
import type { Ecosystem } from './software.ts';

/** Longest version that is compared, in characters: real ones have less than a hundred. */
export const MAX_VERSION_LENGTH = 256;

export type { Compare };

/** How versions of this ecosystem are ordered; null when nobody here knows. */
export function compareOf(ecosystem: Ecosystem): Compare | null {
  return comparerFor(ecosystem);
}

/** Why this text is no version that can be compared; null when it is one. */
export function notAVersion(version: string): string | null {
  if (version === '') return 'the version is empty';
  if (version.length > MAX_VERSION_LENGTH) return `the version has ${version.length} characters`;

  return /^[\x21-\x7e]+$/.test(version) ? null : 'the version has characters that no version has';
}

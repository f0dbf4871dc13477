// What a host's operating system is called in select texts: `linux`, `debian` (a derivative too), `debian-12` (itself only). Pure.
import type { Texts } from './vocabulary.ts';

/** os-release(5) ID, ID_LIKE and VERSION_ID. */
export interface OsFacts {
  readonly id: string;
  readonly idLike: readonly string[];
  readonly version: string;
}

/** The family every host of this agent belongs to so far. */
const FAMILY = 'linux';

/** Before an inventory says, the family is all that is known. */
export function osTexts(os: OsFacts | null): Texts {
  if (os === null) return { atLeast: [FAMILY] };

  return [FAMILY, os.id, ...os.idLike, ...(os.version === '' ? [] : [`${os.id}-${os.version}`])];
}

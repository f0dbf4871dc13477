// The release that a scanned thing is of, from os-release(5). Pure.
import { parseShellFacts } from '@selvage/shared/linux/shell-facts.ts';
import { scanInvalid } from './invalid.ts';
import type { ScannedOs } from './subject.ts';

const MAX_CHARACTERS = 256;

/** Throws SCAN_INVALID for a file that names no system. */
export function parseOsRelease(text: string, file: string): ScannedOs {
  const said = parseShellFacts(text);
  const id = said.get('ID') ?? '';
  // Rolling releases have no VERSION_ID.
  const version = said.get('VERSION_ID') ?? '';
  if (id === '' || id.length > MAX_CHARACTERS || version.length > MAX_CHARACTERS) {
    throw scanInvalid(
      `${file} is no os-release(5): it has no ID`,
      'give a copy of /etc/os-release of the scanned system',
    );
  }

  return { id, version, prettyName: (said.get('PRETTY_NAME') || `${id} ${version}`).trim().slice(0, MAX_CHARACTERS) };
}

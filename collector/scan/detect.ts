// What a file is, by what stands in it and never by its name. Pure.
import { scanInvalid } from './invalid.ts';
import { recordOf, textOf } from './json.ts';
import { looksLikeRpmList } from './rpm-list.ts';

export type Detected =
  | { readonly kind: 'collect-tar' }
  | { readonly kind: 'dpkg-status' | 'rpm-list' | 'apk-installed' | 'spdx-tag-value'; readonly text: string }
  | { readonly kind: 'cyclonedx' | 'spdx-json'; readonly document: Readonly<Record<string, unknown>> };

/** Position and text by which a tar is known (POSIX ustar). */
const TAR_MAGIC_AT = 257;
const TAR_MAGIC = 'ustar';
const HEAD_CHARACTERS = 64 * 1024;

/** Throws SCAN_INVALID, which says what it rather is where that can be seen. */
export function detect(bytes: Uint8Array, file: string): Detected {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (buffer.toString('latin1', TAR_MAGIC_AT, TAR_MAGIC_AT + TAR_MAGIC.length) === TAR_MAGIC)
    return { kind: 'collect-tar' };
  // Names and versions are ASCII; a maintainer's name in an old encoding must not hide a package.
  const head = buffer
    .toString('latin1', 0, HEAD_CHARACTERS)
    .replace(/^\u00ef\u00bb\u00bf/, '')
    .trimStart();
  if (head === '') throw scanInvalid(`${file} is empty: nothing can be said about what it is of`);
  if (head.startsWith('{') || head.startsWith('[')) return detectJson(buffer, file);

  const text = buffer.toString('latin1');
  if (/^SPDXVersion:/m.test(head)) return { kind: 'spdx-tag-value', text: buffer.toString('utf8') };
  if (/^Package:/m.test(head) && /^Status:/m.test(head)) return { kind: 'dpkg-status', text };
  if (/^P:\S+$/m.test(head) && /^V:\S+$/m.test(head)) return { kind: 'apk-installed', text };
  if (looksLikeRpmList(head)) return { kind: 'rpm-list', text };
  throw scanInvalid(`${file} ${ratherIs(head)}`);
}

function detectJson(buffer: Buffer, file: string): Detected {
  const parsed = ((): unknown => {
    try {
      return JSON.parse(buffer.toString('utf8').replace(/^\ufeff/, ''));
    } catch (error) {
      throw scanInvalid(`${file} begins like JSON and is none: it was cut or damaged`, undefined, error);
    }
  })();
  const document = recordOf(parsed);
  if (document.bomFormat === 'CycloneDX') return { kind: 'cyclonedx', document };
  if (textOf(document.spdxVersion).startsWith('SPDX-2.')) return { kind: 'spdx-json', document };
  if ('@graph' in document)
    throw scanInvalid(`${file} is SPDX 3, which is not read yet`, 'export it as SPDX 2.3 or CycloneDX');
  if ('predicate' in document || 'payload' in document) {
    throw scanInvalid(`${file} is an attestation, no SBOM itself`, 'verify it and take the SBOM out of it first');
  }
  throw scanInvalid(`${file} is JSON, but neither CycloneDX nor SPDX 2`);
}

function ratherIs(head: string): string {
  if (/^Desired=Unknown\/Install/m.test(head)) {
    return 'is what dpkg -l prints, which does not say from which sources packages are built: give /var/lib/dpkg/status';
  }
  if (/^Package:/m.test(head)) return 'lists packages of an archive, not installed ones: give /var/lib/dpkg/status';
  if (/<bom[\s>]/.test(head)) return 'is CycloneDX as XML, which is not read: give it as JSON';
  if (head.startsWith('<')) return 'is XML, of no kind that is known here';

  return 'is of no kind that is known here';
}

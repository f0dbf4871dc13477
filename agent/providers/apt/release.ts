// The head of a repository's signed index (InRelease or Release): who made it, when, and until when it holds.
// Pure. It verifies nothing: apt did that before it put the file into the lists.
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import { parseStanzas } from '@selvage/shared/packages/deb822.ts';

export interface Release {
  readonly origin: string | null;
  readonly label: string | null;
  readonly suite: string | null;
  readonly codename: string | null;
  readonly date: Temporal.Instant;
  readonly validUntil: Temporal.Instant | null;
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const DATE =
  /^(?:[A-Z][a-z]{2}, +)?(\d{1,2}) ([A-Z][a-z]{2}) (\d{4}) +(\d{1,2}):(\d{2}):(\d{2}) +(?:UTC|GMT|Z|[+]0000)$/;
const SIGNED = '-----BEGIN PGP SIGNED MESSAGE-----';
const SIGNATURE = '-----BEGIN PGP SIGNATURE-----';

/*
 * -----BEGIN PGP SIGNED MESSAGE-----
 * Hash: SHA256
 *
 * Origin: Debian
 * Label: Debian-Security
 * Suite: oldstable-security
 * Codename: bookworm-security
 * Date: Sat, 21 Nov 2026 00:53:02 UTC
 * Valid-Until: Sat, 28 Nov 2026 00:53:02 UTC
 * SHA256:
 *  e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855        0 contrib/Contents-amd64
 * -----BEGIN PGP SIGNATURE-----
 */
export function parseRelease(text: string, file: string): Release {
  const [stanza] = parseStanzas(body(text, file), { file, comments: false });
  const field = (name: string) => stanza?.fields.get(name) ?? null;
  const date = field('date');
  if (date === null) throw new CodedError('PARSE', `${file} has no Date`);
  const validUntil = field('valid-until');

  return {
    origin: field('origin'),
    label: field('label'),
    suite: field('suite'),
    codename: field('codename'),
    date: parseDate(date, file),
    validUntil: validUntil === null ? null : parseDate(validUntil, file),
  };
}

/** A file that the index lists, with the strongest hash it gives. */
export interface ListedFile {
  /** Below the folder of the suite. */
  readonly path: string;
  readonly size: number;
  readonly algorithm: 'sha256' | 'sha512';
  readonly hash: string;
}

/*
 * SHA256:
 *  e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855        0 contrib/Contents-amd64
 */
/** Names in it are anybody's until the signature was verified: callers check them before they become paths. */
export function listedFiles(text: string, file: string): readonly ListedFile[] {
  const [stanza] = parseStanzas(body(text, file), { file, comments: false });

  for (const algorithm of ['sha256', 'sha512'] as const) {
    const lines = stanza?.fields.get(algorithm)?.split('\n') ?? [];
    const files = lines.flatMap((line) => {
      const match = /^([0-9a-f]{64,128}) +(\d{1,15}) (\S+)$/.exec(line.trim());

      return match?.[1] && match[3] ? [{ algorithm, hash: match[1], size: Number(match[2]), path: match[3] }] : [];
    });
    if (files.length > 0) return files;
  }

  return [];
}

function body(text: string, file: string): string {
  if (!text.startsWith(SIGNED)) return text;
  const start = text.indexOf('\n\n');
  const end = text.indexOf(`\n${SIGNATURE}`);
  if (start < 0 || end < start) throw new CodedError('PARSE', `${file} is not a whole clear-signed message`);

  return text.slice(start + 2, end + 1);
}

/** RFC 5322 date in UTC, as apt requires it of archives. */
function parseDate(text: string, file: string): Temporal.Instant {
  const match = DATE.exec(text.trim());
  const month = MONTHS.indexOf(match?.[2] ?? '') + 1;
  if (!match || month === 0) throw new CodedError('PARSE', `${file} has the date ${JSON.stringify(text)}`);
  const [, day, , year, hour, minute, second] = match.map(Number);

  try {
    return Temporal.PlainDateTime.from(
      { year: year ?? 0, month, day: day ?? 0, hour: hour ?? 0, minute: minute ?? 0, second: second ?? 0 },
      { overflow: 'reject' },
    )
      .toZonedDateTime('UTC')
      .toInstant();
  } catch (error) {
    throw new CodedError('PARSE', `${file} has the date ${JSON.stringify(text)}`, { cause: error });
  }
}

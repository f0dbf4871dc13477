// Order of Debian package versions: [epoch:]upstream[-revision], as deb-version(7) and the Debian Policy section 5.6.12
// define it. Pure. A host is matched with some ten thousand comparisons, so nothing is made here: positions and codes only.
import { compareDigits, digitsEnd, isDigit } from './digits.ts';

const COLON = 58;
const DASH = 45;
const TILDE = 126;
/** `~` sorts before everything, even the end of a part; then the end, then letters, then all other characters. */
const BEFORE_END = -1;
const END = 0;
const AFTER_LETTERS = 65_536;
/** dpkg keeps the epoch in a C int. */
const MAX_EPOCH = '2147483647';

/** Negative when `a` is older than `b`, 0 when they are the same version, positive when it is newer. */
export function compareDebVersions(a: string, b: string): number {
  const aStart = afterEpoch(a);
  const bStart = afterEpoch(b);
  // Without an epoch it is 0.
  if (aStart > 0 || bStart > 0) {
    const epochs = compareDigits(a, 0, Math.max(aStart - 1, 0), b, 0, Math.max(bStart - 1, 0));
    if (epochs !== 0) return epochs;
  }

  const aDash = lastDash(a, aStart);
  const bDash = lastDash(b, bStart);

  // A missing revision is the same as revision 0.
  return (
    compareParts(a, aStart, aDash, b, bStart, bDash) || compareParts(a, aDash + 1, a.length, b, bDash + 1, b.length)
  );
}

/** Why dpkg takes this for no version; null when it takes it. What it only warns about (no digit first) it compares all the same. */
export function debProblem(version: string): string | null {
  const colon = version.indexOf(':');
  const epoch = colon < 0 ? '0' : version.slice(0, colon);
  const rest = version.slice(colon + 1);
  const dash = rest.lastIndexOf('-');
  if (epoch === '') return 'its epoch is empty';
  if (digitsEnd(epoch, 0, epoch.length) < epoch.length) return 'its epoch is not a number';
  if (compareDigits(epoch, 0, epoch.length, MAX_EPOCH, 0, MAX_EPOCH.length) > 0) return 'its epoch is too large';
  if (rest === '') return 'there is nothing after its colon';
  if (dash === rest.length - 1) return 'its revision is empty';
  if (dash === 0) return 'its upstream version is empty';

  return null;
}

/** Where the upstream part begins. A colon counts only behind digits. */
function afterEpoch(version: string): number {
  const end = digitsEnd(version, 0, version.length);

  return end > 0 && version.charCodeAt(end) === COLON ? end + 1 : 0;
}

/** Position of the dash before the revision, the end of the text when there is none. */
function lastDash(version: string, from: number): number {
  for (let index = version.length - 1; index >= from; index -= 1) {
    if (version.charCodeAt(index) === DASH) return index;
  }

  return version.length;
}

/** Alternates between a run of non-digits, compared by character, and a run of digits, compared as a number. */
function compareParts(a: string, aFrom: number, aEnd: number, b: string, bFrom: number, bEnd: number): number {
  let i = aFrom;
  let j = bFrom;

  while (i < aEnd || j < bEnd) {
    let left = i < aEnd ? weight(a.charCodeAt(i)) : END;
    let right = j < bEnd ? weight(b.charCodeAt(j)) : END;
    while (left !== END || right !== END) {
      if (left !== right) return left - right;
      i += 1;
      j += 1;
      left = i < aEnd ? weight(a.charCodeAt(i)) : END;
      right = j < bEnd ? weight(b.charCodeAt(j)) : END;
    }

    const iEnd = digitsEnd(a, i, aEnd);
    const jEnd = digitsEnd(b, j, bEnd);
    const order = compareDigits(a, i, iEnd, b, j, jEnd);
    if (order !== 0) return order;
    i = iEnd;
    j = jEnd;
  }

  return 0;
}

function weight(code: number): number {
  if (isDigit(code)) return END;
  if (code === TILDE) return BEFORE_END;
  const lower = code | 32;

  return lower >= 97 && lower <= 122 ? code : code + AFTER_LETTERS;
}

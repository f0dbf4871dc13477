// Order of Debian package versions: [epoch:]upstream[-revision], as deb-version(7) and the Debian Policy section 5.6.12
// define it. Pure.

/** `~` sorts before everything, even the end of a part; then the end, then letters, then all other characters. */
const TILDE = -1;
const END = 0;
const AFTER_LETTERS = 256;

/** Negative when `a` is older than `b`, 0 when they are the same version, positive when it is newer. */
export function compareDebVersions(a: string, b: string): number {
  const left = split(a);
  const right = split(b);
  if (left.epoch !== right.epoch) return left.epoch < right.epoch ? -1 : 1;

  return compareParts(left.upstream, right.upstream) || compareParts(left.revision, right.revision);
}

function split(version: string): { readonly epoch: bigint; readonly upstream: string; readonly revision: string } {
  const colon = version.indexOf(':');
  const epoch = colon > 0 && /^\d+$/.test(version.slice(0, colon)) ? BigInt(version.slice(0, colon)) : 0n;
  const rest = version.slice(colon + 1);
  const dash = rest.lastIndexOf('-');

  // A missing revision is the same as revision 0.
  return dash < 0
    ? { epoch, upstream: rest, revision: '' }
    : { epoch, upstream: rest.slice(0, dash), revision: rest.slice(dash + 1) };
}

/** Alternates between a run of non-digits, compared by character, and a run of digits, compared as a number. */
function compareParts(a: string, b: string): number {
  let i = 0;
  let j = 0;

  while (i < a.length || j < b.length) {
    while ((i < a.length && !isDigit(a, i)) || (j < b.length && !isDigit(b, j))) {
      const order = weight(a, i) - weight(b, j);
      if (order !== 0) return order;
      i += 1;
      j += 1;
    }

    const [left, nextI] = digits(a, i);
    const [right, nextJ] = digits(b, j);
    if (left.length !== right.length) return left.length - right.length;
    if (left !== right) return left < right ? -1 : 1;
    i = nextI;
    j = nextJ;
  }

  return 0;
}

/** A run of digits without leading zeros (so that length and text give the order of any size), and where it ends. */
function digits(text: string, from: number): readonly [string, number] {
  let end = from;
  while (isDigit(text, end)) end += 1;

  return [text.slice(from, end).replace(/^0+/, ''), end];
}

function weight(text: string, index: number): number {
  const character = text[index];
  if (character === undefined || isDigit(text, index)) return END;
  if (character === '~') return TILDE;
  const code = character.charCodeAt(0);

  return /[A-Za-z]/.test(character) ? code : code + AFTER_LETTERS;
}

function isDigit(text: string, index: number): boolean {
  const character = text[index];

  return character !== undefined && character >= '0' && character <= '9';
}

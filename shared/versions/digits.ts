// Runs of ASCII digits inside texts, compared as numbers of any size, without making new texts. Pure.

const ZERO = 48;
const NINE = 57;

/** True for the code of 0 to 9; false for NaN, which is what the end of a text has. */
export function isDigit(code: number): boolean {
  return code >= ZERO && code <= NINE;
}

/** Where the run of digits that begins at `from` ends; `from` itself when there is none. */
export function digitsEnd(text: string, from: number, end: number): number {
  let index = from;
  while (index < end && isDigit(text.charCodeAt(index))) index += 1;

  return index;
}

/** Compares the digits a[aFrom, aEnd) and b[bFrom, bEnd) as numbers; an empty run is 0. */
export function compareDigits(a: string, aFrom: number, aEnd: number, b: string, bFrom: number, bEnd: number): number {
  let i = aFrom;
  let j = bFrom;
  while (i < aEnd && a.charCodeAt(i) === ZERO) i += 1;
  while (j < bEnd && b.charCodeAt(j) === ZERO) j += 1;
  if (aEnd - i !== bEnd - j) return aEnd - i - (bEnd - j);

  for (; i < aEnd; i += 1, j += 1) {
    const order = a.charCodeAt(i) - b.charCodeAt(j);
    if (order !== 0) return order;
  }

  return 0;
}

/** Compares two texts of digits as numbers of any size. */
export function compareNumbers(a: string, b: string): number {
  return compareDigits(a, 0, a.length, b, 0, b.length);
}

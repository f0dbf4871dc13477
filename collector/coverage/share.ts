// A share of machines as people read it. Pure. It is 100 % only where it is all of them and 0 % only where it is none, whatever
// rounding says; of nothing there is no share.

const TENTHS = 1000;

/** In tenths of a percent, null of nothing. */
export function shareOf(part: number, whole: number): number | null {
  if (whole <= 0) return null;
  const tenths = Math.round((part / whole) * TENTHS);
  if (part > 0 && tenths === 0) return 0.1;
  if (part < whole && tenths === TENTHS) return 99.9;

  return tenths / 10;
}

/** `412 of 430 (95.8 %)`. */
export function shareText(part: number, whole: number): string {
  const share = shareOf(part, whole);

  return `${part.toLocaleString('en-US')} of ${whole.toLocaleString('en-US')}${share === null ? '' : ` (${share} %)`}`;
}

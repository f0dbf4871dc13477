// Order of kernel release strings as uname(2) gives them (6.1.0-28-amd64). Pure; package versions have rules of their own.

/** Ascending: numbers by value, the rest by code unit, a shorter one first. */
export function compareReleases(one: string, other: string): number {
  const a = one.match(/\d+|\D+/g) ?? [];
  const b = other.match(/\d+|\D+/g) ?? [];

  for (const [index, left] of a.entries()) {
    const right = b[index];
    if (right === undefined) return 1;
    if (left === right) continue;
    if (/^\d/.test(left) && /^\d/.test(right)) {
      const difference = Number(left) - Number(right);
      if (difference !== 0) return difference;
    } else return left < right ? -1 : 1;
  }

  return a.length - b.length;
}

/** What follows the numbers: `amd64`, `cloud-amd64`, `generic`; empty for a release that is only numbers. */
export function flavour(release: string): string {
  return /^[\d.]+(?:-\d[\d.]*)*(?:[+~][^-]*)?-?(.*)$/.exec(release)?.[1] ?? '';
}

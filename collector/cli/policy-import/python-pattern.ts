// A regular expression as unattended-upgrades uses them (python, matched at the beginning of a name) to a name with `*`. Pure. What
// is more than that is not guessed.

/** Null where it cannot be said with `*` alone. */
export function globOf(pattern: string): string | null {
  let rest = pattern.replace(/^\^/, '');
  const ends = /(^|[^\\])\$$/.test(rest);
  if (ends) rest = rest.slice(0, -1);
  let glob = '';

  while (rest !== '') {
    const literal = /^[A-Za-z0-9_-]/.exec(rest) ?? /^\\[.+_-]/.exec(rest);
    if (rest.startsWith('.*')) {
      glob += '*';
      rest = rest.slice(2);
    } else if (literal === null) return null;
    else {
      glob += literal[0].replace('\\', '');
      rest = rest.slice(literal[0].length);
    }
  }
  if (glob === '') return null;

  return ends || glob.endsWith('*') ? glob : `${glob}*`;
}

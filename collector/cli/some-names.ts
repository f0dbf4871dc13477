// Names of hosts in one line: a few of many, and how many more there are.
const SOME_NAMES = 12;

export function someNames(list: readonly string[]): string {
  if (list.length === 0) return 'none';
  const rest = list.length - SOME_NAMES;

  return `${list.slice(0, SOME_NAMES).join(', ')}${rest > 0 ? ` and ${rest} more` : ''}`;
}

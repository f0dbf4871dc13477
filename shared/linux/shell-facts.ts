// Settings that a shell could read, as os-release(5) and many others are written. Pure; nothing is expanded or run.

/** `KEY=value` lines with shell quoting, as os-release(5). */
export function parseShellFacts(text: string): ReadonlyMap<string, string> {
  const facts = new Map<string, string>();

  for (const line of text.split('\n')) {
    const match = /^([A-Z_0-9]+)=(?:"((?:[^"\\]|\\.)*)"|'([^']*)'|(\S*))\s*$/.exec(line.trim());
    if (!match?.[1]) continue;
    facts.set(match[1], match[2]?.replace(/\\(.)/g, '$1') ?? match[3] ?? match[4] ?? '');
  }

  return facts;
}

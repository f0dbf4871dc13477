// A text as one word for a POSIX shell, whatever is in it: printed commands are pasted as they are.
const PLAIN = /^[A-Za-z0-9_@%+=:,./-]+$/;

export function shellWord(text: string): string {
  return PLAIN.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

// Text from other machines and people, made safe to print: a terminal obeys control characters, wherever they come from.
// Pure; it knows no terminal and cuts nothing.

/** C0 (without tab and line end) and C1 controls, other line ends, and the marks that turn the direction of text round. */
const HARMFUL =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

/** One line: each control character, line ends too, becomes `?`. Tabs stay. */
export function harmless(text: string): string {
  return harmlessLines(text).replaceAll('\n', '?');
}

/** The same for text of several lines. */
export function harmlessLines(text: string): string {
  return text.replace(HARMFUL, '?');
}

/** A JSON text that means the same: JSON.stringify leaves C1 controls and marks as they are, here they are written `\u…`. */
export function harmlessJson(json: string): string {
  return json.replace(HARMFUL, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

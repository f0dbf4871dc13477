// What bounds a select text, each with its unit. A text past one of them is refused; nothing is cut.

/** UTF-8 bytes of a text: percent-encoded it still fits the request line of an HTTP server (16 KiB of headers). */
export const MAX_SELECT_BYTES = 4096;
/** Parentheses and `not` inside one another: deeper than people read, far shallower than a stack. */
export const MAX_DEPTH = 32;
/** Characters of one name or value. */
export const MAX_WORD_CHARACTERS = 256;
/** Values in one `in (…)`. */
export const MAX_VALUES = 500;
/** Edits between a misspelt name and what is offered in its place. */
export const MAX_TYPING_ERRORS = 2;

// apt.conf(5), read as apt reads it: every setting with the line it stands on. Pure; it includes and clears nothing by itself,
// a directive is handed on like a setting. What apt refuses is an error with line and column, and
// so are blocks that do not match, which apt lets pass: what was meant is not known.
import { CodedError } from '../errors/coded-error.ts';

export interface AptSetting {
  /** `APT::Periodic::Enable`; letters as they stand there (apt does not tell them apart). */
  readonly name: string;
  readonly value: string;
  /** One of several values under this name (`Name:: "a";` or `Name { "a"; "b"; };`). */
  readonly item: boolean;
  /** `#clear` or `#include`; `value` is what follows. */
  readonly directive: boolean;
  /** 1-based. */
  readonly line: number;
}

interface Word {
  readonly text: string;
  readonly line: number;
}

const MAX_DEPTH = 32;
const DIRECTIVE = /^#(clear|include)(?![A-Za-z])/;

/** Throws PARSE naming `file`, line and column (both 1-based; `details.line`, `details.column`). */
export function parseAptConf(text: string, file: string): readonly AptSetting[] {
  const settings: AptSetting[] = [];
  const parents: string[] = [];
  let words: Word[] = [];
  let line = 1;
  let lineStart = 0;
  let at = 0;

  const refuse = (what: string, offset = at): never => {
    const column = offset - lineStart + 1;
    throw new CodedError('PARSE', `${file}:${line}:${column}: ${what}`, { details: { file, line, column } });
  };
  const newLine = () => {
    line += 1;
    lineStart = at + 1;
  };
  const statement = () => {
    const [first, ...values] = words;
    if (first !== undefined) settings.push(settingOf(parents.at(-1) ?? '', first, values));
    words = [];
  };

  for (; at < text.length; at += 1) {
    const rest = text.slice(at, at + 9);
    const char = text[at] ?? '';
    if (char === '\n') newLine();
    else if (/\s/.test(char)) continue;
    else if (rest.startsWith('//') || (char === '#' && !DIRECTIVE.test(rest))) {
      const end = text.indexOf('\n', at);
      at = (end === -1 ? text.length : end) - 1;
    } else if (rest.startsWith('/*')) {
      const end = text.indexOf('*/', at + 2);
      if (end === -1) refuse('a comment that begins here does not end');
      for (; at < end + 1; at += 1) if (text[at] === '\n') newLine();
    } else if (char === ';') statement();
    else if (char === '{') {
      const [first, ...values] = words;
      if (first === undefined) refuse('a block without a name');
      else {
        if (values.length > 0) settings.push(settingOf(parents.at(-1) ?? '', first, values));
        parents.push(joined(parents.at(-1) ?? '', first.text));
      }
      words = [];
      if (parents.length > MAX_DEPTH) refuse(`blocks deeper than ${MAX_DEPTH}`);
    } else if (char === '}') {
      if (parents.length === 0) refuse('a block ends here that does not begin');
      // apt takes the last statement of a block without its semicolon.
      statement();
      parents.pop();
    } else {
      const length = wordLength(text, at);
      if (length === null) refuse('a text that begins with " does not end on its line');
      const raw = text.slice(at, at + (length ?? 1));
      words.push({ text: raw, line });
      at += raw.length - 1;
    }
  }
  const [open] = words;
  if (open !== undefined) {
    throw new CodedError('PARSE', `${file}:${open.line}: the setting ${open.text} has no ; at its end`, {
      details: { file, line: open.line, column: 1 },
    });
  }
  if (parents.length > 0) refuse(`the block ${parents.at(-1)} is not closed`);

  return settings;
}

function settingOf(parent: string, first: Word, values: readonly Word[]): AptSetting {
  const { line } = first;
  if (DIRECTIVE.test(first.text)) {
    return { name: first.text, value: values.map(plain).join(' '), item: false, directive: true, line };
  }
  // A word alone is a value of the block it stands in; apt decodes %20 and the like in it, and only there.
  if (values.length === 0) {
    return { name: parent, value: decoded(plain(first)), item: true, directive: false, line };
  }
  const name = joined(parent, plain(first));
  const item = name.endsWith('::');

  return { name: item ? name.slice(0, -2) : name, value: values.map(plain).join(' '), item, directive: false, line };
}

function joined(parent: string, name: string): string {
  const own = name.replaceAll('"', '');

  return parent === '' ? own : `${parent}::${own}`;
}

function plain({ text }: Word): string {
  return text.replaceAll('"', '');
}

function decoded(text: string): string {
  return text.replace(/%([0-9a-fA-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}

/** Up to white space or punctuation outside quotes; null where quotes do not end on their line. */
function wordLength(text: string, from: number): number | null {
  let at = from;
  for (; at < text.length && !/[\s;{}]/.test(text[at] ?? ''); at += 1) {
    if (text[at] !== '"') continue;
    const end = text.indexOf('"', at + 1);
    const lineEnd = text.indexOf('\n', at);
    if (end === -1 || (lineEnd !== -1 && lineEnd < end)) return null;
    at = end;
  }

  return at - from;
}

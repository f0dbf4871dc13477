// Sections, keys and values of an INI file, each with its line. Pure. What is neither is an error with line and column.
import { CodedError } from '@selvage/shared/errors/coded-error.ts';

export interface IniLine {
  readonly section: string;
  readonly key: string;
  readonly value: string;
  /** 1-based; of a value that goes on in further lines, the first. */
  readonly line: number;
}

/** Throws PARSE naming `file`, line and column (`details.line`, `details.column`). */
export function parseIni(text: string, file: string): readonly IniLine[] {
  const found: IniLine[] = [];
  let section: string | null = null;

  for (const [index, raw] of text.split(/\r?\n/).entries()) {
    const line = index + 1;
    const refuse = (what: string, column: number): never => {
      throw new CodedError('PARSE', `${file}:${line}:${column}: ${what}`, { details: { file, line, column } });
    };
    const trimmed = raw.trim();
    if (trimmed === '' || trimmed.startsWith('#') || trimmed.startsWith(';')) continue;
    const [, head] = /^\[([^\]]+)\]\s*([#;].*)?$/.exec(trimmed) ?? [];
    if (head !== undefined) {
      section = head.trim();
      continue;
    }
    if (trimmed.startsWith('[')) refuse('a section that is not closed with ]', raw.indexOf('[') + 1);
    const last = found.at(-1);
    if (/^\s/.test(raw) && last !== undefined && section === last.section) {
      found[found.length - 1] = { ...last, value: `${last.value} ${trimmed}`.trim() };
      continue;
    }
    const [, key, value] = /^([^=:]+?)\s*[=:]\s*(.*)$/.exec(trimmed) ?? [];
    const column = raw.length - raw.trimStart().length + 1;
    if (key === undefined || value === undefined) refuse('neither a section nor KEY = VALUE', column);
    else if (section === null) refuse('a setting before the first section', column);
    else found.push({ section, key, value, line });
  }

  return found;
}

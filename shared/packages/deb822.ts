// Stanzas of "Field: value" lines (deb822(5)), as dpkg and apt write them. Pure. A line it cannot place is an error:
// it never skips one.
import { CodedError } from '../errors/coded-error.ts';

export interface Stanza {
  /** Lower-case field name → value; continuation lines are joined by "\n", without their first blank. */
  readonly fields: ReadonlyMap<string, string>;
  /** Line of the first field, counted from 1. */
  readonly line: number;
}

export interface Deb822Options {
  /** Named in errors. */
  readonly file: string;
  /** Lines that start with `#` are comments: so in sources(5), not in dpkg's status. */
  readonly comments: boolean;
}

const FIELD = /^([!-,.-9;-~][!-9;-~]*):[ \t]*(.*)$/;
const SHOWN_LENGTH = 120;

/*
 * Package: apt
 * Status: install ok installed
 * Conffiles:
 *  /etc/apt/apt.conf.d/01autoremove ab6540f7278a05a4b7f9e58afcaa5f46
 * (an empty line ends the stanza)
 */
export function parseStanzas(text: string, options: Deb822Options): readonly Stanza[] {
  const stanzas: Stanza[] = [];
  let fields: Map<string, string> | undefined;
  let last: string | undefined;
  let start = 0;
  const end = () => {
    if (fields) stanzas.push({ fields, line: start });
    fields = undefined;
    last = undefined;
  };

  for (const [index, line] of text.split('\n').entries()) {
    if (options.comments && line.startsWith('#')) continue;
    if (line === '' || line.trim() === '') {
      end();
      continue;
    }

    if (line.startsWith(' ') || line.startsWith('\t')) {
      if (!fields || last === undefined) throw misplaced(options.file, index, line, 'continues no field');
      fields.set(last, `${fields.get(last)}\n${line.slice(1)}`);
      continue;
    }

    const match = FIELD.exec(line);
    if (!match?.[1]) throw misplaced(options.file, index, line, 'is no field');
    const name = match[1].toLowerCase();
    if (!fields) {
      fields = new Map();
      start = index + 1;
    }
    if (fields.has(name)) throw misplaced(options.file, index, line, 'repeats a field of its stanza');
    fields.set(name, (match[2] ?? '').trimEnd());
    last = name;
  }

  end();

  return stanzas;
}

function misplaced(file: string, index: number, line: string, why: string): CodedError {
  return new CodedError('PARSE', `${file}:${index + 1} ${why}: ${JSON.stringify(line.slice(0, SHOWN_LENGTH))}`, {
    details: { file, line: index + 1 },
  });
}

// apt's sources as data: sources.list(5) in its one-line and its deb822 style. Pure and strict: apt refuses every source
// when one line is malformed, and so does this.
import { asCoded, CodedError } from '../errors/coded-error.ts';
import { parseStanzas } from './deb822.ts';

/** One entry for binary packages: every URI is combined with every suite. */
export interface SourceEntry {
  readonly uris: readonly string[];
  readonly suites: readonly string[];
  /** Empty for a flat repository, whose suite ends in a slash. */
  readonly components: readonly string[];
  /** Every other field, by its lower-case name in the deb822 style (`architectures`, `signed-by`, `trusted`, …). */
  readonly options: ReadonlyMap<string, string>;
  readonly file: string;
  readonly line: number;
}

/** Characters of a line that names a source; what is longer was made to be slow to read. */
const MAX_LINE = 4096;
const YES = ['yes', 'true', 'with', 'on', 'enable', '1'];
const NO = ['no', 'false', 'without', 'off', 'disable', '0'];
const TYPES = ['deb', 'deb-src'];
const URI = /^[A-Za-z][A-Za-z0-9+.-]*:.*$/;
const OPTION = /^([A-Za-z-]*[A-Za-z])([+-]?)=(.*)$/;
/** One-line options whose deb822 field has another name; `+=` and `-=` are the fields `…-add` and `…-remove`. */
const FIELD_OF_OPTION: Readonly<Record<string, string>> = {
  arch: 'architectures',
  lang: 'languages',
  target: 'targets',
};
const FIELD_OF_SIGN: Readonly<Record<string, string>> = { '+': '-add', '-': '-remove' };
const NO_OPTION = ['types', 'uris', 'suites', 'components', 'enabled'];

/** Enabled entries for binary packages of a `*.list` file. Throws SETTINGS_INVALID naming the line. */
export function parseOneLine(text: string, file: string): readonly SourceEntry[] {
  return text.split('\n').flatMap((whole, index) => {
    const [line = ''] = whole.split('#', 1);
    if (line.length > MAX_LINE) throw malformed(file, index + 1, `it has more than ${MAX_LINE} characters`);

    return line.trim() === '' ? [] : readLine(line.trim(), file, index + 1);
  });
}

/*
 * deb [arch=amd64 signed-by=/usr/share/keyrings/x.gpg] https://repo.example.org/apt stable main contrib
 * deb cdrom:[Debian GNU/Linux 12]/ bookworm main
 * deb http://flat.example.org/packages ./
 */
function readLine(text: string, file: string, line: number): readonly SourceEntry[] {
  const words = split(text, file, line);
  const type = words.shift() ?? '';
  if (!TYPES.includes(type)) throw malformed(file, line, `the type ${JSON.stringify(type)} is not known`);

  const options = new Map<string, string>();
  const inBrackets = words[0]?.startsWith('[') ? words.shift() : undefined;
  for (const word of inBrackets?.slice(1, -1).trim().split(/\s+/) ?? []) {
    if (word === '') continue;
    const match = OPTION.exec(word);
    if (!match?.[1]) throw malformed(file, line, `the option ${JSON.stringify(word)} has no value`);
    const name = match[1].toLowerCase();
    options.set(`${FIELD_OF_OPTION[name] ?? name}${FIELD_OF_SIGN[match[2] ?? ''] ?? ''}`, match[3] ?? '');
  }

  const [uri, suite, ...components] = words;
  if (uri === undefined || suite === undefined) throw malformed(file, line, 'it needs a URI and a suite');

  return entry(type, [uri], [suite], components, options, { file, line });
}

/** Enabled entries for binary packages of a `*.sources` file. Throws SETTINGS_INVALID naming the line. */
export function parseDeb822(text: string, file: string): readonly SourceEntry[] {
  return stanzas(text, file).flatMap(({ fields, line }) => {
    const words = (field: string) => (fields.get(field) ?? '').split(/\s+/).filter((word) => word !== '');
    const enabled = fields.get('enabled');
    if (enabled !== undefined && !truth(enabled, file, line)) return [];

    const types = words('types');
    const uris = words('uris');
    const suites = words('suites');
    if (types.length === 0 || uris.length === 0 || suites.length === 0) {
      throw malformed(file, line, 'it needs Types, URIs and Suites');
    }

    const options = new Map([...fields].filter(([field]) => !NO_OPTION.includes(field)));

    return types.flatMap((type) => {
      if (!TYPES.includes(type)) throw malformed(file, line, `the type ${JSON.stringify(type)} is not known`);

      return entry(type, uris, suites, words('components'), options, { file, line });
    });
  });
}

function entry(
  type: string,
  uris: readonly string[],
  suites: readonly string[],
  components: readonly string[],
  options: ReadonlyMap<string, string>,
  at: { readonly file: string; readonly line: number },
): readonly SourceEntry[] {
  for (const uri of uris) {
    if (!URI.test(uri)) throw malformed(at.file, at.line, `${JSON.stringify(uri)} is no URI`);
  }
  for (const suite of suites) {
    // sources.list(5): an exact path (it ends in a slash) has no components, anything else needs one.
    if (suite.endsWith('/') !== (components.length === 0)) {
      throw malformed(at.file, at.line, `the suite ${JSON.stringify(suite)} and its components do not fit`);
    }
  }
  const trusted = options.get('trusted');
  if (trusted !== undefined) truth(trusted, at.file, at.line);

  return type === 'deb' ? [{ uris, suites, components, options, ...at }] : [];
}

/** Entries as the text of a `.sources` file, for an apt that is to see only some of them. */
export function renderSources(entries: readonly SourceEntry[]): string {
  return entries
    .map(({ uris, suites, components, options }) =>
      [
        'Types: deb',
        `URIs: ${uris.join(' ')}`,
        `Suites: ${suites.join(' ')}`,
        ...(components.length === 0 ? [] : [`Components: ${components.join(' ')}`]),
        ...[...options].map(([name, value]) => `${name}: ${value.replaceAll('\n', '\n ')}`),
        '',
      ].join('\n'),
    )
    .join('\n');
}

/** Words of a line; `[…]` and `cdrom:[…]/` hold blanks. */
function split(text: string, file: string, line: number): string[] {
  const words = text.match(/(?:\[[^\]]*\]|[^\s[\]])+/g) ?? [];
  if (words.join('') !== text.replaceAll(/\s+(?![^[]*\])/g, ''))
    throw malformed(file, line, 'its brackets do not match');

  return words;
}

function truth(value: string, file: string, line: number): boolean {
  const word = value.trim().toLowerCase();
  if (YES.includes(word)) return true;
  if (NO.includes(word)) return false;
  throw malformed(file, line, `${JSON.stringify(value)} is neither yes nor no`);
}

function stanzas(text: string, file: string): ReturnType<typeof parseStanzas> {
  try {
    return parseStanzas(text, { file, comments: true });
  } catch (error) {
    const { message } = asCoded(error);
    throw new CodedError('SETTINGS_INVALID', `apt's sources are malformed: ${message}`, { cause: error, next: NEXT });
  }
}

const NEXT = 'correct the source named; apt reads none of them until then';

function malformed(file: string, line: number, why: string): CodedError {
  return new CodedError('SETTINGS_INVALID', `apt's sources are malformed: ${file}:${line}: ${why}`, {
    next: NEXT,
    details: { file, line },
  });
}

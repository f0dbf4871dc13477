// YAML files with policy documents, one or more each, to documents: every error of every file at once, with the line
// where it can be said. Nothing but plain data is taken from YAML: no tags, no merge keys, no aliases that blow up.
import { basename } from 'node:path';
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import { readBounded } from '@selvage/shared/files/durable.ts';
import { decodeDocuments } from '@selvage/shared/policy/decode.ts';
import { type PolicyDocument, pathOf } from '@selvage/shared/policy/documents.ts';
import type { DocumentProblem } from '@selvage/shared/policy/references.ts';
import { type Document, isMap, isScalar, LineCounter, parseAllDocuments } from 'yaml';

/** A policy of a large site has a few hundred documents. */
const MAX_FILE_BYTES = 1024 * 1024;
/** Uses of anchors in one document; more is a bomb, not a policy. */
const MAX_ALIASES = 50;

interface Problem extends DocumentProblem {
  readonly file: string;
  readonly line: number | null;
}

interface Parsed {
  readonly documents: readonly { readonly document: PolicyDocument; readonly file: string; readonly line: number }[];
  readonly problems: readonly Problem[];
  readonly unsupported: boolean;
}

/** Documents of all files. Throws DOCUMENT_INVALID or DOCUMENT_NOT_SUPPORTED with `details.errors` for all of them. */
export async function readPolicyFiles(paths: readonly string[]): Promise<readonly PolicyDocument[]> {
  const parsed: Parsed[] = [];
  for (const path of paths) parsed.push(await readFile(path));

  const found = parsed.flatMap(({ documents }) => documents);
  const problems = [...parsed.flatMap((each) => each.problems), ...duplicates(found)];
  if (problems.length > 0) {
    const onlyUnsupported = parsed.every(({ unsupported, problems: own }) => unsupported || own.length === 0);
    const files = new Set(problems.map(({ file }) => file)).size;
    throw new CodedError(
      onlyUnsupported && duplicates(found).length === 0 ? 'DOCUMENT_NOT_SUPPORTED' : 'DOCUMENT_INVALID',
      `${counted(problems.length, 'error')} in ${counted(files, 'file')}`,
      { details: { errors: problems } },
    );
  }
  if (found.length === 0) throw new CodedError('DOCUMENT_INVALID', `there is no document in ${paths.join(', ')}`);

  return found.map(({ document }) => document);
}

async function readFile(path: string): Promise<Parsed> {
  const bytes = await readBounded(path, MAX_FILE_BYTES);
  if (!bytes) throw new CodedError('NOT_FOUND', `there is no file ${path}`, { next: 'check the path' });

  return parseFile(Buffer.from(bytes).toString('utf8'), basename(path));
}

/** One YAML text. `file` is how errors call it. */
function parseFile(text: string, file: string): Parsed {
  const lines = new LineCounter();
  const parsed = parseAllDocuments(text, { lineCounter: lines, merge: false, uniqueKeys: true, customTags: [] });
  const documents: { document: PolicyDocument; file: string; line: number }[] = [];
  const problems: Problem[] = [];
  let unsupported = true;

  for (const yaml of Array.isArray(parsed) ? parsed : []) {
    const syntax = [...yaml.errors, ...yaml.warnings];
    if (syntax.length > 0) {
      unsupported = false;
      for (const error of syntax) {
        const message = error.message.split('\n')[0] ?? '';
        problems.push({ file, line: lines.linePos(error.pos[0]).line, path: 'YAML', message });
      }
      continue;
    }
    // A file may end with "---" or hold comments only.
    if (yaml.contents === null || (isScalar(yaml.contents) && yaml.contents.value === null)) continue;

    const result = decodeOne(yaml, file, lines);
    if ('document' in result) documents.push(result);
    else {
      problems.push(...result.problems);
      unsupported = unsupported && result.unsupported;
    }
  }

  return { documents, problems, unsupported };
}

type One =
  | { readonly document: PolicyDocument; readonly file: string; readonly line: number }
  | { readonly problems: readonly Problem[]; readonly unsupported: boolean };

function decodeOne(yaml: Document.Parsed, file: string, lines: LineCounter): One {
  const line = lineOf(yaml, [], lines);

  try {
    const [document] = decodeDocuments([plain(yaml)]);
    if (!document) throw new CodedError('INTERNAL', 'one value became no document');

    return { document, file, line: line ?? 1 };
  } catch (error) {
    if (!(error instanceof CodedError) || error.exit !== 2) throw error;

    return {
      unsupported: error.code === 'DOCUMENT_NOT_SUPPORTED',
      problems: problemsOf(error).map(({ path, message, select }) => ({
        file,
        line: lineOf(yaml, stepsOf(path), lines) ?? line,
        path: path.replace(/^document 1( \(|: )/, (_, rest: string) => (rest === ': ' ? '' : '(')),
        message,
        ...(select === undefined ? {} : { select }),
      })),
    };
  }
}

function plain(yaml: Document.Parsed): unknown {
  try {
    return yaml.toJS({ maxAliasCount: MAX_ALIASES });
  } catch (error) {
    throw new CodedError('DOCUMENT_INVALID', 'too many aliases', {
      cause: error,
      details: { problems: [{ path: 'YAML', message: 'uses more aliases than a policy needs' }] },
    });
  }
}

function problemsOf(error: CodedError): readonly DocumentProblem[] {
  const { problems } = error.details;
  if (Array.isArray(problems)) return problems;

  return [{ path: '', message: error.message }];
}

/** `lanes`, `immediate`, `window` of `PatchPolicy linux-servers: lanes.immediate.window`. */
function stepsOf(path: string): readonly string[] {
  const at = path.indexOf(': ');

  return at === -1 ? [] : path.slice(at + 2).split('.');
}

/** Line of the deepest part of a path that is there; of the document itself for an empty path. */
function lineOf(yaml: Document.Parsed, steps: readonly string[], lines: LineCounter): number | null {
  for (let length = steps.length; length > 0; length--) {
    const parent = length === 1 ? yaml.contents : yaml.getIn(steps.slice(0, length - 1), true);
    const key = isMap(parent)
      ? parent.items.find((pair) => isScalar(pair.key) && String(pair.key.value) === steps[length - 1])?.key
      : undefined;
    const node = key ?? yaml.getIn(steps.slice(0, length), true);
    const start = rangeOf(node);
    if (start !== null) return lines.linePos(start).line;
  }
  const start = rangeOf(yaml.contents);

  return start === null ? null : lines.linePos(start).line;
}

function rangeOf(node: unknown): number | null {
  if (typeof node !== 'object' || node === null || !('range' in node) || !Array.isArray(node.range)) return null;
  const [start] = node.range;

  return typeof start === 'number' ? start : null;
}

function duplicates(found: Parsed['documents']): readonly Problem[] {
  const seen = new Set<string>();

  return found.flatMap(({ document, file, line }) => {
    const path = pathOf(document);
    if (!seen.has(path)) {
      seen.add(path);

      return [];
    }

    return [{ file, line, path: `${document.kind} ${document.name}: name`, message: 'is given twice' }];
  });
}

function counted(count: number, word: string): string {
  return `${count} ${word}${count === 1 ? '' : 's'}`;
}

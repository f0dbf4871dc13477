// Plain values (from YAML or JSON) to documents, with every error at once and its path. It reads no file, and it accepts
// no field whose meaning is not built: a policy that is half understood would be half obeyed. Pure.
import type * as z from 'zod';
import { CodedError } from '../errors/coded-error.ts';
import {
  KINDS,
  type Kind,
  LANES,
  NOT_SUPPORTED_YET,
  type PatchPolicyDocument,
  type PolicyDocument,
  pathOf,
} from './documents.ts';
import { type DocumentProblem, meaningProblems } from './references.ts';

/**
 * Documents of plain values, defaults filled in. Throws DOCUMENT_INVALID with every problem of every document
 * (`details.problems`), or DOCUMENT_NOT_SUPPORTED when all are well-formed but ask for what is not built.
 */
export function decodeDocuments(values: readonly unknown[]): readonly PolicyDocument[] {
  const documents: PolicyDocument[] = [];
  const problems: DocumentProblem[] = [];

  values.forEach((value, index) => {
    const result = decodeOne(value, `document ${index + 1}`);
    if ('document' in result) documents.push(result.document);
    else problems.push(...result.problems);
  });
  problems.push(...duplicates(documents));
  if (problems.length > 0) throw refused('DOCUMENT_INVALID', problems);
  assertSupported(documents);

  return documents;
}

/** One document; the same errors as decodeDocuments. */
export function decodeDocument(value: unknown): PolicyDocument {
  const [document] = decodeDocuments([value]);
  if (!document) throw new CodedError('INTERNAL', 'one value became no document');

  return document;
}

/** Throws DOCUMENT_NOT_SUPPORTED naming every field whose meaning is not built yet. */
function assertSupported(documents: readonly PolicyDocument[]): void {
  const problems = documents.flatMap((document) =>
    document.kind === 'PatchPolicy'
      ? unsupported(document).map((field) => ({
          path: `${document.kind} ${document.name}: ${field}`,
          message: 'is not supported yet',
        }))
      : [],
  );
  if (problems.length > 0) throw refused('DOCUMENT_NOT_SUPPORTED', problems);
}

/** What a policy asks for beyond its shape's plain fields: who signed it would believe that it happens. */
function unsupported(policy: PatchPolicyDocument): readonly string[] {
  const fields = NOT_SUPPORTED_YET.filter((field) => policy[field] !== undefined);
  const automatic = LANES.filter((lane) => policy.lanes[lane]?.approve === 'automatic');

  return [
    ...fields,
    ...(policy.allow.closes === undefined ? [] : ['allow.closes']),
    ...automatic.map((lane) => `lanes.${lane}.approve: automatic`),
  ];
}

function decodeOne(
  value: unknown,
  position: string,
): { readonly document: PolicyDocument } | { readonly problems: readonly DocumentProblem[] } {
  const kind = property(value, 'kind');
  if (!isKind(kind)) {
    const known = Object.keys(KINDS).join(', ');

    return { problems: [{ path: `${position}: kind`, message: `${JSON.stringify(kind)} is none of ${known}` }] };
  }

  const name = property(value, 'name');
  const label = typeof name === 'string' ? `${kind} ${name}` : `${position} (${kind})`;
  const parsed = KINDS[kind].safeParse(value);
  if (parsed.success) {
    const problems = meaningProblems(parsed.data).map((each) => ({ ...each, path: `${label}: ${each.path}` }));

    return problems.length === 0 ? { document: parsed.data } : { problems };
  }

  return {
    problems: parsed.error.issues.flatMap(deepest).map((issue) => ({
      path: issue.path.length === 0 ? label : `${label}: ${issue.path.join('.')}`,
      message: issue.message,
    })),
  };
}

/** Of several shapes the one that was meant: it got furthest. */
function deepest(issue: z.core.$ZodIssue): readonly z.core.$ZodIssue[] {
  if (issue.code !== 'invalid_union') return [issue];
  const meant = issue.errors.find((issues) =>
    issues.some(({ code, path }) => code !== 'invalid_type' || path.length > 0),
  );
  if (meant === undefined) return [issue];

  return meant.map((inner) => ({ ...inner, path: [...issue.path, ...inner.path] })).flatMap(deepest);
}

function duplicates(documents: readonly PolicyDocument[]): readonly DocumentProblem[] {
  const seen = new Set<string>();

  return documents.flatMap((document) => {
    const path = pathOf(document);
    if (!seen.has(path)) {
      seen.add(path);

      return [];
    }

    return [{ path: `${document.kind} ${document.name}: name`, message: 'is given twice' }];
  });
}

function isKind(value: unknown): value is Kind {
  return typeof value === 'string' && Object.hasOwn(KINDS, value);
}

function property(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, name)
    ? (value as Record<string, unknown>)[name]
    : undefined;
}

function refused(code: 'DOCUMENT_INVALID' | 'DOCUMENT_NOT_SUPPORTED', problems: readonly DocumentProblem[]) {
  const text = problems.map((problem) => `${problem.path} ${problem.message}`).join('; ');

  return new CodedError(code, text, { details: { problems } });
}

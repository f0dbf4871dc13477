// The one error class of Selvage: a closed code for programs, a sentence and a next step for people.
// It never carries secrets, and its text is never matched by code.
import { CODES, type Code, type ExitCode, isCode, type Rule } from './codes.ts';

export interface CodedErrorOptions {
  /** What happened below, kept whole; never turned into text. */
  readonly cause?: unknown;
  /** A better next step than the code's own. */
  readonly next?: string;
  /** Facts of this case (paths, versions, ids), for programs. */
  readonly details?: Readonly<Record<string, unknown>>;
}

export class CodedError extends Error {
  override readonly name = 'CodedError';
  readonly code: Code;
  readonly next: string;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(code: Code, message: string, options: CodedErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.next = options.next ?? CODES[code].next;
    this.details = options.details ?? {};
  }

  get rule(): Rule {
    return CODES[this.code].rule;
  }

  get exit(): ExitCode {
    return CODES[this.code].exit;
  }
}

/** True when `error` is a CodedError (with that code, when one is given). */
export function hasCode(error: unknown, code?: Code): error is CodedError {
  return error instanceof CodedError && (code === undefined || error.code === code);
}

/** What an operating system says when it can write nothing more (errno(3)). */
const ERRNO_CODES: Readonly<Record<string, Code>> = {
  ENOSPC: 'DISK_FULL',
  EDQUOT: 'DISK_FULL',
  EROFS: 'FILE_UNWRITABLE',
  EIO: 'FILE_UNWRITABLE',
};

/**
 * Any thrown value as a CodedError, itself as the cause: a disk that takes nothing more is DISK_FULL or FILE_UNWRITABLE,
 * whatever else is none becomes INTERNAL.
 */
export function asCoded(error: unknown): CodedError {
  if (error instanceof CodedError) return error;
  const errno = error instanceof Error && 'code' in error ? String(error.code) : '';

  return new CodedError(ERRNO_CODES[errno] ?? 'INTERNAL', error instanceof Error ? error.message : String(error), {
    cause: error,
  });
}

/** The shape in which an error crosses the HTTP API and `--json` output. */
export interface ErrorDocument {
  readonly code: Code;
  readonly message: string;
  readonly next: string;
  readonly details?: Readonly<Record<string, unknown>>;
}

export function toDocument(error: CodedError): ErrorDocument {
  const empty = Object.keys(error.details).length === 0;

  return { code: error.code, message: error.message, next: error.next, ...(empty ? {} : { details: error.details }) };
}

/** The error that a peer sent; a code this side does not know becomes INTERNAL. */
export function fromDocument(document: {
  code?: unknown;
  message?: unknown;
  next?: unknown;
  details?: unknown;
}): CodedError {
  const code = isCode(document.code) ? document.code : 'INTERNAL';
  const details = typeof document.details === 'object' && document.details !== null ? { ...document.details } : {};
  const next = typeof document.next === 'string' ? { next: document.next } : {};

  return new CodedError(code, String(document.message ?? 'unknown error'), { ...next, details });
}

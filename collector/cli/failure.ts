// How a command ends badly: `error CODE: sentence`, one line per further error, `next: …`, all on standard error. A select
// text is shown with a caret under the column that is meant.
import { asCoded } from '@selvage/shared/errors/coded-error.ts';
import { caretLines } from '@selvage/shared/select/caret.ts';
import { harmless } from '@selvage/shared/text/harmless.ts';
import type { Output } from './screen.ts';

const MAX_SHOWN = 100;

/** Prints the error and returns the exit code. */
export function printFailure(error: unknown, stderr: Output): number {
  const coded = asCoded(error);
  const lines = [
    `error ${coded.code}: ${oneLine(coded.message)}`,
    ...caretOf(coded.details),
    ...furtherErrors(coded.details),
  ];
  stderr.write(`${[...lines, `next: ${oneLine(coded.next)}`].map(harmless).join('\n')}\n`);

  return coded.exit;
}

/** `details.errors` = [{file?, line?, path?, message}] as decoders report them. */
function furtherErrors(details: Readonly<Record<string, unknown>>): string[] {
  const errors = Array.isArray(details.errors) ? details.errors : [];
  const lines = errors.slice(0, MAX_SHOWN).flatMap((each: unknown) => {
    if (typeof each === 'string') return [`  ${oneLine(each)}`];
    if (typeof each !== 'object' || each === null) return [];
    const { file, line, path, message, select } = each as Record<string, unknown>;
    const place = [file, line].filter((part) => part !== undefined && part !== null).join(':');
    const parts = [place, path, message].filter((part) => part !== undefined && part !== null && part !== '');

    return [`  ${oneLine(parts.join('  '))}`, ...caretOf(select)];
  });

  return errors.length > MAX_SHOWN ? [...lines, `  … and ${errors.length - MAX_SHOWN} more`] : lines;
}

/** `{text, column}`, as SELECT_INVALID and the problems of documents carry it. */
function caretOf(select: unknown): readonly string[] {
  if (typeof select !== 'object' || select === null || !('text' in select) || !('column' in select)) return [];
  const { text, column } = select;
  if (typeof text !== 'string' || !Number.isSafeInteger(column)) return [];

  return caretLines(text, Number(column)).map((line) => `    ${line}`);
}

function oneLine(text: string): string {
  return text.replace(/\s*\n\s*/g, ' ');
}

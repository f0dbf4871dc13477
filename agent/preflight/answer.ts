// The one line and the exit code of a preflight. Pure.
import { CODES } from '@selvage/shared/errors/codes.ts';
import type { Check } from './facts.ts';

/** Ready; something is in the way that does not pass by itself; nothing but that the collector cannot be reached. */
export const EXIT = { ready: 0, refused: 3, unreachable: 4 } as const;

export interface Answer {
  readonly ready: boolean;
  readonly line: string;
  /** One for each failed check, for a person who asks for more. */
  readonly more: readonly string[];
  readonly exit: (typeof EXIT)[keyof typeof EXIT];
}

export function answerOf(checks: readonly Check[]): Answer {
  const inTheWay = checks.filter(({ state }) => state === 'failed');
  const [first, ...others] = inTheWay;
  if (first === undefined) return { ready: true, line: readyLine(checks), more: [], exit: EXIT.ready };
  const rest = others.length === 0 ? '' : ` (and ${others.length} more: ${others.map(({ code }) => code).join(', ')})`;

  return {
    ready: false,
    line: `not ready: ${first.code} ${first.says}${rest}; do: ${first.next}`,
    more: inTheWay.map(({ code, says, next }) => `${code} ${says}; do: ${next}`),
    exit: inTheWay.every(isUnreachable) ? EXIT.unreachable : EXIT.refused,
  };
}

function readyLine(checks: readonly Check[]): string {
  const facts = checks.filter(({ state }) => state === 'ok').map(({ says }) => says);
  const notes = checks.filter(({ state }) => state === 'note' || state === 'not asked').map(({ says }) => says);

  return `ready: ${[facts.join(', '), ...notes].join('; ')}`;
}

function isUnreachable({ code }: Check): boolean {
  return code !== undefined && CODES[code].exit === EXIT.unreachable;
}

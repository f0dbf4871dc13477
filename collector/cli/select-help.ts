// selvage help select: the grammar of select texts on half a page, and the words of each noun.
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import { NOUNS, type Noun } from '../api/words/list.ts';
import { VALUES } from '../api/words/tables.ts';
import type { Screen } from './screen.ts';

const GRAMMAR = [
  'A select text says which things of a list are meant, everywhere in the same way:',
  '',
  "  selvage host list --select 'tier=web and os=debian-12 and seen>3d'",
  '',
  '  A and B   A or B   not A   ( A )     and binds closer than or',
  '  NAME=VALUE   NAME!=VALUE             * in a text stands for any part of it: name=web-*',
  '  NAME>VALUE   < >= <=                 numbers, versions and times: security>0, agent<0.2, seen>3d',
  '  NAME in (A, B)   NAME not in (A, B)  one of several',
  '  NAME                                 alone, where it is yes or no: reboot, not connected',
  '',
  "  A name that is no field is a label: tier=web; a label called like a field: label.os='x'.",
  "  A value with spaces or other signs is quoted: owner='Ops Team'; in quotes \\* is a star itself.",
  '  NAME=* has any value, not NAME=* has none.',
  '  What is not known is not selected; lists say how many were left out because of what.',
] as const;

/** Throws NOT_FOUND for a noun that has no words. */
export function showSelectHelp(screen: Screen, name: string | undefined): void {
  const noun = NOUNS.find((each) => each.name === (name ?? 'hosts'));
  if (!noun) {
    throw new CodedError('NOT_FOUND', `there are no words for ${name}`, { next: `one of: ${names(NOUNS)}` });
  }
  if (name === undefined) {
    for (const line of GRAMMAR) screen.line(line);
    screen.line();
  }
  screen.line(`words for ${noun.name}   in ${noun.where}`, 'strong');
  screen.table(
    [{ title: 'NAME' }, { title: 'VALUE' }, { title: 'MEANING', shrinks: true }],
    noun.told.map((field) => {
      const known = noun.vocabulary.fields[field];

      return [field, known ? VALUES[known.kind] : '', known?.about ?? ''];
    }),
  );
  if (noun.also !== undefined) screen.line(`  ${noun.also}`);
  screen.line(`  labels: ${noun.labels}`);
  if (name === undefined) screen.line(`next: selvage help select ${names(NOUNS.slice(1)).replaceAll(', ', '|')}`);
}

function names(nouns: readonly Noun[]): string {
  return nouns.map((each) => each.name).join(', ');
}

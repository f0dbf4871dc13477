// The words of every noun as the tables of docs/select.md; a test keeps the page equal to them. Pure.
import type { FieldKind } from '@selvage/shared/select/vocabulary.ts';
import type { Noun } from './list.ts';

export const VALUES: Readonly<Record<FieldKind, string>> = {
  text: 'text',
  version: 'version',
  number: 'number',
  flag: 'yes or no',
  age: 'time since',
  left: 'time left',
  address: 'address',
};

export function wordTables(nouns: readonly Noun[]): string {
  return nouns
    .map(({ name, where, labels, also, told, vocabulary }) => {
      const rows = told.map((field) => {
        const known = vocabulary.fields[field];

        return `| \`${field}\` | ${known ? VALUES[known.kind] : ''} | ${known?.about ?? ''} |`;
      });

      return [
        `### ${name}\n`,
        `In ${where}. Labels: ${labels}.${also === undefined ? '' : ` Also: ${also}.`}\n`,
        '| word | value | meaning |',
        '|---|---|---|',
        ...rows,
      ].join('\n');
    })
    .join('\n\n');
}

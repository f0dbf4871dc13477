// The words by which imported VEX documents are selected.
import type { Vocabulary } from '@selvage/shared/select/vocabulary.ts';
import type { VexDocument } from '../../store/vex-ports.ts';

const FORMATS = ['openvex', 'csaf'] as const;

export const VEX_WORDS: Vocabulary<VexDocument> = {
  noun: 'VEX documents',
  fields: {
    id: { kind: 'text', about: 'first digits of its hash', of: ({ id }) => [id] },
    format: { kind: 'text', about: FORMATS.join(', '), of: ({ format }) => [format], values: FORMATS },
    author: { kind: 'text', about: 'whose word it is', of: ({ author }) => [author] },
    document: { kind: 'text', about: 'what its author calls it', of: ({ document }) => [document] },
    file: { kind: 'text', about: 'name of the file', of: ({ file }) => [file] },
    by: { kind: 'text', about: 'who imported it', of: ({ importedBy }) => [importedBy] },
    imported: { kind: 'age', about: 'time since the import', of: ({ importedAt }) => ({ at: importedAt }) },
    statements: { kind: 'number', about: 'how many', of: ({ statements }) => statements },
  },
  label: null,
};

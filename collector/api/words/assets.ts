// The words by which machines that ought to exist are selected.
import type { Vocabulary } from '@selvage/shared/select/vocabulary.ts';
import type { z } from 'zod';
import type { asset } from '../contract/assets.ts';

const some = (value: string | null) => (value === null ? [] : [value]);

export const ASSET_WORDS: Vocabulary<z.input<typeof asset>> = {
  noun: 'machines',
  fields: {
    name: { kind: 'text', about: 'any of its names', of: ({ name, names }) => [name, ...names] },
    source: { kind: 'text', about: 'the list it is in', of: ({ source }) => [source] },
    owner: { kind: 'text', about: 'who answers for it, by the list', of: ({ owner }) => some(owner) },
    state: { kind: 'text', about: "the list's own word", of: ({ state }) => some(state) },
    instance: { kind: 'text', about: 'id in its cloud', of: ({ instance }) => some(instance) },
    serial: { kind: 'text', about: 'serial number', of: ({ serial }) => some(serial) },
    mac: { kind: 'text', about: 'hardware address', of: ({ macs }) => macs },
    expected: { kind: 'flag', about: 'ought to exist', of: ({ expected }) => expected },
  },
  label: null,
};

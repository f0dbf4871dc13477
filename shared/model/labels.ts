// Labels: names with values, whoever says them (a host's settings, a signed HostGroup, the collector). Shapes and limits only.
import { CodedError } from '../errors/coded-error.ts';
import { flawIn } from '../text/printable.ts';

export type Labels = Readonly<Record<string, readonly string[]>>;

export const LABEL_NAME = /^[a-z0-9][a-z0-9._/-]*$/;
export const LABEL_NAME_RULE = 'small letters, digits and . _ - / only, with a letter or digit first';
export const MAX_LABELS = 64;
export const MAX_LABEL_VALUES = 16;
/** Characters. */
export const MAX_LABEL_NAME = 63;
export const MAX_LABEL_VALUE = 128;

/** What is wrong with a label, null when nothing is. */
function labelFlaw(name: string, value: string): string | null {
  const shown = JSON.stringify(name.slice(0, MAX_LABEL_NAME));
  if (name.length > MAX_LABEL_NAME) return `the name ${shown}… has more than ${MAX_LABEL_NAME} characters`;
  if (!LABEL_NAME.test(name)) return `the name ${shown} does not fit: ${LABEL_NAME_RULE}`;
  const flaw = flawIn(value, MAX_LABEL_VALUE);

  return flaw === null ? null : `the value of ${name}: ${flaw}`;
}

/** `tier=web` → its two parts; the value may hold further `=`. Throws USAGE naming what is wrong. */
export function parseLabel(text: string): { readonly name: string; readonly value: string } {
  const at = text.indexOf('=');
  if (at < 0) throw new CodedError('USAGE', `${JSON.stringify(text)} is no label: it has no "="`, { next: HOW });
  const [name, value] = [text.slice(0, at), text.slice(at + 1)];
  const flaw = labelFlaw(name, value);
  if (flaw !== null) throw new CodedError('USAGE', `a label is refused: ${flaw}`, { next: HOW });

  return { name, value };
}

/** Several `name=value` as one record: a name that comes twice has two values. Throws USAGE. */
export function parseLabels(texts: readonly string[]): Labels {
  const labels = new Map<string, string[]>();
  for (const text of texts) {
    const { name, value } = parseLabel(text);
    const values = labels.get(name) ?? [];
    if (!values.includes(value)) labels.set(name, [...values, value]);
  }
  const flaw = labelsFlaw(Object.fromEntries(labels));
  if (flaw !== null) throw new CodedError('USAGE', `the labels are refused: ${flaw}`, { next: HOW });

  return Object.fromEntries(labels);
}

/** What is wrong with a whole set of labels, null when nothing is. */
export function labelsFlaw(labels: Labels): string | null {
  const entries = Object.entries(labels);
  if (entries.length > MAX_LABELS) return `${entries.length} labels; ${MAX_LABELS} are the most`;

  for (const [name, values] of entries) {
    if (values.length === 0) return `${name} has no value`;
    if (values.length > MAX_LABEL_VALUES)
      return `${name} has ${values.length} values; ${MAX_LABEL_VALUES} are the most`;
    for (const value of values) {
      const flaw = labelFlaw(name, value);
      if (flaw !== null) return flaw;
    }
  }

  return null;
}

const HOW = 'write it as name=value, such as tier=web';

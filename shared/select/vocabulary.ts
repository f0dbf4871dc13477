// The words of a select text for one noun: its fields, each with a kind and where its value comes from, and its labels.
// Data, one line a field; what kinds mean lies in ./test.ts. Pure.

/** Texts of a field of one thing; null: not known. A list may be known in part: what is there counts, the rest is unknown. */
export type Texts = readonly string[] | { readonly atLeast: readonly string[] } | null;

/** When something happened last; null in `at`: it never did, which is longer ago than any age. */
export interface Moment {
  readonly at: string | null;
  /** True where it never happened though an age counts from `at` (a host that enrolled and never came back). */
  readonly never?: boolean;
}

interface Common {
  /** One line for `help select` and docs. */
  readonly about: string;
}

export type Field<F> =
  | (Common & {
      readonly kind: 'text';
      readonly of: (facts: F) => Texts;
      /** Every value there is: another one is a misspelling. */
      readonly values?: readonly string[];
    })
  | (Common & { readonly kind: 'version'; readonly of: (facts: F) => string | null })
  | (Common & { readonly kind: 'number'; readonly of: (facts: F) => number | null })
  | (Common & { readonly kind: 'flag'; readonly of: (facts: F) => boolean | null })
  | (Common & { readonly kind: 'age'; readonly of: (facts: F) => Moment | null })
  /** Time that is left; what has ended has none, null in `at` never ends. */
  | (Common & { readonly kind: 'left'; readonly of: (facts: F) => Moment | null })
  | (Common & { readonly kind: 'address'; readonly of: (facts: F) => Texts });

export type FieldKind = Field<never>['kind'];

export interface Vocabulary<F> {
  /** What is selected, in the plural: `hosts`. */
  readonly noun: string;
  readonly fields: Readonly<Record<string, Field<F>>>;
  /** Values of a label of one thing, of all origins that count here; null where the noun has no labels. */
  readonly label: ((facts: F, name: string) => Texts) | null;
  /** Words that mean something elsewhere and are refused here, with the reason. */
  readonly refused?: Readonly<Record<string, string>>;
}

/** The same field of something that holds what the field is of. */
export function mapped<F, G>(field: Field<F>, inner: (facts: G) => F): Field<G> {
  const { of } = field as { readonly of: (facts: F) => unknown };

  return { ...field, of: (facts: G) => of(inner(facts)) } as Field<G>;
}

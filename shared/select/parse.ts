// A select text, read against the words of one noun: `tier=web and os=debian-12 and seen>3d`. The only error is
// SELECT_INVALID, with the column. Grammar: docs/select.md. Pure.
import type { Meter } from './glob.ts';
import { type Answer, exampleOf, labelTest, type Made, type Test, testOf, type Wanted } from './kinds.ts';
import { MAX_DEPTH, MAX_VALUES } from './limits.ts';
import { invalid, nearest } from './problem.ts';
import { scan, type Token } from './scan.ts';
import type { Node, Pattern } from './tree.ts';
import type { Vocabulary } from './vocabulary.ts';

export interface Select<F> {
  readonly text: string;
  readonly tree: Node;
  readonly vocabulary: Vocabulary<F>;
  readonly root: Part<F>;
}

/** A node with the question it asks. */
export interface Part<F> {
  readonly node: Node;
  readonly parts: readonly Part<F>[];
  readonly answer: Test<F>;
}

const LABEL_PREFIX = 'label.';
const NAME = /^[a-z0-9][a-z0-9._/-]*$/;
const KEYWORDS = ['and', 'or', 'not', 'in'] as const;
type Keyword = (typeof KEYWORDS)[number];

export function parseSelect<F>(text: string, vocabulary: Vocabulary<F>, meter?: Meter): Select<F> {
  const root = new Parser(text, vocabulary, scan(text, meter), meter).whole();

  return { text, tree: root.node, vocabulary, root };
}

/** The keyword that a word is, in any case; names and values of that spelling are quoted. */
export function keywordOf(word: string): Keyword | null {
  const lower = word.toLowerCase();

  return KEYWORDS.find((keyword) => keyword === lower) ?? null;
}

class Parser<F> {
  readonly #text: string;
  readonly #words: Vocabulary<F>;
  readonly #tokens: readonly Token[];
  readonly #meter: Meter | undefined;
  #next = 0;

  constructor(text: string, words: Vocabulary<F>, tokens: readonly Token[], meter: Meter | undefined) {
    this.#text = text;
    this.#words = words;
    this.#tokens = tokens;
    this.#meter = meter;
  }

  whole(): Part<F> {
    const part = this.#either(0);
    const rest = this.#peek();
    if (rest.kind !== 'end') throw this.#expected('and, or, or the end', rest);

    return part;
  }

  #either(depth: number): Part<F> {
    const parts = [this.#both(depth)];
    while (this.#takeKeyword('or')) parts.push(this.#both(depth));

    return joined('or', parts);
  }

  #both(depth: number): Part<F> {
    const parts = [this.#one(depth)];
    while (this.#takeKeyword('and')) parts.push(this.#one(depth));

    return joined('and', parts);
  }

  #one(depth: number): Part<F> {
    const token = this.#peek();
    if (depth > MAX_DEPTH)
      throw this.#error(token, `deeper than ${MAX_DEPTH} parentheses and nots: expected a flatter text`);
    if (this.#takeKeyword('not')) return negation(this.#one(depth + 1));
    if (token.kind === '(') {
      this.#take();
      const inner = this.#either(depth + 1);
      const close = this.#take();
      if (close.kind !== ')') throw this.#expected('and, or, or )', close);

      return inner;
    }

    return this.#test();
  }

  #test(): Part<F> {
    const token = this.#take();
    if (token.kind !== 'word' || keywordOf(token.word) !== null) throw this.#expected('a name, not or (', token);
    const { name, label } = this.#nameOf(token);

    const next = this.#peek();
    if (next.kind === 'order') {
      this.#take();
      const value = this.#value(token.word, next.order);
      const wanted = { order: next.order, values: [value.pattern] };

      return this.#leaf({ kind: 'compare', name, label, order: next.order, value: value.pattern }, wanted, [
        token,
        next,
        value.token,
      ]);
    }
    if (this.#takeKeyword('in')) return this.#in(token, name, label, next);
    if (next.kind === 'word' && keywordOf(next.word) === 'not' && this.#isKeyword(1, 'in')) {
      this.#take();
      const at = this.#take();

      return negation(this.#in(token, name, label, at));
    }

    return this.#flag(token, name, label, next);
  }

  #in(token: Token, name: string, label: boolean, at: Token): Part<F> {
    const open = this.#take();
    if (open.kind !== '(') throw this.#expected(`( after in, as in ${name} in (a, b)`, open);
    const values: { readonly pattern: Pattern; readonly token: Token }[] = [];
    for (;;) {
      values.push(this.#value(name, 'in ('));
      if (values.length > MAX_VALUES) throw this.#error(at, `more than ${MAX_VALUES} values: expected fewer`);
      const sign = this.#take();
      if (sign.kind === ')') break;
      if (sign.kind !== ',') throw this.#expected(', or )', sign);
    }
    const patterns = values.map(({ pattern }) => pattern);

    return this.#leaf({ kind: 'in', name, label, values: patterns }, { order: 'in', values: patterns }, [
      token,
      at,
      ...values.map((value) => value.token),
    ]);
  }

  #flag(token: Token, name: string, label: boolean, next: Token): Part<F> {
    const field = label ? undefined : this.#words.fields[name];
    if (field?.kind === 'flag') {
      const { of } = field;

      return { node: { kind: 'flag', name }, parts: [], answer: (facts) => of(facts) };
    }
    if (field)
      throw this.#error(next, `expected a comparison after ${name}: = != < > or in, then ${exampleOf(field.kind)}`);
    const flags = Object.entries(this.#words.fields).flatMap(([flag, { kind }]) => (kind === 'flag' ? [flag] : []));
    const meant = nearest(name, Object.keys(this.#words.fields));
    const alone = `${flags.length === 1 ? 'the flag, which stands' : 'flags, which stand'} alone: ${flags.join(', ') || 'none'}`;
    // Behind a name that stands alone something is missing, or the name itself is wrong.
    if (meant !== null) throw this.#error(token, `${name} is no flag${offered(meant)}; ${alone}`);

    throw this.#error(next, `expected =, != or in after the label ${name} (${alone})`);
  }

  #leaf(
    node: Extract<Node, { kind: 'compare' | 'in' }>,
    wanted: Wanted,
    [name, order, ...values]: readonly Token[],
  ): Part<F> {
    if (this.#meter) this.#meter.steps += wanted.values.length;
    const made = this.#made(node, wanted);
    if (typeof made === 'function') return { node, parts: [], answer: made };
    const meant = node.label ? nearest(node.name, Object.keys(this.#words.fields)) : null;
    if (meant !== null) throw this.#error(name, `${made.problem}${offered(meant)}`);

    throw this.#error(made.value === undefined ? order : values[made.value], made.problem);
  }

  #made({ name, label }: Extract<Node, { kind: 'compare' | 'in' }>, wanted: Wanted): Made<F> {
    const field = label ? undefined : this.#words.fields[name];
    if (field) return testOf(name, field, wanted);

    return labelTest(name, (facts: F, asked) => this.#words.label?.(facts, asked) ?? null, wanted);
  }

  /** A field, or else a label; `label.` in front always means a label. */
  #nameOf(token: Extract<Token, { kind: 'word' }>): { readonly name: string; readonly label: boolean } {
    const { fields, noun, refused } = this.#words;
    const explicit = token.word.startsWith(LABEL_PREFIX);
    const name = explicit ? token.word.slice(LABEL_PREFIX.length) : token.word;
    if (!NAME.test(name)) {
      const lower = name.toLowerCase();
      const hint = offered(NAME.test(lower) ? lower : null);
      throw this.#error(token, `"${token.word}" is no name${hint}; expected lower-case letters, digits and . _ / -`);
    }
    if (!explicit && Object.hasOwn(fields, name)) return { name, label: false };
    if (!explicit && refused && Object.hasOwn(refused, name))
      throw this.#error(token, `${name} is refused here: ${refused[name]}`);
    if (this.#words.label) return { name, label: true };

    const meant = nearest(name, Object.keys(fields));
    throw this.#error(
      token,
      `${noun} have no ${explicit ? 'labels' : `field ${name}`}${offered(meant)}; expected one of: ${Object.keys(fields).join(', ')}`,
    );
  }

  #value(name: string, after: string): { readonly pattern: Pattern; readonly token: Token } {
    const token = this.#take();
    if (token.kind === 'quoted') return { pattern: token.pattern, token };
    if (token.kind !== 'word') throw this.#expected(`a value after ${name} ${after}`, token);
    if (keywordOf(token.word))
      throw this.#expected(`a value after ${name} ${after} (in quotes where this word is meant)`, token);

    return { pattern: token.word.split('*'), token };
  }

  #takeKeyword(keyword: Keyword): boolean {
    if (!this.#isKeyword(0, keyword)) return false;
    this.#take();

    return true;
  }

  #isKeyword(ahead: number, keyword: Keyword): boolean {
    const token = this.#tokens[this.#next + ahead];

    return token?.kind === 'word' && keywordOf(token.word) === keyword;
  }

  #peek(): Token {
    return this.#tokens[this.#next] ?? { kind: 'end', at: this.#text.length };
  }

  #take(): Token {
    if (this.#meter) this.#meter.steps += 1;
    const token = this.#peek();
    this.#next += 1;

    return token;
  }

  #expected(what: string, { at, ...token }: Token) {
    return this.#error({ at, ...token } as Token, `expected ${what}, found ${shown(this.#text, at, token.kind)}`);
  }

  #error(token: Token | undefined, sentence: string) {
    return invalid(this.#text, token?.at ?? this.#text.length, sentence);
  }
}

function offered(meant: string | null): string {
  return meant === null ? '' : ` (did you mean ${meant}?)`;
}

const SHOWN_CHARACTERS = 30;

function shown(text: string, at: number, kind: Token['kind']): string {
  if (kind === 'end') return 'the end';
  const word = /^([A-Za-z0-9._/:+~*@%^-]+|[=!<>]+|['"]|.)/su.exec(text.slice(at))?.[0] ?? '';

  return `"${[...word].slice(0, SHOWN_CHARACTERS).join('')}"`;
}

function joined<F>(kind: 'and' | 'or', parts: readonly Part<F>[]): Part<F> {
  const [first] = parts;
  if (parts.length === 1 && first) return first;
  // Kleene: `and` is false as soon as one part is, `or` true; not known is neither.
  const decides = kind === 'or';

  return {
    node: { kind, parts: parts.map(({ node }) => node) },
    parts,
    answer: (facts, now) => {
      let result: Answer = !decides;
      for (const part of parts) {
        const answer = part.answer(facts, now);
        if (answer === decides) return decides;
        if (answer === null) result = null;
      }

      return result;
    },
  };
}

function negation<F>(part: Part<F>): Part<F> {
  return {
    node: { kind: 'not', part: part.node },
    parts: [part],
    answer: (facts, now) => {
      const answer = part.answer(facts, now);

      return answer === null ? null : !answer;
    },
  };
}

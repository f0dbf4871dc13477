import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import { fc } from '@selvage/shared/testing/properties.ts';
import { describe, expect, it } from 'vitest';
import { printFailure } from './failure.ts';
import { type Column, createScreen, layOut, type Output } from './screen.ts';

const sink = (over: Partial<Output> = {}) => {
  let text = '';

  return {
    write: (more: string) => {
      text += more;
    },
    ...over,
    text: () => text,
  };
};
const screenOn = (stdout: ReturnType<typeof sink>, env: Record<string, string> = {}) =>
  createScreen({ stdout, stderr: sink(), env });

describe('when a table is laid out', () => {
  const columns: readonly Column[] = [
    { title: 'HOST', shrinks: true },
    { title: 'N', align: 'right' },
    { title: 'WHY', shrinks: true },
  ];

  it('aligns columns, and shows an unknown count as ?, never as 0', () => {
    expect(
      layOut(
        columns,
        [
          ['web-1', 0, 'a'],
          ['w', null, ''],
          ['web-22', 1234, 'b'],
        ],
        80,
      ),
    ).toEqual(['HOST        N  WHY', 'web-1       0  a', 'w           ?', 'web-22  1,234  b']);
  });

  it.each([80, 120])('fits %d columns whatever is in it', (width) => {
    const cell = fc.oneof(fc.string({ maxLength: 300 }), fc.integer(), fc.constant(null));

    fc.assert(
      fc.property(fc.array(fc.tuple(fc.string({ maxLength: 300 }), fc.integer(), cell)), (rows) => {
        for (const line of layOut(columns, rows, width)) expect([...line].length).toBeLessThanOrEqual(width);
      }),
    );
  });

  it('cuts with a mark, and only columns that may shrink', () => {
    const [, row] = layOut(columns, [['h'.repeat(200), 123456, 'short']], 40);

    expect(row).toMatch(/^h+… +123,456 {2}short$/);
  });
});

describe('when text of others is shown', () => {
  it('no control character reaches the terminal', () => {
    const stdout = sink();
    const screen = screenOn(stdout);
    screen.line('a\x1b[31mred\u202e\x07b');
    screen.table([{ title: 'X' }], [['\x1b]0;title\x07\ny']]);
    screen.text('k: "\x1b[2J"\nsecond\n');

    expect(stdout.text()).toBe('a?[31mred??b\nX\n?]0;title??y\nk: "?[2J"\nsecond\n');
  });
});

describe('when colours are asked for', () => {
  const line = (over: Partial<Output>, env: Record<string, string> = {}) => {
    const stdout = sink(over);
    screenOn(stdout, env).line('ok', 'good');

    return stdout.text();
  };

  it('are on a terminal only, and never with NO_COLOR', () => {
    expect(line({ isTTY: true })).toBe('\x1b[32mok\x1b[0m\n');
    expect(line({})).toBe('ok\n');
    expect(line({ isTTY: true }, { NO_COLOR: '1' })).toBe('ok\n');
    expect(line({ isTTY: true }, { TERM: 'dumb' })).toBe('ok\n');
    expect(line({ isTTY: true }, { NO_COLOR: '' })).toBe('\x1b[32mok\x1b[0m\n');
  });
});

describe('when a command fails', () => {
  it('says code, sentence, each further error and what to do next, and gives the exit code', () => {
    const stderr = sink();
    const errors = [{ file: 'a.yaml', line: 3, path: 'Window x: for', message: 'a duration' }];
    const exit = printFailure(
      new CodedError('DOCUMENT_INVALID', '1 error\nin 1 file', { details: { errors } }),
      stderr,
    );

    expect(exit).toBe(2);
    expect(stderr.text()).toBe(
      'error DOCUMENT_INVALID: 1 error in 1 file\n  a.yaml:3  Window x: for  a duration\nnext: correct the document at the paths named\n',
    );
  });

  it('a select text is shown with a caret under the column, also one that stands in a document', () => {
    const stderr = sink();
    const text = 'tier==web';
    const path = 'PatchPolicy servers: select';
    printFailure(new CodedError('SELECT_INVALID', 'column 5: "==" …', { details: { text, column: 5 } }), stderr);
    const errors = [{ file: 'a.yaml', line: 3, path, message: 'column 5: …', select: { text, column: 5 } }];
    printFailure(new CodedError('DOCUMENT_INVALID', '1 error in 1 file', { details: { errors } }), stderr);

    expect(
      stderr
        .text()
        .split('\n')
        .filter((line) => /^ {4}/.test(line)),
    ).toEqual(['    tier==web', '        ^', '    tier==web', '        ^']);
  });

  it('an error that is none of ours is INTERNAL and exit 1', () => {
    const stderr = sink();

    expect(printFailure(new TypeError('x is not a function'), stderr)).toBe(1);
    expect(stderr.text()).toMatch(/^error INTERNAL: x is not a function\nnext: .+\n$/);
  });
});

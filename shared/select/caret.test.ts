import { expect, it } from 'vitest';
import { hasCode } from '../errors/coded-error.ts';
import { fc } from '../testing/properties.ts';
import { caretLines } from './caret.ts';
import { parseSelect } from './parse.ts';
import { WORDS } from './testing/machines.ts';

it('the caret stands under the column', () => {
  expect(caretLines('tier==web', 5)).toEqual(['tier==web', '    ^']);
  expect(caretLines('tier=', 6)).toEqual(['tier=', '     ^']);
  expect(caretLines('', 1)).toEqual(['', '^']);
  expect(caretLines('tier=web\nand reboot=x', 20)).toEqual(['tier=web and reboot=x', '                   ^']);
});

it('a long text is shown around the column', () => {
  const [text, caret] = caretLines(`${'a'.repeat(500)}!${'b'.repeat(500)}`, 501);

  expect(text[caret.length - 1]).toBe('!');
  expect(text.length).toBeLessThan(80);
  expect([text.startsWith('…'), text.endsWith('…')]).toEqual([true, true]);
  const [end, under] = caretLines('a'.repeat(500), 501);
  expect([end.endsWith('a'), under.length]).toEqual([true, end.length + 1]);
});

it('whatever is in the text, two short lines come out, and the caret points at the character meant', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (text) => {
      try {
        parseSelect(text, WORDS);
      } catch (error) {
        if (!hasCode(error, 'SELECT_INVALID')) throw error;
        const column = Number(error.details.column);
        const [shown, caret] = caretLines(text, column);
        expect([...shown].length).toBeLessThanOrEqual(80);
        expect(shown).not.toMatch(/[\n\u202e\p{Cc}]/u);
        const [under] = [...shown].slice(caret.length - 1);
        const [meant] = [...text].slice(column - 1);
        if (meant !== undefined && /[ -~]/.test(meant)) expect(under).toBe(meant);
      }
    }),
    { numRuns: 2000 },
  );
});

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '..');
const text = readFileSync(join(root, 'docs/threat-model.md'), 'utf8');
const tests = [...new Set([...text.matchAll(/`([^` ]+[.]test[.]ts)`/g)].map(([, path = '']) => path))];
/** Rows of the tables that say by what a claim is shown. */
const claims = text
  .split(/^## /m)
  .filter((section) => section.includes('| shown by |'))
  .flatMap((section) => section.split('\n').filter((line) => /^\| (?!-|attempt|stolen|fault)/.test(line)));

describe('when the threat model makes a claim', () => {
  it('it names a test, or says that there is none', () => {
    expect(claims.length).toBeGreaterThan(60);
    for (const claim of claims) expect(claim).toMatch(/`[^`]+[.]test[.]ts`[^|]*\|$|\*no test\* \|$/);
  });

  it.each(tests)('%s is there', (path) => {
    expect(existsSync(join(root, path))).toBe(true);
  });

  it('what is possible for a thief is said in bold, and nothing else is', () => {
    const bold = [...text.matchAll(/\*\*([^*]+)\*\*/g)].map(([, word]) => word);
    const others = ['one', 'own signing key', 'stealing them is stealing the host.'];

    expect(bold.filter((word = '') => !/^possible$/i.test(word)).sort()).toEqual(others.sort());
  });
});

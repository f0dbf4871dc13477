import { readdirSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { CODES } from './codes.ts';

const folder = new URL('../../docs/errors/', import.meta.url);
const read = (name: string) => readFileSync(new URL(name, folder), 'utf8');
const codes = Object.entries(CODES);

it('every code has a page, and every page a code', () => {
  const pages = readdirSync(folder).filter((name) => name !== 'README.md');

  expect(pages.sort()).toEqual(codes.map(([code]) => `${code}.md`).sort());
});

it.each(codes)(
  'the page of %s says what happened, why and what to do, with the exit code and rule of the code',
  (code, facts) => {
    const page = read(`${code}.md`);
    const parts = page.split(/^## /m).map((part) => part.trim());

    expect(parts[0]).toContain(`# ${code}\n\nExit code ${facts.exit}; rule \`${facts.rule}\``);
    expect(parts.slice(1).map((part) => part.split('\n')[0])).toEqual(['What happened', 'Why', 'What to do']);
    for (const part of parts.slice(1)) expect(part.split('\n').slice(1).join(' ').trim().length).toBeGreaterThan(20);
  },
);

it('the index links every page once, with the same exit code and rule', () => {
  const rows = [...read('README.md').matchAll(/^\| \[(\w+)\]\((\w+)\.md\) \| (\d) \| (\w+) \|$/gm)];

  expect(rows.map(([, code, page, exit, rule]) => [code, page, Number(exit), rule])).toEqual(
    codes.map(([code, { exit, rule }]) => [code, code, exit, rule]),
  );
});

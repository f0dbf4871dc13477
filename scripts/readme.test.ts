// The README is the map: its pictures are compared with the tables in the code, its paths and commands with what exists.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { LINK_TRANSITIONS } from '../agent/connector/link-states.ts';
import { TRANSITIONS } from '../agent/runner/machine.ts';

const root = join(import.meta.dirname, '..');
const readme = readFileSync(join(root, 'README.md'), 'utf8');

/** `From --> To: event` lines of the nth Mermaid picture, sorted. */
function picture(index: number): readonly string[] {
  const block = [...readme.matchAll(/```mermaid\n([\s\S]*?)```/g)][index]?.[1] ?? '';
  const lines = block.split('\n').map((line) => line.trim());

  return lines.filter((line) => line.includes('-->') && !line.includes('[*]')).sort();
}

const drawn = (table: readonly { readonly from: string; readonly event: string; readonly to: string }[]) =>
  table.map(({ from, event, to }) => `${from} --> ${to}: ${event}`).sort();

describe('when the pictures are compared with the code', () => {
  it('the runner is drawn as it is', () => expect(picture(0)).toEqual(drawn(TRANSITIONS)));

  it('the link is drawn as it is', () => expect(picture(1)).toEqual(drawn(LINK_TRANSITIONS)));
});

describe('when the map names a place', () => {
  const places = [...readme.matchAll(/`((?:agent|collector|shared|proto|scripts|docs)\/[\w./-]*)`/g)].map(
    (match) => match[1] ?? '',
  );

  it.each([...new Set(places)])('%s is there', (place) => expect(existsSync(join(root, place))).toBe(true));

  it('names enough of them to be a map', () => expect(new Set(places).size).toBeGreaterThan(15));
});

describe('when the first screen is read', () => {
  it.each(['npm start', 'npm test'])('it holds "%s"', (command) => {
    expect(readme.split('\n').slice(0, 15).join('\n')).toContain(command);
  });
});

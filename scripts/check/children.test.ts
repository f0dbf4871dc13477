// Every program that the product starts goes through one door, with a deadline. The lists below are the whole of what does not.
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';
import { startsIn, startsOf } from './children.ts';

const root = join(import.meta.dirname, '../..');
const ROOMS = ['agent', 'collector', 'shared', 'proto'];
/** The door itself: with execa, with Node's own means, and what stays as long as its parent. */
const LAUNCHERS = ['shared/exec/keep.ts', 'shared/exec/plain.ts', 'shared/exec/with-execa.ts'];
/** A package manager at work, and the runner that may have one. */
const NEVER_KILLED = ['agent/commands/children.ts', 'agent/providers/apt/installer.ts'];
/** Whose children have no deadline because they stay: the connector of a supervisor. */
const KEEPERS = ['agent/commands/supervise.ts'];
const sources = ROOMS.flatMap((room) => productFiles(join(root, room)));
const at = (path: string) => relative(root, path);

describe('when the product starts a program', () => {
  it('nothing but the door can', () => {
    const found = sources.filter((path) => startsIn(path).imports.length > 0).map(at);

    expect(found.sort()).toEqual(LAUNCHERS);
  });

  it('every call of the door names a deadline', () => {
    const calls = sources.flatMap((path) => startsIn(path).calls.map((given) => ({ path: at(path), given })));
    const without = calls.filter(({ given }) => !given.includes('deadlineMs'));

    expect(calls.length).toBeGreaterThan(10);
    expect(without).toEqual([]);
  });

  it('only a package manager at work, and the runner around it, are never killed', () => {
    expect(naming('neverKill: true')).toEqual(NEVER_KILLED);
  });

  it('only the supervisor starts what stays', () => {
    expect(naming('keep({')).toEqual(KEEPERS);
  });
});

describe('when this look is put to the test', () => {
  it.each([
    ["import { spawn } from 'node:child_process';", ['node:child_process']],
    ["import { execa, type Options } from 'execa';", ['execa']],
    ["const { spawn } = await import('node:child_process');", ['node:child_process']],
    ["process.getBuiltinModule('child_process');", ['getBuiltinModule']],
    ["import type { ChildProcess } from 'node:child_process';", []],
    ["import { type ChildProcess } from 'node:child_process';", []],
  ])('%s is seen for what it is', (source, imports) => {
    expect(startsOf(source).imports).toEqual(imports);
  });

  it('a call without a deadline is seen wherever it stands', () => {
    const source = 'class A { #x = async () => { if (1) return [await this.#deps.run({ file: "a", args: [] })]; } }';

    expect(startsOf(source).calls).toEqual([['file', 'args']]);
    expect(startsOf('run({ ...rest, deadlineMs })').calls).toEqual([['...', 'deadlineMs']]);
  });
});

function naming(word: string): readonly string[] {
  return sources
    .filter((path) => readFileSync(path, 'utf8').includes(word))
    .map(at)
    .filter((path) => !path.startsWith('shared/exec/'))
    .sort();
}

function productFiles(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) {
      return ['node_modules', 'fixtures', 'testing'].includes(entry.name) ? [] : productFiles(path);
    }

    return entry.name.endsWith('.ts') && !entry.name.endsWith('.test.ts') ? [path] : [];
  });
}

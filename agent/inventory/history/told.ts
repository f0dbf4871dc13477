// What parsers of logs make: transactions with an identity that does not depend on when or from which file they are read.
// Pure. Text of logs may be anybody's: it is made harmless and cut to its bounds here, before anything else sees it.
import { sha256 } from '@selvage/shared/files/canonical.ts';
import {
  type ChangeSource,
  MAX_ACTOR,
  MAX_ARCH,
  MAX_COMMAND,
  MAX_PACKAGE_TEXT,
  MAX_RUN,
  MAX_TOLD_CHANGES,
  RUN_MARK,
  type Told,
  type ToldChange,
} from '@selvage/shared/model/changes.ts';
import { harmless } from '@selvage/shared/text/harmless.ts';

const ID_DIGITS = 32;
const MAX_PROBLEM = 512;
const MARK = new RegExp(`(?:^|\\s)-o\\s?${RUN_MARK}=(\\S{1,${MAX_RUN}})(?=\\s|$)`);

export interface Found {
  readonly source: ChangeSource;
  /** What the log calls its beginning, verbatim: part of the identity, because a zone may be read otherwise later. */
  readonly beginning: string;
  readonly at: string;
  readonly endedAt: string | null;
  readonly certain: boolean;
  readonly actor?: string | null;
  readonly command?: string | null;
  readonly problem?: string | null;
  readonly changes: readonly ToldChange[];
  /** What it is known by besides its beginning; left out: command and first change. */
  readonly identity?: readonly string[];
}

/** Null where nothing was changed. */
export function toldOf(found: Found): Told | null {
  const changes = found.changes.slice(0, MAX_TOLD_CHANGES).map(({ name, arch, from, to }) => ({
    name: short(name, MAX_PACKAGE_TEXT) || '?',
    arch: short(arch, MAX_ARCH) || '?',
    from: from === null ? null : short(from, MAX_PACKAGE_TEXT) || '?',
    to: to === null ? null : short(to, MAX_PACKAGE_TEXT) || '?',
  }));
  const [first] = changes;
  if (first === undefined) return null;
  const { source, beginning, at, endedAt, certain, actor = null, command = null, problem = null } = found;
  // Of the first change only: a transaction that goes on while it is read tells of more the next time.
  const identity = found.identity ?? [command, first.name, first.arch, first.from, first.to];

  return {
    id: sha256(JSON.stringify([source, beginning, ...identity])).slice(0, ID_DIGITS),
    ...{ source, at, endedAt, certain, changes },
    actor: actor === null ? null : short(actor, MAX_ACTOR) || null,
    command: command === null ? null : short(command, MAX_COMMAND) || null,
    run: command === null ? null : short(MARK.exec(command)?.[1] ?? '', MAX_RUN) || null,
    problem: problem === null ? null : short(problem, MAX_PROBLEM),
  };
}

/** At most `length` characters, without controls and without half of a surrogate pair. */
function short(text: string, length: number): string {
  return harmless(text.slice(0, length).replaceAll('\t', ' ')).toWellFormed().slice(0, length).trim();
}

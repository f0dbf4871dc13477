// What `enroll --mode --label` says becomes the host's own settings: a fragment beside them, which root has typed. It is there
// before the token is spent, and taken back when the collector refuses. It never overrules another fragment: whoever wrote
// `mode: observe` into the settings meant it.
import { readdir, rmdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import { hasErrno, makeFolder, readOwned, removeDurable, writeDurable } from '@selvage/shared/files/durable.ts';
import { refuseForeignFolder } from '@selvage/shared/files/own-folder.ts';
import type { Mode } from '@selvage/shared/model/ids.ts';
import type { Labels } from '@selvage/shared/model/labels.ts';
import { readFragments, toLabels } from '../settings.ts';

const FRAGMENT = '50-enroll.json';
const MAX_BYTES = 64 * 1024;
/** The connector reads it under another user. */
const READABLE = 0o644;
const READABLE_FOLDER = 0o755;

export interface Wanted {
  readonly mode?: Mode;
  /** Empty: nothing is said of labels. */
  readonly labels: Labels;
}

export interface Written {
  /** What was there before, again. */
  takeBack(): Promise<void>;
}

const NOTHING: Written = { takeBack: async () => undefined };

/**
 * Writes what is wanted into the last of the settings' folders. Throws SETTINGS_INVALID, and changes nothing, where another
 * fragment says something else; FILE_UNSAFE for a folder that is not this user's alone.
 */
export async function writeOwnSettings(settingsPaths: readonly string[], wanted: Wanted): Promise<Written> {
  const { mode, labels } = wanted;
  const folder = settingsPaths.at(-1);
  const own = { ...(mode === undefined ? {} : { mode }), ...(isEmpty(labels) ? {} : { labels }) };
  if (folder === undefined || isEmpty(own)) return NOTHING;
  const path = join(folder, FRAGMENT);
  const fragments = await readFragments(settingsPaths);
  for (const { file, content } of fragments) if (file !== path) refuseOther(file, content, wanted);

  const hadFolder = await exists(folder);
  await makeFolder(folder, READABLE_FOLDER);
  await refuseForeignFolder(folder);
  const before = await readOwned(path, MAX_BYTES);
  const kept = fragments.find(({ file }) => file === path)?.content ?? {};
  const text = `${JSON.stringify({ ...kept, ...own }, null, 2)}\n`;
  if (before !== null && Buffer.from(before).toString('utf8') === text) return NOTHING;
  await writeDurable(path, text, { mode: READABLE });

  return {
    takeBack: async () => {
      if (before !== null) await writeDurable(path, before, { mode: READABLE });
      else await removeDurable(path);
      if (!hadFolder) await removeIfEmpty(folder);
    },
  };
}

/** A later fragment would win over ours, and ours over an earlier one: neither without being asked. */
function refuseOther(file: string, content: object, { mode, labels }: Wanted): void {
  const { mode: theirs, labels: named } = content as { readonly mode?: unknown; readonly labels?: unknown };
  if (mode !== undefined && theirs !== undefined && theirs !== mode) {
    throw refused(file, `mode to ${JSON.stringify(theirs)}`, `--mode ${mode}`);
  }
  if (named !== undefined && !isEmpty(labels) && textOf(toLabels(named)) !== textOf(labels)) {
    throw refused(file, 'other labels', '--label');
  }
}

function refused(file: string, what: string, option: string): CodedError {
  return new CodedError('SETTINGS_INVALID', `${file} sets ${what}; ${option} does not change that`, {
    next: `change it there, or leave ${option} out`,
  });
}

function textOf(labels: Labels | null): string {
  return JSON.stringify(Object.entries(labels ?? {}).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function isEmpty(value: object): boolean {
  return Object.keys(value).length === 0;
}

async function exists(folder: string): Promise<boolean> {
  return (await readdir(dirname(folder)).catch(none)).includes(folder.slice(dirname(folder).length + 1));
}

function none(error: unknown): string[] {
  if (hasErrno(error, 'ENOENT')) return [];
  throw error;
}

async function removeIfEmpty(folder: string): Promise<void> {
  await rmdir(folder).catch((error: unknown) => {
    if (!hasErrno(error, 'ENOTEMPTY', 'EEXIST', 'ENOENT')) throw error;
  });
}

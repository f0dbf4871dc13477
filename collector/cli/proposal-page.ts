// A proposal as it is shown before it is signed: every line of what it puts and removes, and digits by which that is known again.
import { CodedError, hasCode } from '@selvage/shared/errors/coded-error.ts';
import { canonicalJson, sha256 } from '@selvage/shared/files/canonical.ts';
import { type PolicyDocument, pathOf } from '@selvage/shared/policy/documents.ts';
import type { ShownChange } from '@selvage/shared/policy/shown-change.ts';
import { stringify } from 'yaml';
import type { z } from 'zod';
import type { proposal } from '../api/contract/proposals.ts';
import type { Cli } from './cli.ts';
import { hanging } from './paragraph.ts';
import { diffOf, type PolicyDiff } from './policy-diff.ts';
import { titleOf } from './policy-page.ts';
import type { Screen } from './screen.ts';
import { ago } from './when.ts';

export type Proposal = z.output<typeof proposal>;

/**
 * Hex digits of a hash that a person copies from one line to the next. 160 bits: whoever makes up both what is shown and what is
 * handed out later finds two of a kind at half the bits. The line that is copied still fits 80 columns.
 */
const SEEN_DIGITS = 40;

/** What a proposal would change, from what it says. */
export function proposedDiff(
  current: readonly PolicyDocument[],
  documents: readonly PolicyDocument[],
  { removed }: Pick<Proposal, 'removed'>,
): PolicyDiff {
  const gone = new Set(removed);

  return {
    ...diffOf(current, documents, { prune: false }),
    removed: current.filter((document) => gone.has(pathOf(document))),
  };
}

/** Of everything that is shown: what is put, what it replaces, what goes; `files`: what the signature is over, where that is known. */
export function digits(diff: PolicyDiff, files: ShownChange['files'] | null = null): string {
  const { added, changed, removed } = diff;
  const shown = {
    added,
    changed: changed.map(({ document, fields }) => ({ document, fields: plain(fields) })),
    removed,
    ...(files === null ? {} : { files }),
  };

  return sha256(canonicalJson(shown)).slice(0, SEEN_DIGITS);
}

/** What a field was before may be nothing, which JSON has no word for. */
function plain(fields: PolicyDiff['changed'][number]['fields']) {
  return fields.map(({ path, before = null, after = null }) => ({ path, before, after }));
}

export function showProposal(cli: Cli, one: Proposal, diff: PolicyDiff): void {
  const { screen } = cli;
  screen.line(`proposal ${one.number} of ${one.proposedBy}, ${ago(one.proposedAt, cli)}`, 'strong');
  if (one.note !== '') for (const line of hanging(`why: ${one.note}`, '  ', screen.width)) screen.line(line);
  for (const document of diff.added) showDocument(screen, titleOf(document), document);
  for (const document of diff.removed) showDocument(screen, `remove ${titleOf(document)}`, document);
  screen.line();
}

/** Broken here and not by the terminal: there the rest of a long text would stand where a field of its own does. */
function showDocument(screen: Screen, title: string, document: PolicyDocument): void {
  screen.line();
  screen.line(title, 'strong');
  for (const line of stringify(document, { lineWidth: 0 }).trimEnd().split('\n')) {
    const indent = /^ */.exec(line)?.[0] ?? '';
    for (const each of hanging(line.trimStart(), `  ${indent}`, screen.width)) screen.line(each);
  }
}

/** Whoever was overtaken by another push looks again: this is no file that is pushed again. */
export async function signed<T>(number: number, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!hasCode(error, 'POLICY_CONFLICT')) throw error;
    const { message, details } = error;
    throw new CodedError('POLICY_CONFLICT', message, { cause: error, details, next: lookAgain(number) });
  }
}

function lookAgain(number: number): string {
  return `look at it again: selvage policy sign ${number}`;
}

/** The end of a look: how to sign just what was shown. */
export function showUnsigned({ screen }: Pick<Cli, 'screen'>, number: number, seen: string): void {
  screen.line();
  screen.line('nothing is signed yet', 'strong');
  screen.line(`next: selvage policy sign ${number} --seen ${seen}`);
}

export function changedSince(number: number, seen: string): CodedError {
  return new CodedError('POLICY_CONFLICT', `proposal ${number} is not what was shown with ${seen}`, {
    next: lookAgain(number),
  });
}

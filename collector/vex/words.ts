// What this collector says of findings, in the four words of VEX, each with its evidence. Pure.
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import type { Fleet, Machine } from '../findings/fleet.ts';
import { type JoinOptions, type Open, openOf } from '../findings/join.ts';
import type { Evidence, Match } from '../matching/match.ts';
import type { Software } from '../matching/software.ts';
import type { VexStatus } from '../store/vex-ports.ts';
import { purlOf } from './purl.ts';

export interface Word {
  /** Key and name of the machine. */
  readonly machine: string;
  readonly name: string;
  readonly purl: string;
  readonly cve: string;
  readonly status: VexStatus;
  /** One of OpenVEX's five; null: `detail` says why. */
  readonly justification: 'component_not_present' | 'vulnerable_code_not_in_execute_path' | null;
  /** The evidence, in a sentence. */
  readonly detail: string;
  /** Of `affected`: what is to be done, or that nothing can be. */
  readonly action: string | null;
}

/** Words of one document: a CSAF of more is longer than the 64 MiB that the CLI takes, and others read no longer ones either. */
export const MAX_WORDS = 150_000;

/** Of every finding of these machines, one machine a step. Throws REQUEST_TOO_LARGE. */
export function* gatherWords(
  fleet: Fleet,
  machines: readonly Machine[],
  options: JoinOptions,
): Generator<void, readonly Word[]> {
  const words: Word[] = [];
  const texts = sharedTexts();
  for (const machine of machines) {
    for (const open of openOf(fleet, machine, options)) words.push(wordOf(open, texts));
    if (words.length > MAX_WORDS) {
      throw new CodedError('REQUEST_TOO_LARGE', `these machines have more than ${MAX_WORDS} findings`, {
        next: 'choose fewer of them with --select',
      });
    }
    yield;
  }

  return words;
}

interface Texts {
  purl(software: Software): string;
  evidence(match: Match): string;
}

/** The same software with the same evidence is on thousands of machines: written once, and held once. */
function sharedTexts(): Texts {
  const purls = new Map<Software, string>();
  const texts = new Map<Match, string>();

  return {
    purl: (software) => purls.getOrInsertComputed(software, purlOf),
    evidence: (match) => texts.getOrInsertComputed(match, ({ evidence }) => evidenceText(evidence)),
  };
}

/** The word for a finding. What is accepted is affected all the same: nobody who reads it elsewhere may take it for closed. */
function wordOf(
  { machine, name, software, cve, match, state, note }: Omit<Open, 'id' | 'firstSeen'>,
  texts: Texts,
): Word {
  const common = { machine, name, purl: texts.purl(software), cve };
  const detail = texts.evidence(match);
  const undecided = match.evidence[0]?.says === 'unknown';
  const affected = (action: string): Word => ({ ...common, status: 'affected', justification: null, detail, action });

  if (state === 'not-affected') {
    return { ...common, status: 'not_affected', justification: null, detail: note ?? detail, action: null };
  }
  if (state === 'not-running') {
    return {
      ...{ ...common, status: 'not_affected', justification: 'vulnerable_code_not_in_execute_path', action: null },
      detail: `${note ?? 'this kernel does not run'}; ${detail}`,
    };
  }
  if (undecided) return { ...common, status: 'under_investigation', justification: null, detail, action: null };
  if (state === 'accepted') return affected(`accepted: ${note ?? ''}`);
  if (state === 'still-running') return affected(`the fix is installed, the old code still runs: ${note ?? ''}`);
  const pocket = match.pocket === null ? '' : ` (${match.pocket})`;

  return affected(
    match.fixed === null
      ? `no fixed version exists: ${match.status}`
      : `update ${software.source} to ${match.fixed}${pocket}`,
  );
}

/** `osv-debian of 2026-11-24T02:10:00Z, DSA-5724-1: deb: 1:9.2p1-2 < 1:9.2p1-2+deb12u3`. */
export function evidenceText(evidence: readonly Evidence[]): string {
  const texts = evidence.map(({ feed, feedAsOf, record, rule }) => {
    const of = feedAsOf === null ? '' : ` of ${feedAsOf}`;

    return `${feed}${of}, ${record}: ${rule}`;
  });

  return texts.join('; ');
}

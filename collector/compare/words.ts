// A comparison in the words of VEX, to hand back to whoever runs the other scanner. Pure, in steps.

import { purlOf } from '../vex/purl.ts';
import type { Word } from '../vex/words.ts';
import { evidenceText } from '../vex/words.ts';
import type { Comparison, Line } from './joining.ts';

/** Lines put into words between two steps. */
const STEP = 256;

/** Of everything that the scanner says on machines that are known. What is ours only is no answer to it. */
export function* wordSteps({
  agreed,
  answered,
  open,
}: Pick<Comparison, 'agreed' | 'answered' | 'open'>): Generator<void, readonly Word[]> {
  const words: Word[] = [];
  for (const [lines, wordOf] of [
    [agreed, affected] as const,
    [answered, answer] as const,
    [open, undecided] as const,
  ]) {
    for (const line of lines) {
      words.push(wordOf(line));
      if (words.length % STEP === 0) yield;
    }
  }

  return words;
}

function common({ machine, name, cve, software, package: named }: Line) {
  const purl = software === null ? `pkg:generic/${encodeURIComponent(named ?? 'unknown')}` : purlOf(software);

  return { machine, name, cve, purl };
}

function affected(line: Line): Word {
  const detail = line.evidence.length === 0 ? line.answer : evidenceText(line.evidence);

  return { ...common(line), status: 'affected', justification: null, detail, action: line.answer };
}

function answer(line: Line): Word {
  const detail = line.evidence.length === 0 ? line.answer : `${line.answer}; ${evidenceText(line.evidence)}`;
  switch (line.kind) {
    case 'fixed':
      return { ...common(line), status: 'fixed', justification: null, detail, action: null };
    case 'not installed':
      return { ...common(line), status: 'not_affected', justification: 'component_not_present', detail, action: null };
    case 'kernel not running':
      return {
        ...{ ...common(line), status: 'not_affected', justification: 'vulnerable_code_not_in_execute_path', detail },
        action: null,
      };
    // A risk that is lived with is there: nobody who reads it elsewhere may take it for closed.
    case 'accepted':
      return { ...common(line), status: 'affected', justification: null, detail, action: line.answer };
    default:
      return { ...common(line), status: 'not_affected', justification: null, detail, action: null };
  }
}

function undecided(line: Line): Word {
  return { ...common(line), status: 'under_investigation', justification: null, detail: line.answer, action: null };
}

// Tells the story: one step after the other, each with its evidence, until the end or the first thing that is not as expected.
import { asCoded } from '@selvage/shared/errors/coded-error.ts';
import { Unexpected } from './expectation.ts';
import type { Stage } from './stage.ts';
import type { Step } from './step.ts';
import { beforeTheWindow } from './steps/before-the-window.ts';
import { changedPackage } from './steps/changed-package.ts';
import { collector } from './steps/collector.ts';
import { enrollment } from './steps/enrollment.ts';
import { inTheWindow } from './steps/in-the-window.ts';
import { inventory } from './steps/inventory.ts';
import { ledger } from './steps/ledger.ts';
import { planChanged } from './steps/plan-changed.ts';
import { policy } from './steps/policy.ts';
import { proof } from './steps/proof.ts';
import { systems } from './steps/systems.ts';

export const STEPS: readonly Step[] = [
  systems,
  collector,
  enrollment,
  inventory,
  policy,
  beforeTheWindow,
  changedPackage,
  inTheWindow,
  proof,
  planChanged,
  ledger,
];

export interface ToldStep {
  readonly name: string;
  readonly title: string;
  readonly ok: boolean;
  readonly ms: number;
  readonly evidence: Readonly<Record<string, unknown>> | null;
  readonly problem: {
    readonly code: string;
    readonly message: string;
    readonly expected?: string;
    readonly seen?: unknown;
  } | null;
}

export interface ToldStory {
  readonly ok: boolean;
  readonly began: string;
  readonly ms: number;
  readonly steps: readonly ToldStep[];
}

/** Plays all steps in order and stops at the first that fails. `say` gets the lines for people. Never throws. */
export async function tellStory(stage: Stage, say: (line: string) => void, steps = STEPS): Promise<ToldStory> {
  const started = performance.now();
  const told: ToldStep[] = [];

  for (const [index, step] of steps.entries()) {
    say(`${String(index + 1).padStart(2)}  ${step.title}`);
    const result = await tellStep(stage, step, say);
    told.push(result);
    if (!result.ok) break;
  }

  const ok = told.length === steps.length && told.every((step) => step.ok);

  return { ok, began: stage.began.toString(), ms: Math.round(performance.now() - started), steps: told };
}

async function tellStep(stage: Stage, step: Step, say: (line: string) => void): Promise<ToldStep> {
  const { name, title } = step;
  const started = performance.now();
  const took = () => Math.round(performance.now() - started);

  try {
    const { lines, facts } = await step.play(stage);
    for (const line of lines) say(`      ${line}`);

    return { name, title, ok: true, ms: took(), evidence: facts, problem: null };
  } catch (error) {
    const { code, message } = asCoded(error);
    say(`FAILED at step "${name}": ${message}`);
    const both = error instanceof Unexpected ? { expected: error.expected, seen: error.seen } : {};

    return { name, title, ok: false, ms: took(), evidence: null, problem: { code, message, ...both } };
  }
}

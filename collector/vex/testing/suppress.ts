// All words at once, for tests: the collector takes them in turns.
import { type Suppress, suppressSteps, type Words } from '../suppress.ts';

export function createSuppress(words: Words): Suppress {
  const steps = suppressSteps(words);
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
  }
}

// What a step of the story is: it does something real, and answers with what it saw.
import type { Stage } from './stage.ts';

export interface Evidence {
  /** For people. */
  readonly lines: readonly string[];
  /** For programs. */
  readonly facts: Readonly<Record<string, unknown>>;
}

export interface Step {
  readonly name: string;
  readonly title: string;
  /** Throws Unexpected, or any other error, when the world is not as the title says. */
  play(stage: Stage): Promise<Evidence>;
}

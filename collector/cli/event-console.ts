// Live events on the console of `selvage serve`, a few writes a second however many come: a fleet that returns at once must
// not wait for a terminal. Lines that were not written when the process is killed are lost; the ledger has what counts.
import type { Clock } from '@selvage/shared/time/clock.ts';
import type { CollectorEvent } from '../events.ts';
import { eventLine } from './event-line.ts';
import type { Screen } from './screen.ts';

/** Milliseconds that a line may wait for others. */
const GATHER_MS = 100;

export interface EventConsole {
  show(event: CollectorEvent): void;
  /** Writes what waits. */
  flush(): void;
}

export function createEventConsole(
  screen: Screen,
  view: { readonly clock: Clock; readonly zone: string },
): EventConsole {
  let lines: string[] = [];
  let timer: NodeJS.Timeout | null = null;

  const flush = () => {
    if (timer !== null) clearTimeout(timer);
    timer = null;
    if (lines.length > 0) screen.text(`${lines.join('\n')}\n`);
    lines = [];
  };

  return {
    flush,
    show: (event) => {
      lines.push(eventLine(event, view.clock.now(), view.zone));
      if (timer !== null) return;
      // The first after a quiet time is shown at once.
      flush();
      timer = setTimeout(flush, GATHER_MS).unref();
    },
  };
}

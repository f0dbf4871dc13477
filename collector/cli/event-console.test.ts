import { fakeClock } from '@selvage/shared/testing/fake-clock.ts';
import { expect, it } from 'vitest';
import type { CollectorEvent } from '../events.ts';
import { createEventConsole } from './event-console.ts';
import { createScreen } from './screen.ts';

function make() {
  const writes: string[] = [];
  const stdout = { write: (text: string) => writes.push(text) };
  const screen = createScreen({ stdout, stderr: stdout, env: {} });

  return { writes, console: createEventConsole(screen, { clock: fakeClock('2026-03-01T12:00:00Z'), zone: 'UTC' }) };
}

const connected = (name: string): CollectorEvent => ({ type: 'host.connected', host: name, name });

it('the first event is shown at once, those that follow it come together, in their order', () => {
  const { writes, console } = make();
  console.show(connected('web-1'));
  expect(writes).toEqual(['12:00:00  web-1 connected\n']);

  for (let number = 2; number <= 1000; number++) console.show(connected(`web-${number}`));
  console.flush();
  expect(writes).toHaveLength(2);
  expect(writes[1]?.split('\n').slice(0, 2)).toEqual(['12:00:00  web-2 connected', '12:00:00  web-3 connected']);
  expect(writes[1]?.trimEnd().split('\n')).toHaveLength(999);
});

it('what a host is called cannot move the cursor', () => {
  const { writes, console } = make();
  console.show(connected('\x1b[2Jweb'));

  expect(writes.join('')).toBe('12:00:00  ?[2Jweb connected\n');
});

import { fc } from '@selvage/shared/testing/properties.ts';
import { describe, expect, it } from 'vitest';
import { EVENTS, type Event, next, STATES, type State, TRANSITIONS } from './machine.ts';

const happy: readonly Event[] = [
  'plan',
  'check',
  'record_intent',
  'save_rollback',
  'start_install',
  'end_install',
  'examine',
  'sign_result',
  'report',
  'clear',
];

describe('when a run goes well', () => {
  it('passes every state of the main way', () => {
    expect(happy.reduce<State>(next, 'Selected')).toBe('Cleared');
  });
});

describe('when an event does not fit the state', () => {
  it.each(
    STATES.flatMap((state) =>
      EVENTS.filter((event) => !TRANSITIONS.some((row) => row.from === state && row.event === event)).map(
        (event) => [state, event] as const,
      ),
    ),
  )('refuses %s + %s', (state, event) => {
    expect(() => next(state, event)).toThrow(expect.objectContaining({ code: 'STATE' }));
  });
});

describe('when the table is read', () => {
  it('leaves no state unreachable and only Cleared without a way on', () => {
    const reached = new Set(TRANSITIONS.map((row) => row.to));

    expect(STATES.filter((state) => state !== 'Selected' && !reached.has(state))).toEqual([]);
    expect(STATES.filter((state) => !TRANSITIONS.some((row) => row.from === state))).toEqual(['Cleared']);
  });

  it('names one target per state and event', () => {
    const keys = TRANSITIONS.map((row) => `${row.from} ${row.event}`);

    expect(new Set(keys).size).toBe(keys.length);
  });

  it('never starts an installation twice and never stops after it was started, whatever happens', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...EVENTS), { maxLength: 60 }), (events) => {
        let state: State = 'Selected';
        const accepted: Event[] = [];
        for (const event of events) {
          if (!TRANSITIONS.some((row) => row.from === state && row.event === event)) continue;
          state = next(state, event);
          accepted.push(event);
        }

        expect(accepted.filter((event) => event === 'start_install').length).toBeLessThanOrEqual(1);
        expect(accepted.filter((event) => event === 'sign_result').length).toBeLessThanOrEqual(1);
        if (accepted.includes('start_install')) expect(accepted).not.toContain('stop');
      }),
    );
  });
});

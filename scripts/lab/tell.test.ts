import { describe, expect, it } from 'vitest';
import { expectSame, expectThat } from './expectation.ts';
import type { Stage } from './stage.ts';
import type { Step } from './step.ts';
import { tellStory } from './story.ts';

const stage = { began: Temporal.Instant.from('2026-11-23T10:00:00Z') } as Stage;
const played: string[] = [];
const good = (name: string): Step => ({
  name,
  title: `title of ${name}`,
  play: async () => {
    played.push(name);

    return { lines: [`line of ${name}`], facts: { name } };
  },
});
const bad: Step = {
  name: 'bad',
  title: 'title of bad',
  play: async () => {
    expectSame({ widget: '2.0' }, { widget: '1.0' }, 'the packages');

    return { lines: [], facts: {} };
  },
};

describe('when a story is told', () => {
  it('shows each step with its evidence', async () => {
    const lines: string[] = [];
    const story = await tellStory(stage, (line) => lines.push(line), [good('one'), good('two')]);

    expect(story).toMatchObject({ ok: true, began: '2026-11-23T10:00:00Z' });
    expect(story.steps.map(({ name, ok, evidence }) => [name, ok, evidence])).toEqual([
      ['one', true, { name: 'one' }],
      ['two', true, { name: 'two' }],
    ]);
    expect(lines).toEqual([' 1  title of one', '      line of one', ' 2  title of two', '      line of two']);
  });

  it('stops at the first step that is not as expected, and says what was seen', async () => {
    const lines: string[] = [];
    played.length = 0;
    const story = await tellStory(stage, (line) => lines.push(line), [good('one'), bad, good('three')]);

    expect(played).toEqual(['one']);
    expect(story.ok).toBe(false);
    expect(story.steps.at(-1)).toMatchObject({
      name: 'bad',
      ok: false,
      problem: { expected: 'the packages to be {"widget":"1.0"}', seen: { widget: '2.0' } },
    });
    expect(lines.at(-1)).toBe(
      'FAILED at step "bad": expected the packages to be {"widget":"1.0"}, saw {"widget":"2.0"}',
    );
  });
});

describe('when something is expected', () => {
  it('is silent about what holds and throws about what does not', () => {
    expect(() => expectThat(true, 'it', null)).not.toThrow();
    expect(() => expectThat(false, 'two hosts', [1])).toThrow('expected two hosts, saw [1]');
    expect(() => expectSame(undefined, null, 'it')).toThrow();
  });
});

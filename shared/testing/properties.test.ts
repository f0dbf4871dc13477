import { describe, expect, it } from 'vitest';
import { fc, propertySeed } from './properties.ts';

function draws(): readonly number[] {
  const drawn: number[] = [];
  fc.assert(
    fc.property(fc.integer(), (number) => {
      drawn.push(number);
    }),
  );

  return drawn;
}

describe('when properties are held', () => {
  it('the draws are the same each time, unless others are asked for', () => {
    const areAsked = process.env.SELVAGE_PROPERTY_SEED === 'random';
    const first = draws();
    const second = draws();

    expect(first.join() === second.join()).toBe(!areAsked);
    expect(new Set(first).size).toBeGreaterThan(10);
  });

  it('others are drawn where somebody asks for them', () => {
    expect(propertySeed(undefined)).toBe(propertySeed(''));
    expect(propertySeed('7')).toBe(7);
    expect(propertySeed('-1202180293')).toBe(-1202180293);
    expect(propertySeed('random')).toBeUndefined();
    expect(() => propertySeed('today')).toThrow('SELVAGE_PROPERTY_SEED');
  });
});

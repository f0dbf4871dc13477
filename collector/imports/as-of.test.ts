import { fc } from '@selvage/shared/testing/properties.ts';
import { describe, expect, it } from 'vitest';
import { asOf } from './as-of.ts';

const at = (text: string) => Temporal.Instant.from(text);
const NOW = at('2026-11-23T16:00:00Z');
const FILE = at('2026-11-22T12:00:00Z');

describe('when the clock of a machine is held against others', () => {
  it.each([
    ['a good clock, a file that was copied later', '2026-11-20T10:00:00Z', FILE, '2026-11-20T10:00:00Z', 'machine'],
    ['some minutes ahead', '2026-11-23T16:04:00Z', null, '2026-11-23T16:04:00Z', 'machine'],
    ['some minutes after the file', '2026-11-22T12:03:00Z', FILE, '2026-11-22T12:03:00Z', 'machine'],
  ])('%s is believed', (_, machine, file, expected, from) => {
    expect(asOf(at(machine), file, NOW)).toMatchObject({ at: at(expected), from, warnings: [] });
  });

  it.each([
    ['in the future', '2031-01-01T00:00:00Z', FILE, FILE, 'file'],
    ['in the future, without a date of the file', '2031-01-01T00:00:00Z', null, NOW, 'import'],
    ['of 1970', '1970-01-01T00:03:00Z', FILE, FILE, 'file'],
    ['after the file was written', '2026-11-23T10:00:00Z', FILE, FILE, 'file'],
    ['of 1970, with a file from the future', '1970-01-01T00:00:00Z', at('2040-01-01T00:00:00Z'), NOW, 'import'],
  ])('one %s is not, and that is said', (_, machine, file, expected, from) => {
    const found = asOf(at(machine), file, NOW);

    expect(found).toMatchObject({ at: expected, from });
    expect(found.warnings).toHaveLength(1);
  });

  it('is never in the future beyond what clocks are off', () => {
    const instant = fc
      .integer({ min: 0, max: 4_000_000_000 })
      .map((s) => Temporal.Instant.fromEpochMilliseconds(s * 1000));

    fc.assert(
      fc.property(instant, fc.option(instant), instant, (machine, file, now) => {
        const found = asOf(machine, file, now);

        expect(found.at.epochMilliseconds).toBeLessThanOrEqual(now.epochMilliseconds + 5 * 60_000);
        expect(found.warnings.length).toBe(found.from === 'machine' ? 0 : 1);
      }),
    );
  });
});

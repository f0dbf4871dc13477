// Local times of logs that say no offset, read in the zone of the host and in the order of the log. Pure. A time that was there
// twice or never is read as the order allows it, and said to be uncertain.

export interface LocalTimes {
  /** `date` as 2026-10-25, `time` as 02:30:00. Null when it is no time at all. */
  read(date: string, time: string): { readonly at: string; readonly certain: boolean } | null;
}

/** One for each log: its entries come oldest first. */
export function localTimes(zone: string): LocalTimes {
  let previous: Temporal.Instant | null = null;

  return {
    read: (date, time) => {
      const local = plain(date, time);
      if (local === null) return null;
      const [earlier, later] = (['earlier', 'later'] as const).map((disambiguation) =>
        local.toZonedDateTime(zone, { disambiguation }).toInstant(),
      );
      if (!earlier || !later) return null;
      const certain = earlier.equals(later);
      // In the hour that comes twice the log goes forward: what would go back is the second time.
      const at = !certain && previous !== null && Temporal.Instant.compare(earlier, previous) < 0 ? later : earlier;
      previous = at;

      return { at: at.toString(), certain };
    },
  };
}

function plain(date: string, time: string): Temporal.PlainDateTime | null {
  try {
    return Temporal.PlainDateTime.from(`${date}T${time}`);
  } catch (error) {
    // The 31st of February: a torn or invented line.
    if (error instanceof RangeError) return null;
    throw error;
  }
}

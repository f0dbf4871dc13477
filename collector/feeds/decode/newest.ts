// The date of data that does not say when it was made: that of its newest record. Pure.
import type { Timestamp } from '@selvage/shared/model/ids.ts';
import { compareTimes } from './words.ts';

export interface Newest {
  saw(time: Timestamp | null): void;
  /** Null before any record that is dated. */
  asOf(): Timestamp | null;
}

export function newestTime(): Newest {
  let newest: Timestamp | null = null;

  return {
    saw: (time) => {
      if (time !== null && (newest === null || compareTimes(newest, time) < 0)) newest = time;
    },
    asOf: () => newest,
  };
}

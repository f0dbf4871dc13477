// Whether a file was written anew: by more than its time, which file systems count in ticks.
import { statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '@selvage/shared/testing/temporary-folder.ts';
import { describe, expect, it } from 'vitest';
import { changedAt } from './touches.ts';

const folder = temporaryFolder('touches');
const timeOf = (path: string) => statSync(path, { bigint: true }).ctimeNs;

/** Two files of one size that were written within one tick; a tick may end between them, so that it takes more than one try. */
function ofOneTick(): readonly [string, string] {
  for (let tried = 0; ; tried++) {
    const pair = [join(folder, `${tried}-one`), join(folder, `${tried}-other`)] as const;
    for (const path of pair) writeFileSync(path, '1\n');
    if (timeOf(pair[0]) === timeOf(pair[1])) return pair;
  }
}

describe('when it is looked whether a file was written anew', () => {
  it('one that takes the place of another is told from it, also where both have the same time and size', async () => {
    const [one, other] = ofOneTick();

    expect(timeOf(one)).toBe(timeOf(other));
    expect(await changedAt(one)).not.toBe(await changedAt(other));
    expect(await changedAt(one)).toBe(await changedAt(one));
  });

  it('one that is not there is no file, whatever stands in its way', async () => {
    writeFileSync(join(folder, 'file'), '');

    expect([await changedAt(join(folder, 'none')), await changedAt(join(folder, 'file/below'))]).toEqual([null, null]);
  });
});

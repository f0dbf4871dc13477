import { spawnSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { needs } from '../testing/needs.ts';
import { fc } from '../testing/properties.ts';
import { compareDebVersions } from './deb.ts';
import { RANDOM_VERSIONS, sign } from './testing/vectors.ts';

/** One shell for all pairs; dpkg itself compares one at a time. Prints a line for each that dpkg sees differently, then the count. */
const SCRIPT = `n=0
while read -r a word b; do
  n=$((n + 1))
  dpkg --compare-versions "$a" "$word" "$b" || echo "$a $word $b"
done
echo "$n"`;

needs(['dpkg-deb'], 'the real dpkg', () => {
  it('says the same of random versions', () => {
    const words = new Map([
      ['<', 'lt'],
      ['=', 'eq'],
      ['>', 'gt'],
    ]);
    const pairs = fc.sample(fc.tuple(RANDOM_VERSIONS.deb, RANDOM_VERSIONS.deb), { numRuns: 600, seed: 20261123 });
    const input = pairs.map(([a, b]) => `${a} ${words.get(sign(compareDebVersions(a, b)))} ${b}\n`).join('');
    const { stdout } = spawnSync('sh', ['-c', SCRIPT], { input, encoding: 'utf8' });

    expect(stdout).toBe(`${pairs.length}\n`);
  });
});

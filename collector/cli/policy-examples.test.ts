// What the documentation shows of policy files is read as whoever copies it would have it read.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { KINDS } from '@selvage/shared/policy/documents.ts';
import { temporaryFolder } from '@selvage/shared/testing/temporary-folder.ts';
import { describe, expect, it } from 'vitest';
import { readPolicyFiles } from './policy-files.ts';

const root = join(import.meta.dirname, '../..');
const folder = temporaryFolder('policy-examples');

/** The nth block of YAML on a page, as a file. */
function exampleOf(page: string, index: number): string {
  const text = readFileSync(join(root, page), 'utf8');
  const block = [...text.matchAll(/```yaml\n([\s\S]*?)```/g)][index]?.[1];
  if (block === undefined) throw new Error(`${page} has no example ${index}`);
  const path = join(folder, `${page.replaceAll('/', '-')}-${index}.yaml`);
  writeFileSync(path, block);

  return path;
}

describe('when an example of the documentation is pushed', () => {
  it('the first policy of the README is one', async () => {
    const kinds = (await readPolicyFiles([exampleOf('README.md', 0)])).map(({ kind }) => kind);

    expect(kinds).toEqual(['Window', 'PatchPolicy']);
  });

  it.each(['RiskAcceptance', 'Advisory'] as const)('%s of the guide has every field that there is', async (wanted) => {
    const documents = await readPolicyFiles([exampleOf('docs/operating.md', 0)]);
    const [document, ...others] = documents.filter(({ kind }) => kind === wanted);

    expect(others).toEqual([]);
    expect(Object.keys(document ?? {}).sort()).toEqual(Object.keys(KINDS[wanted].shape).sort());
  });
});

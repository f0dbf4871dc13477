// Folders that go away when the test file ends.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';

const folders: string[] = [];

// At the top of the file that imports this: folders made inside a test are removed too.
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
});

/** A new empty folder (0700), removed after the tests of the calling file. */
export function temporaryFolder(label = 'test'): string {
  const folder = mkdtempSync(join(tmpdir(), `selvage-${label}-`));
  folders.push(folder);

  return folder;
}

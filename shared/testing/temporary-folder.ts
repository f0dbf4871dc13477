// Folders that go away when the test file ends.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';

/** A new empty folder (0700), removed after the tests of the calling file. */
export function temporaryFolder(label = 'test'): string {
  const folder = mkdtempSync(join(tmpdir(), `selvage-${label}-`));
  afterAll(() => rmSync(folder, { recursive: true, force: true, maxRetries: 3 }));

  return folder;
}

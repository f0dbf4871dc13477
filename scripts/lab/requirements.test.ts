import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createRun } from '@selvage/shared/exec/run.ts';
import { temporaryFolder } from '@selvage/shared/testing/temporary-folder.ts';
import { describe, expect, it } from 'vitest';
import { missingPackages, requireParts } from './requirements.ts';

const run = createRun({});

describe('when programs of the lab are missing', () => {
  it('names each package once, and the one command that brings them', async () => {
    const folder = temporaryFolder('requirements');
    for (const name of ['apt-get', 'dpkg', 'gpg', 'gpg-agent', 'gpgconf', 'gpgv', 'unshare']) {
      writeFileSync(join(folder, name), '');
      chmodSync(join(folder, name), 0o755);
    }

    expect(missingPackages([folder])).toEqual(['apt-utils', 'busybox-static', 'dpkg']);
    await expect(requireParts(run, [folder])).rejects.toMatchObject({
      code: 'TOOL_MISSING',
      next: 'apt-get install apt-utils busybox-static dpkg',
    });
  });

  it('counts a file that cannot be started as missing', () => {
    const folder = temporaryFolder('requirements');
    writeFileSync(join(folder, 'gpgv'), '', { mode: 0o644 });

    expect(missingPackages([folder])).toContain('gpgv');
  });
});

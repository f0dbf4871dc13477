// A folder with things to scan, and what comes of them. For tests only.
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { hasCode } from '@selvage/shared/errors/coded-error.ts';
import { temporaryFolder } from '@selvage/shared/testing/temporary-folder.ts';
import { expect } from 'vitest';
import { readSubject } from '../read.ts';
import type { ScanSubject } from '../subject.ts';
import { dpkgStatus, OS_ALPINE, OS_DEBIAN } from './samples.ts';

/** Two sources in three packages. */
export const STATUS = dpkgStatus([
  { binary: 'libssl3', version: '3.0.9-1', source: 'openssl' },
  { binary: 'openssl', version: '3.0.9-1' },
  { binary: 'libperl5.36', version: '5.36.0-7+b1', source: 'perl', sourceVersion: '5.36.0-7' },
]);

export function scanFolder() {
  const folder = temporaryFolder('scan');
  const put = (name: string, content: string | Uint8Array): string => {
    const path = join(folder, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content);

    return path;
  };

  return {
    ...{ folder, put },
    osDebian: put('os-debian', OS_DEBIAN),
    osAlpine: put('os-alpine', OS_ALPINE),
    osAlma: put('os-alma', 'ID="almalinux"\nVERSION_ID="9.5"\n'),
    scan: (name: string, content: string | Uint8Array, osRelease: string | null = null) =>
      readSubject(put(name, content), { osRelease }),
  };
}

/** Ecosystem, source, version and binary packages of each. */
export function rows({ installed }: ScanSubject) {
  return installed.map(({ software, binaries }) => [
    ...[software.ecosystem, software.source, software.version],
    binaries.map(([name]) => name).join(' '),
  ]);
}

/** `CODE: message next: what to do` of what was refused. */
export async function refusal(work: Promise<unknown>): Promise<string> {
  const error = await work.then(
    (found) => expect.fail(`it was read: ${JSON.stringify(found)}`),
    (thrown: unknown) => thrown,
  );
  if (!hasCode(error)) throw error;

  return `${error.code}: ${error.message} next: ${error.next}`;
}

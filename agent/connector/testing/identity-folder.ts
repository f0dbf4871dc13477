// Identity folders as enrollment leaves them, and certificates as a collector answers requests.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { HostId } from '@selvage/shared/model/ids.ts';
import { type Authority, issue } from '@selvage/shared/pki/authority.ts';
import { hostUri } from '@selvage/shared/pki/certificate.ts';
import { readRequest } from '@selvage/shared/pki/csr.ts';
import { generateKey } from '@selvage/shared/pki/keys.ts';
import { temporaryFolder } from '@selvage/shared/testing/temporary-folder.ts';
import { type Dates, MONTH, validity } from './collector.ts';

const HOST = '00000000-0000-4000-8000-000000000001' as HostId;

export interface Granted {
  readonly authority: Authority;
  /** SPKI PEM. */
  readonly publicKey: string;
  readonly dates?: Dates;
  readonly host?: HostId;
  readonly usage?: 'client' | 'server';
}

export function certificateFor({
  authority,
  publicKey,
  dates = MONTH,
  host = HOST,
  usage = 'client',
}: Granted): string {
  return issue({
    authority,
    publicKey,
    commonName: 'host',
    alternativeNames: [{ type: 'uri', value: hostUri(host) }],
    usage,
    ...validity(dates),
  });
}

/** What a collector answers to the request. */
export function certify(csr: string, authority: Authority, dates: Dates = MONTH): string {
  return certificateFor({ authority, publicKey: readRequest(csr).publicKey, dates });
}

const root = temporaryFolder('identities');
let folders = 0;

/** A folder with a whole identity, some files of it replaced or added. */
export async function identityFolder(
  authority: Authority,
  { dates = MONTH, files = {} }: { dates?: Dates; files?: Readonly<Record<string, string>> } = {},
): Promise<string> {
  const dir = join(root, String(folders++));
  const { privateKey, publicKey } = generateKey();
  const enrollment = { hostId: HOST, name: 'web-1', collector: 'wss://127.0.0.1:1', pin: 'sha256:00' };
  const contents = {
    'host.key': privateKey,
    'host.crt': certificateFor({ authority, publicKey, dates }),
    'authority.crt': authority.certificate,
    'enrollment.json': JSON.stringify(enrollment),
    ...files,
  };
  await mkdir(dir, { mode: 0o700 });
  for (const [name, text] of Object.entries(contents)) await writeFile(join(dir, name), text, { mode: 0o600 });

  return dir;
}

// An identity is loaded whole and checked, or not at all.

import { randomBytes, randomUUID } from 'node:crypto';
import { chmod, mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { HostId } from '@selvage/shared/model/ids.ts';
import { createAuthority, issue, SERIAL_BYTES } from '@selvage/shared/pki/authority.ts';
import { hostUri } from '@selvage/shared/pki/certificate.ts';
import { generateKey } from '@selvage/shared/pki/keys.ts';
import { fromPem, toPem } from '@selvage/shared/pki/pem.ts';
import { temporaryFolder } from '@selvage/shared/testing/temporary-folder.ts';
import { describe, expect, it } from 'vitest';
import { identityState, loadIdentity } from './identity.ts';

const base = temporaryFolder('identity');
const START = Temporal.Instant.from('2026-03-01T00:00:00Z');
const END = START.add({ hours: 30 * 24 });
const validity = () => ({ notBefore: START, notAfter: END, serial: new Uint8Array(randomBytes(SERIAL_BYTES)) });
const authority = createAuthority({ name: 'Selvage hosts', ...validity() });
const keys = generateKey();
const hostId = randomUUID() as HostId;

const certificateOf = (over: Partial<Parameters<typeof issue>[0]> = {}) =>
  issue({
    authority,
    publicKey: keys.publicKey,
    commonName: 'x',
    alternativeNames: [{ type: 'uri', value: hostUri(hostId) }],
    usage: 'client',
    ...validity(),
    ...over,
  });

/** The same certificate with another signature. */
function mangled(pem: string): string {
  const der = fromPem('CERTIFICATE', pem) ?? new Uint8Array();
  der[der.length - 1] = (der.at(-1) ?? 0) ^ 1;

  return toPem('CERTIFICATE', der);
}

const facts = { hostId, name: 'web-1', collector: 'wss://127.0.0.1:7443', pin: 'sha256:00' };
let count = 0;
/** An identity folder as enrollment leaves it, with some files changed. */
async function folder(over: Readonly<Record<string, string>> = {}): Promise<string> {
  const dir = join(base, `${++count}`);
  await mkdir(dir, { mode: 0o700 });
  const contents = {
    'host.key': keys.privateKey,
    'host.crt': certificateOf(),
    'authority.crt': authority.certificate,
    'enrollment.json': JSON.stringify(facts),
    ...over,
  };
  for (const [name, text] of Object.entries(contents)) await writeFile(join(dir, name), text, { mode: 0o600 });

  return dir;
}

describe('when an identity is loaded', () => {
  it('has all its parts and its times', async () => {
    expect(await loadIdentity(await folder())).toMatchObject({
      hostId,
      name: 'web-1',
      key: keys.privateKey,
      authorities: [authority.certificate],
      next: null,
      halfMoved: false,
      notBefore: START,
      notAfter: END,
    });
  });

  it('may trust several authorities, and be issued by any of them', async () => {
    const other = createAuthority({ name: 'Selvage hosts', ...validity() });

    for (const both of [authority.certificate + other.certificate, other.certificate + authority.certificate]) {
      const { authorities } = await loadIdentity(await folder({ 'authority.crt': both }));
      expect(authorities.join('')).toBe(both);
      expect(authorities).toHaveLength(2);
    }
  });

  it('says NOT_ENROLLED where there is none', async () => {
    await expect(loadIdentity(join(base, 'nowhere'))).rejects.toMatchObject({ code: 'NOT_ENROLLED' });
  });

  it.each([
    ['the key of another', { 'host.key': generateKey().privateKey }, 'CERTIFICATE_INVALID'],
    ['no key', { 'host.key': 'nonsense' }, 'FILE_CORRUPT'],
    [
      'a certificate for another key',
      { 'host.crt': certificateOf({ publicKey: generateKey().publicKey }) },
      'CERTIFICATE_INVALID',
    ],
    [
      'the certificate of another host',
      { 'host.crt': certificateOf({ alternativeNames: [{ type: 'uri', value: hostUri(randomUUID() as HostId) }] }) },
      'CERTIFICATE_INVALID',
    ],
    [
      'another authority of the same name',
      { 'authority.crt': createAuthority({ name: 'Selvage hosts', ...validity() }).certificate },
      'CERTIFICATE_INVALID',
    ],
    [
      'something behind the authority',
      { 'authority.crt': `${authority.certificate}# and more\n` },
      'CERTIFICATE_INVALID',
    ],
    ['a certificate with a forged signature', { 'host.crt': mangled(certificateOf()) }, 'CERTIFICATE_INVALID'],
    ['a certificate that is none', { 'host.crt': 'nonsense' }, 'CERTIFICATE_INVALID'],
    [
      'an enrollment with something else in it',
      { 'enrollment.json': JSON.stringify({ ...facts, more: 1 }) },
      'FILE_CORRUPT',
    ],
    ['a host id that is none', { 'enrollment.json': JSON.stringify({ ...facts, hostId: 'web-1' }) }, 'FILE_CORRUPT'],
    ['a broken enrollment', { 'enrollment.json': '{"hostId":' }, 'FILE_CORRUPT'],
    ['an enrollment that says too little', { 'enrollment.json': '{}' }, 'FILE_CORRUPT'],
    ['a huge file', { 'enrollment.json': ' '.repeat(100_000) }, 'FILE_TOO_LARGE'],
  ])('refuses %s', async (_name, over, code) => {
    await expect(folder(over).then(loadIdentity)).rejects.toMatchObject({ code });
  });

  it.each(['host.key', 'host.crt', 'authority.crt'])('says which file is missing: %s', async (name) => {
    const dir = await folder();
    await rm(join(dir, name));

    await expect(loadIdentity(dir)).rejects.toMatchObject({
      code: 'FILE_CORRUPT',
      message: expect.stringContaining(name),
    });
  });

  it('refuses a key that others may read, a folder that others may write, and a link instead of a key', async () => {
    const [readable, open, linked] = [await folder(), await folder(), await folder()];
    await chmod(join(readable, 'host.key'), 0o640);
    await chmod(open, 0o770);
    await rename(join(linked, 'host.key'), join(linked, 'elsewhere'));
    await symlink(join(linked, 'elsewhere'), join(linked, 'host.key'));

    for (const dir of [readable, open, linked]) {
      await expect(loadIdentity(dir)).rejects.toMatchObject({ code: 'FILE_UNSAFE' });
    }
  });
});

describe('when time passes', () => {
  it('an identity is valid, then ending, then expired, and still loads', async () => {
    const identity = await loadIdentity(await folder());
    const after = (days: number) => identityState(identity, START.add({ hours: days * 24 }));

    expect(identityState(identity, START.subtract({ seconds: 1 }))).toBe('not-yet-valid');
    expect([after(0), after(19)]).toEqual(['valid', 'valid']);
    expect([after(20), after(29)]).toEqual(['ending', 'ending']);
    expect([after(30), after(300)]).toEqual(['expired', 'expired']);
  });
});

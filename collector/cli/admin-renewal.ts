// Renews the admin's own certificate when two thirds of its life are over: a new key, the collector's answer kept beside
// the old pair, used once, and only then in its place. Whatever fails, the old pair stays and the command goes on.
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { asCoded, CodedError, hasCode } from '@selvage/shared/errors/coded-error.ts';
import { createRequest } from '@selvage/shared/pki/csr.ts';
import { isUnproven } from '@selvage/shared/pki/https.ts';
import { generateKey } from '@selvage/shared/pki/keys.ts';
import type { Clock } from '@selvage/shared/time/clock.ts';
import { admin, renewedAdmin } from '../api/contract.ts';
import type { AdminFolder, AdminIdentity, ClientPair } from './admin-folder.ts';
import type { Client } from './client.ts';

/** Share of its life after which a certificate is renewed. */
const RENEW_AFTER = 2 / 3;
const NOT_TAKEN = ['UNAUTHENTICATED', 'CERTIFICATE_INVALID', 'CERTIFICATE_EXPIRED'] as const;

export interface RenewalDeps {
  readonly folder: AdminFolder;
  readonly clock: Clock;
  readonly clientFor: (pair: ClientPair) => Client;
  /** Said to the person, who need do nothing. */
  readonly note: (sentence: string) => void;
}

/** The pair to use for this command. Throws only what reading and writing the folder throws. */
export async function currentPair(identity: AdminIdentity, deps: RenewalDeps): Promise<ClientPair> {
  const { folder } = deps;
  const pair = { certificate: identity.certificate, privateKey: identity.privateKey };
  const waiting = await folder.nextPair();
  if (waiting) return (await used(waiting, deps)) ?? pair;
  if (!isDue(identity.certificate, deps.clock.now())) return pair;

  try {
    const { privateKey } = generateKey();
    const csr = createRequest({ commonName: identity.config.name, privateKey });
    const { certificate } = await deps.clientFor(pair).post('/v1/admins/self/renew', { csr }, renewedAdmin);
    if (!new X509Certificate(certificate).checkPrivateKey(createPrivateKey(privateKey))) {
      throw new CodedError('CERTIFICATE_INVALID', 'the certificate that came back is for another key');
    }
    await folder.keepNext({ certificate, privateKey });

    return (await used({ certificate, privateKey }, deps)) ?? pair;
  } catch (error) {
    const { code, message } = asCoded(error);
    deps.note(`note: your certificate was not renewed (${code}: ${message}); the next command tries again`);

    return pair;
  }
}

/** The next pair once the collector has taken it, in the place of the old one; null: it does not take it. */
async function used(pair: ClientPair, { folder, clientFor }: RenewalDeps): Promise<ClientPair | null> {
  try {
    await clientFor(pair).get('/v1/admins/self', admin);
  } catch (error) {
    // Replaced by a later one, or of a collector before a restore: the old pair is the one that counts.
    // Whoever could not prove to be the collector knows nothing of it.
    if (!isUnproven(error) && NOT_TAKEN.some((code) => hasCode(error, code))) await folder.dropNext(pair);
    // Anything else says nothing about the pair: the command itself will meet it.
    return null;
  }
  await folder.useNext(pair);

  return pair;
}

function isDue(pem: string, now: Temporal.Instant): boolean {
  const { validFromDate, validToDate } = new X509Certificate(pem);
  const [from, until] = [validFromDate.getTime(), validToDate.getTime()];

  return now.epochMilliseconds >= from + (until - from) * RENEW_AFTER && now.epochMilliseconds < until;
}

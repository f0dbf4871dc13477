// Enrollment, the host's side: from an address, a pin and a token to an identity.
//
// INVARIANTS: nothing is written before the pin has fitted. Private keys are made here, 0600, and never sent. The keys are
// on disk before the token is spent, so that a lost answer can be asked for again; enrollment.json is written last and
// makes the identity count. A refusal leaves nothing of this attempt behind.

import { access, mkdir, rmdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import type { Code } from '@selvage/shared/errors/codes.ts';
import { hasErrno, removeDurable, writeDurable } from '@selvage/shared/files/durable.ts';
import type { HostId, Mode } from '@selvage/shared/model/ids.ts';
import { fingerprint } from '@selvage/shared/pki/certificate.ts';
import { createRequest, runnerProofMessage } from '@selvage/shared/pki/csr.ts';
import { firstContact, postJson, type Trust } from '@selvage/shared/pki/first-contact.ts';
import type { Connect } from '@selvage/shared/pki/https.ts';
import { generateKey, publicKeyOf, signBytes } from '@selvage/shared/pki/keys.ts';
import * as z from 'zod';
import { checkParts, IDENTITY_FILES, loadKey, refuseOpenFolder } from './identity.ts';

export interface EnrollOptions {
  /** `wss://host:port` of the gateway. */
  readonly url: string;
  readonly pin: string;
  readonly token: string;
  readonly name: string;
  readonly mode: Mode;
  /** Hash of the machine id. */
  readonly machineId: string;
  readonly stateDir: string;
  readonly runnerDir: string;
  /** Milliseconds for each of the two exchanges. */
  readonly deadlineMs?: number;
  /** The way to the collector; left out: directly. */
  readonly connect?: Connect;
  /** What a first contact found under the pin, a moment ago: it is not made again then. */
  readonly trust?: Trust;
  /** Hears what first contact found. */
  readonly onTrust?: (trust: Trust) => void;
  /** One for several calls: a refusal then takes back what all of them have made. */
  readonly attempt?: Attempt;
}

export interface Enrolled {
  readonly hostId: HostId;
  readonly name: string;
  readonly collector: string;
  /** An admin has to accept it before it gets policy. */
  readonly pending: boolean;
}

const PRIVATE_FILE = 0o600;
const PRIVATE_FOLDER = 0o700;
/** The unprivileged half reads results beside the runner's key, which is 0600 itself. */
const OPEN_FOLDER = 0o755;
const PUBLIC_FILE = 0o644;

/** After these the collector may have spent the token: the keys stay, so that the same key can ask again. */
export const UNDECIDED: ReadonlySet<Code> = new Set<Code>([
  'UNREACHABLE',
  // Of this attempt nothing arrived; of one before it the answer may be lost.
  'PROXY_REFUSED',
  'RATE_LIMITED',
  'INTERNAL',
  'FRAME_INVALID',
  'FRAME_TOO_LARGE',
]);

const answerDocument = z.object({
  hostId: z.uuid().transform((id) => id as HostId),
  /** As the collector writes it. */
  name: z.string().min(1).max(253),
  certificate: z.string().max(8192),
  authority: z.string().max(8192),
  /** A collector from before there were pending hosts does not say. */
  pending: z.boolean().default(false),
});
type Answer = z.output<typeof answerDocument>;

/**
 * Enrolls this host. Throws ALREADY_ENROLLED, PIN_MISMATCH, UNREACHABLE, CERTIFICATE_INVALID (someone between), the
 * collector's refusal (TOKEN_*, HOST_NAME_TAKEN …), FILE_UNSAFE for a key that lay there open to others.
 */
export async function enroll(options: EnrollOptions): Promise<Enrolled> {
  const paths = pathsOf(options);
  if (await exists(paths.enrollment)) {
    throw new CodedError('ALREADY_ENROLLED', `this host has an identity in ${dirname(paths.enrollment)}`);
  }

  const { url, pin } = options;
  const trust = options.trust ?? (await firstContact({ url, pin, ...exchangeOf(options) }));
  options.onTrust?.(trust);
  const attempt = options.attempt ?? new Attempt();
  let answer: Answer;

  try {
    const keys = await prepareKeys(attempt, paths, options);
    answer = await redeem(options, trust, keys);
  } catch (error) {
    if (!(error instanceof CodedError && UNDECIDED.has(error.code))) await attempt.undo();
    throw error;
  }

  // From here on the token is spent: whatever fails, the keys stay, and the next attempt asks for the same host again.
  await store(paths, { options, trust, answer });

  return { hostId: answer.hostId, name: answer.name, collector: url, pending: answer.pending };
}

const exchangeOf = ({ deadlineMs, connect }: EnrollOptions) => ({
  ...(deadlineMs === undefined ? {} : { deadlineMs }),
  ...(connect === undefined ? {} : { connect }),
});

interface Keys {
  readonly host: string;
  readonly runner: string;
}

async function prepareKeys(attempt: Attempt, paths: Paths, { stateDir, runnerDir }: EnrollOptions): Promise<Keys> {
  await attempt.folder(stateDir, OPEN_FOLDER);
  await attempt.folder(dirname(paths.key), PRIVATE_FOLDER);
  await attempt.folder(runnerDir, OPEN_FOLDER);
  await attempt.folder(dirname(paths.root), OPEN_FOLDER);
  // Before the token is spent on an identity that would not be loaded.
  await refuseOpenFolder(dirname(paths.key));
  await refuseOpenFolder(runnerDir);

  return { host: await keyAt(attempt, paths.key), runner: await keyAt(attempt, paths.runnerKey) };
}

/** The key of an attempt whose answer was lost, or a new one. */
async function keyAt(attempt: Attempt, path: string): Promise<string> {
  const known = await loadKey(path);
  if (known !== null) return known;

  const { privateKey } = generateKey();
  await attempt.file(path, privateKey);

  return privateKey;
}

/** Over a connection that trusts the pinned authority only: here, and nowhere else, the token leaves this host. */
async function redeem(options: EnrollOptions, { authority }: Trust, keys: Keys): Promise<Answer> {
  const { url, token, name, mode, machineId } = options;
  const csr = createRequest({ commonName: name, privateKey: keys.host });
  const runnerProof = Buffer.from(signBytes(runnerProofMessage(csr), keys.runner)).toString('base64');
  const body = { token, name, csr, machineId, mode, runnerKey: publicKeyOf(keys.runner), runnerProof };
  const response = await postJson({
    url,
    path: '/v1/enroll',
    authority,
    body,
    ...exchangeOf(options),
  });
  const answer = answerDocument.safeParse(response);
  if (!answer.success) throw new CodedError('FRAME_INVALID', 'the answer is no certificate', { cause: answer.error });

  if (fingerprint(answer.data.authority) !== fingerprint(authority)) {
    throw new CodedError('CERTIFICATE_INVALID', 'the collector answered with another authority than the pinned one');
  }
  checkParts({ ...answer.data, authorities: [authority], key: keys.host });
  // Rings and policies select by it: were it the collector's to choose, it could move a host into another's policy.
  if (answer.data.name !== name.toLowerCase()) {
    throw new CodedError('CERTIFICATE_INVALID', `${name} enrolled, and the collector calls it ${answer.data.name}`);
  }

  return answer.data;
}

async function store(
  paths: Paths,
  facts: { readonly options: EnrollOptions; readonly trust: Trust; readonly answer: Answer },
): Promise<void> {
  const { options, trust, answer } = facts;
  const { url: collector, pin } = options;
  const { hostId, name } = answer;

  await writeDurable(paths.root, trust.root, { mode: PUBLIC_FILE });
  await writeDurable(paths.authority, trust.authority, { mode: PUBLIC_FILE });
  await writeDurable(paths.certificate, answer.certificate, { mode: PUBLIC_FILE });
  await writeDurable(paths.enrollment, `${JSON.stringify({ hostId, name, collector, pin }, null, 2)}\n`, {
    mode: PUBLIC_FILE,
  });
}

type Paths = ReturnType<typeof pathsOf>;

function pathsOf({ stateDir, runnerDir }: Pick<EnrollOptions, 'stateDir' | 'runnerDir'>) {
  const identity = (file: keyof typeof IDENTITY_FILES) => join(stateDir, 'identity', IDENTITY_FILES[file]);

  return {
    key: identity('key'),
    certificate: identity('certificate'),
    authority: identity('authority'),
    enrollment: identity('enrollment'),
    runnerKey: join(runnerDir, 'key.pem'),
    root: join(runnerDir, 'trust/root.json'),
  };
}

/** What one attempt has made, so that it can be taken back: files it wrote and folders that were not there before. */
export class Attempt {
  readonly #files: string[] = [];
  readonly #folders: string[] = [];

  /** Readable by its owner only. */
  async file(path: string, data: string): Promise<void> {
    this.#files.push(path);
    await writeDurable(path, data, { mode: PRIVATE_FILE });
  }

  async folder(path: string, mode: number): Promise<void> {
    const first = await mkdir(path, { recursive: true, mode });
    if (first === undefined) return;

    for (let made = path; made.length >= first.length; made = dirname(made)) this.#folders.push(made);
  }

  async undo(): Promise<void> {
    for (const path of this.#files) await removeDurable(path);
    // Inner ones first; one that somebody else has put something into stays.
    for (const path of this.#folders.sort((a, b) => b.length - a.length)) await removeIfEmpty(path);
  }
}

async function removeIfEmpty(path: string): Promise<void> {
  try {
    await rmdir(path);
  } catch (error) {
    if (!hasErrno(error, 'ENOTEMPTY', 'EEXIST', 'ENOENT')) throw error;
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await access(path);

    return true;
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) return false;
    throw error;
  }
}

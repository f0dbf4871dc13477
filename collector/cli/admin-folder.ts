// The admin's own folder (0700): where the collector is, what the pin vouched for, the client key and certificate, and
// the signing key. These never lie in the collector's folder; private keys are refused when others may read them.
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import { hasErrno, makeFolder, readBounded, removeDurable, writeDurable } from '@selvage/shared/files/durable.ts';
import { generateKey } from '@selvage/shared/pki/keys.ts';
import { readSigningKey, type SigningKey } from '@selvage/shared/policy/keys.ts';
import { z } from 'zod';
import { JSON_LIMIT_BYTES, readText } from '../home.ts';

const FOLDER_MODE = 0o700;
const PUBLIC_FILE = 0o644;
const OTHERS = 0o077;
const NEXT = 'client-next.json';
const NEXT_KEY = 'signing.next.key';

const configSchema = z.strictObject({ name: z.string(), url: z.url(), pin: z.string() });
export type AdminConfig = z.infer<typeof configSchema>;

export interface AdminIdentity {
  readonly config: AdminConfig;
  readonly authority: string;
  readonly certificate: string;
  readonly privateKey: string;
  /** The first policy root; the pin covers it. */
  readonly root: Uint8Array;
}

/** A client key and the certificate for it, PEM each. */
export interface ClientPair {
  readonly certificate: string;
  readonly privateKey: string;
}

const pairSchema = z.strictObject({ certificate: z.string(), privateKey: z.string() });

export class AdminFolder {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  /** True when somebody has logged in from here. */
  async exists(): Promise<boolean> {
    return (await readBounded(this.#file('config.json'), JSON_LIMIT_BYTES)) !== null;
  }

  /** Throws UNAUTHENTICATED when nobody has logged in from here, KEY_UNUSABLE for a key that others may read. */
  async load(): Promise<AdminIdentity> {
    const bytes = await readBounded(this.#file('config.json'), JSON_LIMIT_BYTES);
    if (!bytes) {
      throw new CodedError('UNAUTHENTICATED', `no admin has logged in from ${this.path}`, {
        next: 'on the first machine: selvage init; elsewhere: selvage login --collector URL --pin PIN --token TOKEN --name NAME',
      });
    }

    return {
      config: this.#config(bytes),
      authority: await readText(this.#file('authority.crt')),
      certificate: await readText(this.#file('client.crt')),
      privateKey: await this.#secret('client.key'),
      root: Buffer.from(await readText(this.#file('root.json'), JSON_LIMIT_BYTES)),
    };
  }

  /** Writes the identity; the configuration last, so that what exists is whole. */
  async save(identity: AdminIdentity): Promise<void> {
    await makeFolder(this.path, FOLDER_MODE);
    await writeDurable(this.#file('client.key'), identity.privateKey);
    await writeDurable(this.#file('client.crt'), identity.certificate, { mode: PUBLIC_FILE });
    await writeDurable(this.#file('authority.crt'), identity.authority, { mode: PUBLIC_FILE });
    await writeDurable(this.#file('root.json'), identity.root, { mode: PUBLIC_FILE });
    await this.writeConfig(identity.config);
  }

  /** The pair that the collector gave out and that may not have been used yet: one file, so that it is whole or not there. */
  async nextPair(): Promise<ClientPair | null> {
    const text = await this.#secretOrNull(NEXT);
    if (text === null) return null;

    try {
      return pairSchema.parse(JSON.parse(text));
    } catch (error) {
      throw new CodedError('FILE_CORRUPT', `${this.#file(NEXT)} cannot be read`, { cause: error });
    }
  }

  async keepNext(pair: ClientPair): Promise<void> {
    await writeDurable(this.#file(NEXT), `${JSON.stringify(pair)}\n`);
  }

  /** In the place of the pair before. The file of the next one goes last: a crash in between is mended by the next command. */
  async useNext(pair: ClientPair): Promise<void> {
    await writeDurable(this.#file('client.key'), pair.privateKey);
    await writeDurable(this.#file('client.crt'), pair.certificate, { mode: PUBLIC_FILE });
    await this.dropNext(pair);
  }

  /** Removes the next pair when it is this one: another command may have kept a later one. */
  async dropNext(pair: ClientPair): Promise<void> {
    if ((await this.nextPair())?.certificate === pair.certificate) await removeDurable(this.#file(NEXT));
  }

  /** The client key that waits for its certificate: the one of an unfinished login, else a new one. */
  async pendingKey(): Promise<string> {
    const before = await this.#secretOrNull('client.key');
    if (before !== null) return before;

    const { privateKey } = generateKey();
    await makeFolder(this.path, FOLDER_MODE);
    await writeDurable(this.#file('client.key'), privateKey);

    return privateKey;
  }

  async writeConfig(config: AdminConfig): Promise<void> {
    await writeDurable(this.#file('config.json'), `${JSON.stringify(config, null, 2)}\n`);
  }

  /** The key that signs policy, null when there is none here. */
  async signingKey(): Promise<SigningKey | null> {
    const pem = await this.#secretOrNull('signing.key');

    return pem === null ? null : readSigningKey(pem);
  }

  /** Throws ALREADY_EXISTS: a signing key is never overwritten, documents may hang on it. */
  async addSigningKey(key: SigningKey): Promise<void> {
    if ((await this.#secretOrNull('signing.key')) !== null) {
      throw new CodedError('ALREADY_EXISTS', `there is a signing key in ${this.path}`, {
        next: 'see it with: selvage key list',
      });
    }
    await makeFolder(this.path, FOLDER_MODE);
    await writeDurable(this.#file('signing.key'), key.privateKey);
  }

  /** The key that is to take the place of the one that signs; null when no rotation is under way. */
  async nextSigningKey(): Promise<SigningKey | null> {
    const pem = await this.#secretOrNull(NEXT_KEY);

    return pem === null ? null : readSigningKey(pem);
  }

  /** Keeps it beside the present one: both are there until the collector counts the new one. */
  async keepNextSigningKey(key: SigningKey): Promise<void> {
    await writeDurable(this.#file(NEXT_KEY), key.privateKey);
  }

  /** The next key is the one that signs from now on; the old one is gone. Safe to repeat after a crash. */
  async promoteSigningKey(): Promise<void> {
    const next = await this.nextSigningKey();
    if (!next) return;
    await writeDurable(this.#file('signing.key'), next.privateKey);
    await removeDurable(this.#file(NEXT_KEY));
  }

  /** What a command keeps from one run to the next, null before the first. */
  kept(name: string, maxBytes = JSON_LIMIT_BYTES): Promise<Uint8Array | null> {
    return readBounded(this.#file(name), maxBytes);
  }

  async keep(name: string, content: Uint8Array | string): Promise<void> {
    await writeDurable(this.#file(name), content);
  }

  async #secret(name: string): Promise<string> {
    const text = await this.#secretOrNull(name);
    if (text === null) throw new CodedError('FILE_CORRUPT', `${this.#file(name)} is missing`);

    return text;
  }

  async #secretOrNull(name: string): Promise<string | null> {
    const file = this.#file(name);

    try {
      const { mode } = await stat(file);
      if ((mode & OTHERS) !== 0) {
        throw new CodedError('KEY_UNUSABLE', `${file} may be read by others`, { next: `chmod 600 ${file}` });
      }
    } catch (error) {
      if (hasErrno(error, 'ENOENT')) return null;
      throw error;
    }

    return readText(file);
  }

  #config(bytes: Uint8Array): AdminConfig {
    try {
      return configSchema.parse(JSON.parse(Buffer.from(bytes).toString('utf8')));
    } catch (error) {
      throw new CodedError('FILE_CORRUPT', `${this.#file('config.json')} cannot be read`, { cause: error });
    }
  }

  #file(name: string): string {
    return join(this.path, name);
  }
}

// Keeps a local copy of the policy repository for the runner: only what changed is fetched, everything is bounded, and
// the old copy stays whole until the new one is. It verifies no signature and decides nothing; the runner does both.
// So it remembers nothing that an older or a newer copy could be held against: what a stolen collector made up must be gone
// with the first copy of an honest one.
//
// INVARIANTS:
// - New files are collected in incoming/ and moved in only when all of them are there; timestamp.json goes last of the
//   metadata, done.json after it, and only then `wake` is touched.
// - What the copy before named is kept until the next one, for a runner that is reading.
import { readdir, rename, rm } from 'node:fs/promises';
import { join, posix } from 'node:path';
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import { makeFolder, readBounded, syncFolder, writeDurable } from '@selvage/shared/files/durable.ts';
import type { Log } from '@selvage/shared/log/log.ts';
import type { Sha256 } from '@selvage/shared/model/ids.ts';
import {
  MAX_DOCUMENTS,
  MAX_POLICY_FILE_BYTES,
  MAX_POLICY_TOTAL_BYTES,
  MAX_ROOT_STEPS,
} from '@selvage/shared/policy/limits.ts';
import { isForCollector } from '@selvage/shared/policy/roles.ts';
import * as z from 'zod/mini';
import type { Mirror } from './link.ts';
import type { PolicyRequest } from './policy-desk.ts';
import { checkBytes, type NamedFile, readRole, readSnapshot, readTimestamp } from './repository-facts.ts';
import { readJson } from './state-file.ts';

/** Bytes of one copy; two of them (this and the one before) fit into what the runner reads. */
const MAX_COPY_BYTES = MAX_POLICY_TOTAL_BYTES / 2;
/** done.json lists every file of the copy. */
const MAX_DONE_BYTES = 2 * 1024 * 1024;
/** The runner reads the copy under another user. */
const READABLE = 0o644;
const READABLE_FOLDER = 0o755;
/** A root that is not served any more goes at once: a runner would follow it. */
const ROOT_FILE = /\.root\.json$/;
const TIMESTAMP_FILE = 'metadata/timestamp.json';
const done = z.object({
  timestampVersion: z.int().check(z.nonnegative()),
  files: z.array(z.string().check(z.maxLength(512))),
});
type Done = z.infer<typeof done>;

export interface MirrorOptions {
  /** `policy`: metadata/, targets/, done.json. */
  readonly dir: string;
  /** File that is rewritten when there is something new. */
  readonly wake: string;
  readonly log: Log;
}

/** sync() throws POLICY_INVALID for what cannot be a repository; the copy is then as it was. */
export async function openPolicyMirror({ dir, wake, log }: MirrorOptions): Promise<Mirror> {
  for (const folder of ['', 'metadata', 'targets']) await makeFolder(join(dir, folder), READABLE_FOLDER);

  return {
    sync: async (request, signal) => {
      const current = await readDone(dir, log);
      const timestamp = await request('timestamp.json');
      if (timestamp === null) return null;
      const { version } = readTimestamp(timestamp);
      const here = await readBounded(join(dir, TIMESTAMP_FILE), MAX_POLICY_FILE_BYTES);
      // A root may come alone, or may have been withheld when the rest was copied: it is asked for in any case.
      // done.json goes last: a power cut may have left the new timestamp without the files that it stands for.
      const copied = current !== null && current.timestampVersion === version && here && areSame(here, timestamp);
      if (copied && (await nextRoot(request, current)) === null) return null;

      const copy = new Copy(dir, request, signal);
      await copy.begin();
      try {
        const files = await fetchAll(copy, timestamp);
        await copy.moveIn(files, version, current?.files ?? []);
      } finally {
        await copy.discard();
      }
      await writeDurable(wake, `${version}\n`, { mode: READABLE });
      log.info({ timestampVersion: version }, 'policy mirrored');

      return { timestampVersion: version };
    },
  };
}

/** Fetches what is missing and returns every file of the new copy, in the order in which they may be moved in. */
async function fetchAll(copy: Copy, timestamp: Uint8Array): Promise<readonly string[]> {
  await copy.fetchRoots();
  const { snapshot } = readTimestamp(timestamp);
  const snapshotBytes = await copy.metadata(snapshot);
  const roles = readSnapshot(snapshotBytes, snapshot);

  let documents = 0;

  for (const named of roles) {
    const targets = readRole(await copy.metadata(named), named);
    documents += targets.length;
    if (documents > MAX_DOCUMENTS) throw new CodedError('POLICY_INVALID', `more than ${MAX_DOCUMENTS} documents`);
    for (const target of targets.filter(({ name }) => !isForCollector(name))) await copy.target(target);
  }
  await copy.add(TIMESTAMP_FILE, timestamp);

  return copy.files();
}

class Copy {
  readonly #dir: string;
  readonly #request: PolicyRequest;
  readonly #signal: AbortSignal;
  readonly #incoming: string;
  /** Paths below the mirror; the value says whether the file waits in incoming/. */
  readonly #files = new Map<string, 'here' | 'incoming'>();
  #bytes = 0;

  constructor(dir: string, request: PolicyRequest, signal: AbortSignal) {
    this.#dir = dir;
    this.#request = request;
    this.#signal = signal;
    this.#incoming = join(dir, 'incoming');
  }

  async begin(): Promise<void> {
    await this.discard();
    for (const folder of ['metadata', 'targets']) await makeFolder(join(this.#incoming, folder), READABLE_FOLDER);
  }

  async discard(): Promise<void> {
    await rm(this.#incoming, { recursive: true, force: true });
  }

  files(): readonly string[] {
    return [...this.#files.keys()];
  }

  /** Every N.root.json that the collector has. Nothing names them by hash, so none is right just because it is here. */
  async fetchRoots(): Promise<void> {
    for (let number = 1; number <= MAX_ROOT_STEPS; number++) {
      const path = `metadata/${number}.root.json`;
      const bytes = await this.#request(`${number}.root.json`);
      if (bytes === null) return;
      const here = await readBounded(join(this.#dir, path), MAX_POLICY_FILE_BYTES);
      if (here && areSame(here, bytes)) {
        this.#count(bytes.length);
        this.#files.set(path, 'here');
      } else await this.add(path, bytes);
    }
  }

  /** A versioned metadata file, from the copy when it is there and is the one that was named. */
  async metadata(file: NamedFile): Promise<Uint8Array> {
    const path = `metadata/${file.name}`;
    const here = await this.#here(path, file);
    if (here) return here;

    return this.#fetch(path, file);
  }

  async target(file: NamedFile & { readonly sha256: Sha256 }): Promise<void> {
    const path = `targets/${file.sha256}.${posix.basename(file.name)}`;
    if (this.#files.has(path) || (await this.#here(path, file))) return;
    await this.#fetch(path, file, file.sha256);
  }

  async add(path: string, bytes: Uint8Array): Promise<void> {
    this.#count(bytes.length);
    await writeDurable(join(this.#incoming, path), bytes, { mode: READABLE });
    // Set anew, so that it comes last.
    this.#files.delete(path);
    this.#files.set(path, 'incoming');
  }

  async moveIn(files: readonly string[], timestampVersion: number, before: readonly string[]): Promise<void> {
    this.#signal.throwIfAborted();

    for (const path of files) {
      // Nothing that names other files is there before them, also after a power cut.
      if (path === TIMESTAMP_FILE) await this.#syncFolders();
      if (this.#files.get(path) === 'incoming') await rename(join(this.#incoming, path), join(this.#dir, path));
    }
    await this.#syncFolders();
    // Written after them: a copy without it, or with less than it lists, is fetched again.
    const state: Done = { timestampVersion, files: [...files] };
    await writeDurable(join(this.#dir, 'done.json'), `${JSON.stringify(state)}\n`, { mode: READABLE });
    await this.#prune(new Set([...files, ...before.filter((path) => !ROOT_FILE.test(path))]));
  }

  async #syncFolders(): Promise<void> {
    for (const folder of ['metadata', 'targets']) await syncFolder(join(this.#dir, folder));
  }

  async #fetch(path: string, file: NamedFile, hash?: Sha256): Promise<Uint8Array> {
    const bytes = await this.#request(file.name, hash);
    if (bytes === null) throw new CodedError('POLICY_INVALID', `the collector does not have ${file.name}`);
    checkBytes(bytes, file);
    await this.add(path, bytes);

    return bytes;
  }

  /** The file of the present copy; null when it is missing or is another one (it is then fetched again). */
  async #here(path: string, file: NamedFile): Promise<Uint8Array | null> {
    const bytes = await readBounded(join(this.#dir, path), MAX_POLICY_FILE_BYTES);
    if (bytes === null) return null;

    try {
      checkBytes(bytes, file);
    } catch (error) {
      if (error instanceof CodedError) return null;
      throw error;
    }
    this.#count(bytes.length);
    this.#files.set(path, 'here');

    return bytes;
  }

  #count(bytes: number): void {
    this.#signal.throwIfAborted();
    this.#bytes += bytes;
    if (this.#bytes > MAX_COPY_BYTES) {
      throw new CodedError('POLICY_INVALID', `the policy repository is larger than ${MAX_COPY_BYTES} bytes`);
    }
  }

  async #prune(keep: ReadonlySet<string>): Promise<void> {
    for (const folder of ['metadata', 'targets']) {
      for (const name of await readdir(join(this.#dir, folder))) {
        const path = `${folder}/${name}`;
        if (!keep.has(path)) await rm(join(this.#dir, path), { recursive: true, force: true });
      }
    }
  }
}

/** The root after the last one of the copy, which the copy does not have; null when the collector has none either. */
async function nextRoot(request: PolicyRequest, { files }: Done): Promise<Uint8Array | null> {
  const last = Math.max(0, ...files.map((file) => Number(/\/(\d+)\.root\.json$/.exec(file)?.[1] ?? 0)));

  return last >= MAX_ROOT_STEPS ? null : request(`${last + 1}.root.json`);
}

function areSame(one: Uint8Array, other: Uint8Array): boolean {
  return Buffer.compare(one, other) === 0;
}

/** Null when there is no complete copy: no done.json, or a file that it lists is gone (a power cut, a careless hand). */
async function readDone(dir: string, log: Log): Promise<Done | null> {
  const state = await readJson(join(dir, 'done.json'), done, MAX_DONE_BYTES, log);
  if (state === null) return null;

  const present = new Set<string>();
  for (const folder of ['metadata', 'targets']) {
    for (const name of await readdir(join(dir, folder))) present.add(`${folder}/${name}`);
  }

  return state.files.every((file) => present.has(file)) ? state : null;
}

// Files of feeds on their way here, piece by piece: a request holds one piece, so that neither its time nor its memory grows with the
// file. Names that admins give are never names here.
import { constants, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import { hasErrno } from '@selvage/shared/files/durable.ts';
import type { Random } from '@selvage/shared/random.ts';
import type { Clock } from '@selvage/shared/time/clock.ts';

export const PIECE_BYTES = 8 * 1024 * 1024;
const MAX_BYTES = 4096 * 1024 * 1024;
const MAX_OPEN = 4;
/** Milliseconds without a piece, after which a file is given up. */
const ABANDONED_MS = 15 * 60_000;
const { O_CREAT, O_EXCL, O_NOFOLLOW, O_WRONLY } = constants;
const PRIVATE_FILE = 0o600;

export interface UploadView {
  readonly id: string;
  readonly received: number;
  /** Null: known when it has arrived. */
  readonly bytes: number | null;
}

interface Upload {
  readonly path: string;
  readonly name: string;
  readonly by: string;
  readonly bytes: number | null;
  received: number;
  touched: number;
  busy: boolean;
}

export class Uploads {
  readonly #folder: string;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #open = new Map<string, Upload>();

  constructor({ folder, clock, random }: { readonly folder: string; readonly clock: Clock; readonly random: Random }) {
    this.#folder = folder;
    this.#clock = clock;
    this.#random = random;
  }

  /** Throws REQUEST_TOO_LARGE, RATE_LIMITED when too many are on their way. */
  async begin(request: {
    readonly name: string;
    readonly bytes: number | null;
    readonly by: string;
  }): Promise<UploadView> {
    const { name, bytes, by } = request;
    if (bytes !== null && bytes > MAX_BYTES)
      throw new CodedError('REQUEST_TOO_LARGE', `${bytes} bytes are more than ${MAX_BYTES}`);
    await this.#dropAbandoned();
    if (this.#open.size >= MAX_OPEN) {
      throw new CodedError('RATE_LIMITED', `${this.#open.size} files of feeds are on their way already`, {
        next: 'wait until they have arrived',
      });
    }
    const id = this.#random.uuid();
    const path = join(this.#folder, `upload-${id}.part`);
    this.#open.set(id, { path, name, by, bytes, received: 0, touched: this.#clock.monotonic(), busy: false });
    try {
      const file = await open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, PRIVATE_FILE);
      await file.close();
    } catch (error) {
      // Nothing is on its way: it must not take a place.
      this.#open.delete(id);
      throw fullOr(error);
    }

    return { id, received: 0, bytes };
  }

  /** The next piece. Throws NOT_FOUND, REQUEST_INVALID when it is not the next, DISK_FULL. */
  async add(id: string, by: string, offset: number, piece: Uint8Array): Promise<UploadView> {
    const upload = this.#of(id, by);
    const most = upload.bytes ?? MAX_BYTES;
    if (offset + piece.length > most) throw new CodedError('REQUEST_TOO_LARGE', `more than ${most} bytes were sent`);
    if (upload.busy || offset !== upload.received) {
      throw new CodedError('REQUEST_INVALID', `a piece at ${offset} does not follow ${upload.received} bytes`);
    }
    upload.busy = true;
    try {
      const file = await open(upload.path, O_WRONLY | O_NOFOLLOW);
      try {
        // A disk that is nearly full takes a part of it, and says that only here.
        for (let at = 0; at < piece.length; ) {
          at += (await file.write(piece, at, piece.length - at, offset + at)).bytesWritten;
        }
      } finally {
        await file.close();
      }
    } catch (error) {
      throw fullOr(error);
    } finally {
      upload.busy = false;
    }
    upload.received += piece.length;
    upload.touched = this.#clock.monotonic();

    return { id, received: upload.received, bytes: upload.bytes };
  }

  /** Hands the whole file over: who takes it removes it. Throws NOT_FOUND, REQUEST_INVALID when some of it is missing. */
  take(id: string, by: string): { readonly path: string; readonly name: string } {
    const upload = this.#of(id, by);
    if (upload.busy || upload.received !== (upload.bytes ?? upload.received) || upload.received === 0) {
      throw new CodedError('REQUEST_INVALID', `only ${upload.received} of ${upload.bytes ?? 'its'} bytes have arrived`);
    }
    this.#open.delete(id);

    return { path: upload.path, name: upload.name };
  }

  #of(id: string, by: string): Upload {
    const upload = this.#open.get(id);
    if (upload?.by === by) return upload;
    throw new CodedError('NOT_FOUND', 'no such file is on its way', { next: 'import it again' });
  }

  async #dropAbandoned(): Promise<void> {
    for (const [id, { path, touched, busy }] of this.#open) {
      if (busy || this.#clock.monotonic() - touched < ABANDONED_MS) continue;
      this.#open.delete(id);
      await rm(path, { force: true });
    }
  }
}

function fullOr(error: unknown): unknown {
  return hasErrno(error, 'ENOSPC', 'EDQUOT')
    ? new CodedError('DISK_FULL', 'no space for the file', { cause: error })
    : error;
}

// How much a source of a feed may be: bytes read, bytes unpacked, members, archives within archives. Counted while it is read, and the
// first that is passed stops all of it: nothing here waits for a file to end.
import { CodedError } from '@selvage/shared/errors/coded-error.ts';

const MIB = 1024 * 1024;

export interface FeedBounds {
  /** Bytes of the files as they were brought; the largest dump known has some 600 MB. */
  readonly sourceBytes: number;
  /** Bytes of one member, unpacked. */
  readonly memberBytes: number;
  /** Bytes of all members together. */
  readonly unpackedBytes: number;
  /** Times that data may be larger than the file it is packed in, beyond `ratioFromBytes`; text of advisories is 5 to 20. */
  readonly ratio: number;
  readonly ratioFromBytes: number;
  readonly members: number;
  /** Packed in packed in …: a `.tar.gz` is 2. */
  readonly depth: number;
}

export const FEED_BOUNDS: FeedBounds = {
  sourceBytes: 4096 * MIB,
  memberBytes: 4096 * MIB,
  unpackedBytes: 16_384 * MIB,
  ratio: 100,
  ratioFromBytes: 64 * MIB,
  members: 2_000_000,
  depth: 3,
};

/** Of one import. What stopped it is kept: a reader that takes it for a fault of one member must not go on. */
export class Budget {
  readonly bounds: FeedBounds;
  #read = 0;
  #unpacked = 0;
  #members = 0;
  #broken: CodedError | null = null;

  constructor(bounds: FeedBounds = FEED_BOUNDS) {
    this.bounds = bounds;
  }

  get broken(): CodedError | null {
    return this.#broken;
  }

  /** Bytes read of the files so far. */
  get bytesRead(): number {
    return this.#read;
  }

  /** The file as it is, or what an archive reader took from it. */
  read(bytes: number): void {
    this.#read += bytes;
    if (this.#read > this.bounds.sourceBytes) throw this.refuse(`has more than ${this.bounds.sourceBytes} bytes`);
  }

  unpacked(bytes: number): void {
    const { unpackedBytes, ratio, ratioFromBytes } = this.bounds;
    this.#unpacked += bytes;
    if (this.#unpacked > unpackedBytes) throw this.refuse(`unpacks to more than ${unpackedBytes} bytes`);
    if (this.#unpacked > ratioFromBytes && this.#unpacked > this.#read * ratio) {
      throw this.refuse(`unpacks to more than ${ratio} times its size`);
    }
  }

  member(): void {
    this.#members += 1;
    if (this.#members > this.bounds.members) throw this.refuse(`has more than ${this.bounds.members} members`);
  }

  /** The error that ends this import. */
  refuse(why: string, cause?: unknown): CodedError {
    this.#broken ??= new CodedError('FEED_INVALID', `nothing was taken: the file ${why}`, { cause });

    return this.#broken;
  }
}

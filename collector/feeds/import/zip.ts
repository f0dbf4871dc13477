// The members of a zip file, in the order of its directory. Names are labels: they are never joined to a folder, so what they say of
// folders above does not matter.
import type { FileHandle } from 'node:fs/promises';
import { promisify } from 'node:util';
import yauzl, { type Entry, type ZipFile } from 'yauzl';
import type { Budget } from './bounds.ts';
import { type Member, unpack } from './unpack.ts';

const NAME_LENGTH = 300;
/** Bit of the general purpose flags: it asks for a password. */
const ENCRYPTED = 1;

const fromFd = promisify<number, yauzl.Options, ZipFile>(yauzl.fromFd);

/** Reads through `handle`, which stays open. Throws FEED_INVALID. */
export async function* unzip(handle: FileHandle, budget: Budget): AsyncGenerator<Member> {
  let zip: ZipFile;
  try {
    zip = await fromFd(handle.fd, {
      autoClose: false,
      lazyEntries: true,
      decodeStrings: false,
      validateEntrySizes: true,
    });
  } catch (error) {
    throw budget.refuse('is damaged or cut: its zip has no directory', error);
  }
  if (zip.entryCount > budget.bounds.members) throw budget.refuse(`has more than ${budget.bounds.members} members`);

  for await (const entry of entriesOf(zip, budget)) {
    const name = Buffer.from(entry.fileName as unknown as Uint8Array)
      .toString('utf8')
      .slice(-NAME_LENGTH);
    if (name.endsWith('/')) continue;
    if ((entry.generalPurposeBitFlag & ENCRYPTED) !== 0) throw budget.refuse('has members that ask for a password');
    // What the directory says, before anything is unpacked; the true size is counted as well.
    if (entry.uncompressedSize > budget.bounds.memberBytes) {
      throw budget.refuse(`has a member of more than ${budget.bounds.memberBytes} bytes`);
    }
    yield* unpack(name, contentOf(zip, entry, budget), budget, { depth: 1, packed: true });
  }
}

async function* entriesOf(zip: ZipFile, budget: Budget): AsyncGenerator<Entry> {
  const waiting: { done: (entry: Entry | null) => void; failed: (error: unknown) => void }[] = [];
  zip.on('entry', (entry: Entry) => waiting.shift()?.done(entry));
  zip.on('end', () => waiting.shift()?.done(null));
  zip.on('error', (error: unknown) => waiting.shift()?.failed(error));

  for (;;) {
    let entry: Entry | null;
    try {
      entry = await new Promise<Entry | null>((done, failed) => {
        waiting.push({ done, failed });
        zip.readEntry();
      });
    } catch (error) {
      throw budget.refuse('is damaged or cut: the directory of its zip cannot be read', error);
    }
    if (entry === null) return;
    yield entry;
  }
}

async function* contentOf(zip: ZipFile, entry: Entry, budget: Budget): AsyncGenerator<Uint8Array> {
  const open = promisify<Entry, NodeJS.ReadableStream>(zip.openReadStream.bind(zip));
  budget.read(entry.compressedSize);

  try {
    for await (const part of await open(entry)) {
      const bytes = part as unknown as Uint8Array;
      budget.unpacked(bytes.length);
      yield bytes;
    }
  } catch (error) {
    throw budget.broken ?? budget.refuse('is damaged or cut: a member of its zip does not unpack', error);
  }
}

// A VEX document from the bytes of a file: what it is, its statements, and what of it is no word about software that could be here.
// Pure. Nothing is half taken: a document with one statement that is not understood is refused with its path.
import { isCsaf, readCsaf } from './csaf.ts';
import { isOpenVex, readOpenVex } from './openvex.ts';
import { invalidVex, type ReadVex } from './shapes.ts';

/** Bytes of a file: the largest documents of vendors have some ten MiB. */
export const MAX_VEX_BYTES = 32 * 1024 * 1024;
const MAX_STATEMENTS = 20_000;
const MAX_PRODUCTS = 200_000;

/** Throws VEX_INVALID. */
export function readVex(bytes: Uint8Array): ReadVex {
  const value = jsonOf(bytes);
  const read = isOpenVex(value) ? readOpenVex(value) : isCsaf(value) ? readCsaf(value) : null;
  if (read === null)
    throw invalidVex('it is neither OpenVEX nor CSAF: there is no @context of OpenVEX and no csaf_version');
  const products = read.statements.reduce((sum, statement) => sum + statement.products.length, 0);
  if (read.statements.length > MAX_STATEMENTS || products > MAX_PRODUCTS) {
    throw invalidVex(
      `it has ${read.statements.length} statements about ${products} products; ${MAX_STATEMENTS} and ${MAX_PRODUCTS} are the most`,
    );
  }
  if (read.statements.length === 0) throw invalidVex('there is no statement in it');

  return read;
}

function jsonOf(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw invalidVex('it is no JSON in UTF-8, or it is cut', cause);
  }
}

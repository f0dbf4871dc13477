// XML as a stream of tags and texts, for files that somebody else wrote. It refuses document types (no entity is ever defined), depth,
// and anything long before it is kept. Pure.
import { type SaxesAttributePlain, SaxesParser } from 'saxes';
import { CodedError } from '../errors/coded-error.ts';

export interface XmlHandler {
  /** Names as they are written, with their prefix. */
  open(name: string, attributes: Readonly<Record<string, string>>): void;
  /** One run of text; CDATA is text. */
  text(text: string): void;
  close(name: string): void;
}

export interface XmlReader {
  /** Text in pieces of any size. Throws PARSE. */
  write(piece: string): void;
  /** Throws PARSE where something is still open. */
  end(): void;
}

/** Elements in each other; feeds have some 12. */
const MAX_DEPTH = 64;
/** Characters between two tags, or of one tag: the longest description of an advisory has some 100 KB. */
const MAX_TOKEN = 4 * 1024 * 1024;
const MAX_ATTRIBUTES = 64;
/** Characters that are parsed before the bounds are looked at again. */
const PIECE = 64 * 1024;

export function createXmlReader(handler: XmlHandler): XmlReader {
  const parser = new SaxesParser({ position: false });
  let depth = 0;
  let since = 0;
  let attributes = 0;

  parser.on('error', (error) => {
    throw broken(error.message.slice(0, 200));
  });
  parser.on('doctype', () => {
    throw broken('it has a document type, which could define what is not there');
  });
  parser.on('opentagstart', () => {
    attributes = 0;
    since = 0;
  });
  parser.on('attribute', (_: SaxesAttributePlain) => {
    attributes += 1;
    if (attributes > MAX_ATTRIBUTES) throw broken(`an element has more than ${MAX_ATTRIBUTES} attributes`);
  });
  parser.on('opentag', (tag) => {
    since = 0;
    depth += 1;
    if (depth > MAX_DEPTH) throw broken(`elements are more than ${MAX_DEPTH} deep`);
    handler.open(tag.name, tag.attributes as Readonly<Record<string, string>>);
  });
  parser.on('closetag', (tag) => {
    since = 0;
    depth -= 1;
    handler.close(tag.name);
  });
  const text = (found: string) => {
    since = 0;
    handler.text(found);
  };
  parser.on('text', text);
  parser.on('cdata', text);

  return {
    write: (piece) => {
      for (let at = 0; at < piece.length; at += PIECE) {
        const part = piece.slice(at, at + PIECE);
        since += part.length;
        if (since > MAX_TOKEN) throw broken(`a tag or text has more than ${MAX_TOKEN} characters`);
        parser.write(part);
      }
    },
    end: () => {
      parser.close();
    },
  };
}

function broken(why: string): CodedError {
  return new CodedError('PARSE', `this XML is not read: ${why}`);
}

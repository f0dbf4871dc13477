// From apt's sources to repositories: their ids and the names of their files in a lists folder. Pure.
import type { SourceEntry } from './apt-sources.ts';

/** One archive × suite of an entry, as apt prints and stores it. */
export interface ListedRepository {
  /** `<uri> <suite> <component …>`; the URI without user, password and final slash. */
  readonly id: string;
  /** As apt prints it; never with credentials. */
  readonly uri: string;
  /** As the source says it; may hold credentials, so it is never shown. */
  readonly source: string;
  readonly suite: string;
  readonly components: readonly string[];
  /** File name in the lists folder without `InRelease`, `Release` or `Release.gpg`. */
  readonly prefix: string;
}

/** Repositories of the entries, each once, in the order of the sources. */
export function listRepositories(entries: readonly SourceEntry[]): readonly ListedRepository[] {
  const byId = new Map<string, ListedRepository>();

  for (const { uris, suites, components } of entries) {
    for (const source of uris) {
      for (const suite of suites) {
        const uri = shown(source);
        const id = [uri, suite, ...components].join(' ');
        if (!byId.has(id)) byId.set(id, { id, uri, source, suite, components, prefix: prefix(uri, suite) });
      }
    }
  }

  return [...byId.values()];
}

/** `https://user:secret@repo.example.org/x/` → `https://repo.example.org/x`, and `file:///x` → `file:/x`, as apt prints. */
function shown(uri: string): string {
  const match = /^([A-Za-z0-9+.-]+:)\/\/([^/]*)(.*)$/.exec(uri);
  if (!match) return uri.replace(/\/+$/, '');
  const [, scheme, authority = '', path = ''] = match;
  const host = authority.slice(authority.lastIndexOf('@') + 1);

  return `${scheme}${host === '' ? '' : `//${host}`}${path}`.replace(/\/+$/, '');
}

/** A flat repository at the address itself is printed without a suite (MetaIndexInfo() of apt). */
export function printedSuite(suite: string): string {
  return suite === '/' ? '' : suite;
}

/** sources.list(5): a suite that ends in a slash is the path itself. */
function prefix(uri: string, suite: string): string {
  const path = suite.endsWith('/') ? `${uri}/${suite === '/' ? '' : suite}` : `${uri}/dists/${suite}/`;

  return listName(path);
}

/** Characters that URItoFileName() of apt (apt-pkg/contrib/strutl.cc) writes as %xx, besides what is not printable. */
const QUOTED = '\\|{}[]<>"^~_=!@#$%&*';

/** The name apt gives a file of the archive in its lists folder. */
export function listName(uri: string): string {
  const withoutAccess = uri.replace(/^[A-Za-z0-9+.-]+:(\/\/)?/, '');

  return [...Buffer.from(withoutAccess, 'utf8')]
    .map((byte) => {
      const char = String.fromCharCode(byte);

      return byte <= 0x20 || byte >= 0x7f || QUOTED.includes(char) ? `%${byte.toString(16).padStart(2, '0')}` : char;
    })
    .join('')
    .replaceAll('/', '_');
}

import { listName, listRepositories } from '@selvage/shared/packages/apt-repositories.ts';
import { parseDeb822, parseOneLine, renderSources } from '@selvage/shared/packages/apt-sources.ts';
import { describe, expect, it } from 'vitest';
import { splitRuns } from './refresh-runs.ts';

const malformed = expect.objectContaining({ code: 'SETTINGS_INVALID' });
const idsOfLines = (text: string) => listRepositories(parseOneLine(text, 'x.list')).map(({ id }) => id);
const idsOfStanzas = (text: string) => listRepositories(parseDeb822(text, 'x.sources')).map(({ id }) => id);

describe('when a one-line source is read', () => {
  it('takes options, several components and comments', () => {
    const [entry] = parseOneLine(
      '# head\n\ndeb [ arch=amd64,arm64 signed-by=/k.gpg lang-=de ] http://a.example/x stable main contrib # tail\n',
      'x.list',
    );

    expect(entry).toMatchObject({
      uris: ['http://a.example/x'],
      suites: ['stable'],
      components: ['main', 'contrib'],
      line: 3,
    });
    expect(Object.fromEntries(entry?.options ?? [])).toEqual({
      architectures: 'amd64,arm64',
      'signed-by': '/k.gpg',
      'languages-remove': 'de',
    });
  });

  it('knows flat repositories, discs with blanks in their name, and leaves sources out', () => {
    expect(
      idsOfLines(
        'deb http://flat.example/debs ./\ndeb cdrom:[Debian GNU/Linux 12 _Bookworm_]/ bookworm main\ndeb-src http://a.example/x stable main\n',
      ),
    ).toEqual(['http://flat.example/debs ./', 'cdrom:[Debian GNU/Linux 12 _Bookworm_] bookworm main']);
  });

  it.each([
    ['an unknown type', 'rpm http://a.example/x stable main'],
    ['no suite', 'deb http://a.example/x'],
    ['no component', 'deb http://a.example/x stable'],
    ['components of a flat repository', 'deb http://a.example/x ./ main'],
    ['no URI', 'deb stable main contrib'],
    ['a line that nobody reads to its end', `deb http://x ${'[ '.repeat(1_000_000)}`],
    ['an open bracket', 'deb [arch=amd64 http://a.example/x stable main'],
    ['an option without a value', 'deb [arch] http://a.example/x stable main'],
    ['trust that is neither yes nor no', 'deb [trusted=maybe] http://a.example/x stable main'],
  ])('refuses %s', (_, text) => {
    expect(() => parseOneLine(text, 'x.list')).toThrow(malformed);
  });
});

describe('when deb822 sources are read', () => {
  it('combines every URI with every suite, over several stanzas', () => {
    expect(
      idsOfStanzas(
        'Types: deb deb-src\nURIs: http://a.example/x http://b.example/x/\n# inside\nSuites: s1 s2\nComponents: main\n non-free\n\nTypes: deb\nURIs: http://c.example\nSuites: ./\n',
      ),
    ).toEqual([
      'http://a.example/x s1 main non-free',
      'http://a.example/x s2 main non-free',
      'http://b.example/x s1 main non-free',
      'http://b.example/x s2 main non-free',
      'http://c.example ./',
    ]);
  });

  it('leaves out what is not enabled', () => {
    const stanza = 'Types: deb\nURIs: http://a.example/x\nSuites: s\nComponents: main\n';

    expect(idsOfStanzas(`Enabled: no\n${stanza}`)).toEqual([]);
    expect(idsOfStanzas(`Enabled: yes\n${stanza}`)).toHaveLength(1);
  });

  it.each([
    ['no suites', 'Types: deb\nURIs: http://a.example/x\n'],
    ['no components', 'Types: deb\nURIs: http://a.example/x\nSuites: s\n'],
    ['a word for enabled', 'Types: deb\nURIs: http://a.example/x\nSuites: s\nComponents: c\nEnabled: perhaps\n'],
    ['a line that is no field', 'Types: deb\nURIs http://a.example/x\n'],
    ['a field twice', 'Types: deb\nTypes: deb\nURIs: http://a.example/x\nSuites: s\nComponents: c\n'],
  ])('refuses %s', (_, text) => {
    expect(() => parseDeb822(text, 'x.sources')).toThrow(malformed);
  });

  it('can be written again with all its options, an inline key too', () => {
    const text =
      'Types: deb\nURIs: http://a.example/x\nSuites: s\nComponents: c\nBy-Hash: no\nSigned-By:\n -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n mDM=\n -----END PGP PUBLIC KEY BLOCK-----\n';
    const entries = parseDeb822(text, 'x');

    expect(parseDeb822(renderSources(entries), 'x')[0]?.options).toEqual(entries[0]?.options);
  });
});

describe('when a repository is named', () => {
  it('never shows its password', () => {
    expect(idsOfLines('deb https://me:secret@repo.example:8443/x/ stable main')).toEqual([
      'https://repo.example:8443/x stable main',
    ]);
  });

  it('has the file name that apt gives its list', () => {
    expect(listName('http://127.0.0.1:8099/a_b~c/dists/stable/InRelease')).toBe(
      '127.0.0.1:8099_a%5fb%7ec_dists_stable_InRelease',
    );
    expect(listName('file:/tmp/good/dists/stable/InRelease')).toBe('_tmp_good_dists_stable_InRelease');
  });
});

describe('when sources are split into runs', () => {
  it('gives each server its own and loses none', () => {
    const entries = parseOneLine(
      'deb http://a.example/x s main\ndeb http://a.example/y s main\ndeb http://a.example:81/x s main\ndeb https://a.example/x s main\ndeb file:/x s main\n',
      'x.list',
    );
    const runs = splitRuns(entries);

    expect(runs.map((run) => run.length)).toEqual([2, 1, 1, 1]);
    expect(runs.flatMap((run) => listRepositories(run).map(({ id }) => id))).toEqual(
      listRepositories(entries).map(({ id }) => id),
    );
  });
});

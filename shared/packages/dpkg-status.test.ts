import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { fc } from '../testing/properties.ts';
import { parseStatus } from './dpkg-status.ts';

const fixture = (name: string) => readFileSync(new URL(`./fixtures/${name}`, import.meta.url), 'utf8');
const stanza = (fields: Record<string, string>) =>
  `${Object.entries({
    Package: 'tool',
    Status: 'install ok installed',
    Architecture: 'amd64',
    Version: '1.0-1',
    ...fields,
  })
    .filter(([, value]) => value !== '')
    .map(([name, value]) => `${name}: ${value}\n`)
    .join('')}\n`;
const parse = (text: string) => parseStatus(text, 'status');
const invalid = expect.objectContaining({ code: 'PACKAGE_DATABASE_INVALID' });

describe('when the status of a real Debian 12 host is read', () => {
  it('finds what dpkg-query finds, to the last source version', () => {
    const lines = parse(fixture('debian-12.status')).map(({ name, version, arch, source, sourceVersion }) =>
      [name, version, arch, source, sourceVersion].join('\t'),
    );

    expect(lines).toHaveLength(710);
    expect(lines.sort()).toEqual(fixture('debian-12.tsv').trim().split('\n').sort());
  });
});

describe('when an entry is read', () => {
  it('says whose build it is where its own words do, and nothing where they do not', () => {
    const of = (fields: Record<string, string>) => parse(stanza(fields)).map(({ origin }) => origin);

    expect(of({ Version: '20.20.2-1nodesource1' })).toEqual(['NodeSource']);
    expect(of({ Maintainer: 'Google Cloud CLI Authors <cloudsdk-ops@google.com>' })).toEqual(['Google']);
    expect(of({ Maintainer: 'Debian Go Packaging Team <team@google.com>' })).toEqual([undefined]);
    expect(of({ Maintainer: 'Somebody <somebody@example.org>' })).toEqual([undefined]);
    expect(parse(stanza({}))[0]).not.toHaveProperty('origin');
  });

  it('takes source and source version from the field, and from the binary without it', () => {
    const [plain] = parse(stanza({}));
    const [named] = parse(stanza({ Source: 'tool-src' }));
    const [versioned] = parse(stanza({ Version: '1.0-1+b2', Source: 'tool-src (1.0-1)' }));

    expect([plain?.source, plain?.sourceVersion]).toEqual(['tool', '1.0-1']);
    expect([named?.source, named?.sourceVersion]).toEqual(['tool-src', '1.0-1']);
    expect([versioned?.source, versioned?.sourceVersion]).toEqual(['tool-src', '1.0-1']);
  });

  it('knows holds and every state in which files are on the host', () => {
    expect(parse(stanza({ Status: 'hold ok installed' }))[0]).toMatchObject({ held: true, state: 'installed' });
    expect(parse(stanza({ Status: 'install ok half-configured' }))[0]?.state).toBe('half-configured');
    expect(parse(stanza({ Status: 'install ok unpacked' }))[0]?.state).toBe('unpacked');
    expect(parse(stanza({ Status: 'install reinstreq installed' }))[0]?.state).toBe('reinstreq');
  });

  it('leaves out what only left its settings, also without a version', () => {
    expect(parse(stanza({ Status: 'deinstall ok config-files' }))).toEqual([]);
    expect(parse(stanza({ Status: 'unknown ok not-installed', Version: '', Architecture: '' }))).toEqual([]);
  });

  it('keeps a package of two architectures twice', () => {
    expect(parse(stanza({}) + stanza({ Architecture: 'i386' }))).toHaveLength(2);
  });
});

describe('when the status is not whole', () => {
  it.each([
    ['no package', stanza({ Package: '' })],
    ['no version', stanza({ Version: '' })],
    ['no architecture', stanza({ Architecture: '' })],
    ['no status', stanza({ Status: '' })],
    ['a status word nobody knows', stanza({ Status: 'install ok exploded' })],
    ['a fourth status word', stanza({ Status: 'install ok installed really' })],
    ['a source that is none', stanza({ Source: 'tool (1.0' })],
    ['a version with a blank', stanza({ Version: '1 0' })],
    ['a line that is no field', stanza({}).replace('Version', 'garbage\nVersion')],
    ['a line that continues nothing', ` odd\n${stanza({})}`],
    ['a field twice', stanza({}).replace('Version', 'Version: 0.9\nVersion')],
    ['a package twice', stanza({}) + stanza({ Version: '2' })],
    ['NUL bytes, as a power cut leaves them', stanza({}) + '\0'.repeat(512)],
    ['no end', stanza({}).slice(0, -1)],
  ])('refuses %s', (_, text) => {
    expect(() => parse(text)).toThrow(invalid);
  });

  it('never gives fewer packages: a file cut anywhere but between entries is refused', () => {
    const whole = stanza({}) + stanza({ Package: 'other', Conffiles: '\n /etc/x 0123' }) + stanza({ Package: 'third' });
    const count = (text: string) => text.split('\n\n').length - 1;

    fc.assert(
      fc.property(fc.integer({ min: 1, max: whole.length - 1 }), (length) => {
        const cut = whole.slice(0, length);
        if (cut.endsWith('\n\n')) expect(parse(cut)).toHaveLength(count(cut));
        else expect(() => parse(cut)).toThrow(invalid);
      }),
    );
  });

  it('gives every package that was written, in any order and number', () => {
    const name = fc.stringMatching(/^[a-z0-9][a-z0-9+.-]{1,20}$/);
    const version = fc.stringMatching(/^[0-9][A-Za-z0-9.+~]{0,10}$/);

    fc.assert(
      fc.property(fc.uniqueArray(fc.tuple(name, version), { selector: ([key]) => key }), (packages) => {
        const text = packages.map(([Package, Version]) => stanza({ Package, Version })).join('');

        expect(parse(text).map((entry) => [entry.name, entry.version])).toEqual(packages);
      }),
    );
  });
});

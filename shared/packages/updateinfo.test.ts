import { describe, expect, it } from 'vitest';
import { fc } from '../testing/properties.ts';
import { createUpdateinfoReader, type UpdateNotice } from './updateinfo.ts';

function read(xml: string, piece = 7) {
  const notices: UpdateNotice[] = [];
  const problems: string[] = [];
  const reader = createUpdateinfoReader({
    notice: (one) => notices.push(one),
    problem: (id, reason) => problems.push(`${id}: ${reason}`),
  });
  for (let at = 0; at < xml.length; at += piece) reader.write(xml.slice(at, at + piece));
  reader.end();

  return { notices, problems };
}

const pkg = (attributes = '') =>
  `<package name="nodejs" version="18.18.2" release="1.el9" epoch="1" arch="x86_64" src="x.src.rpm" ${attributes}><filename>nodejs.rpm</filename></package>`;
const update = (inner: string, type = 'security') =>
  `<update from="a@b" status="final" type="${type}" version="1">${inner}</update>`;
const whole = (...updates: string[]) =>
  `<?xml version="1.0" encoding="UTF-8"?>\n<updates>${updates.join('')}</updates>`;
const body = `<id>ALSA-2023:7549</id><title>t</title><issued date="2023-11-28 00:00:00"/><severity>Moderate</severity>
  <description>&lt;b&gt; ${'text '.repeat(500)}</description>
  <references><reference href="https://x" id="RHSA-2023:7549" type="rhsa"/><reference id="cve-2023-44487" type="cve"/></references>`;
const notice = (packages = pkg(), collection = '') =>
  `${body}<pkglist><collection short="x"><name>x</name>${collection}${packages}</collection></pkglist>`;

describe('when updateinfo is read', () => {
  it('an update is its id, dates, CVEs and packages, whatever pieces it comes in', () => {
    const expected = {
      notices: [
        {
          ...{ id: 'ALSA-2023:7549', type: 'security', severity: 'Moderate', issued: '2023-11-28' },
          cves: ['CVE-2023-44487'],
          packages: [
            { name: 'nodejs', epoch: '1', version: '18.18.2', release: '1.el9', arch: 'x86_64', module: null },
          ],
        },
      ],
      problems: [],
    };

    fc.assert(
      fc.property(fc.integer({ min: 1, max: 500 }), (piece) => {
        expect(read(whole(update(notice())), piece)).toEqual(expected);
      }),
      { numRuns: 30 },
    );
  });

  it('Fedora and EPEL name CVEs only in the titles of bugs; a bug fix that mentions one is no fix of it', () => {
    const bug = `<references><reference href="https://bugzilla.redhat.com/show_bug.cgi?id=2242803" id="2242803" type="bugzilla"
      title="CVE-2023-44487 cve-2023-45803 HTTP/2: Multiple HTTP/2 enabled web servers ${'x'.repeat(5000)} CVE-2023-9999"/></references>`;
    const cvesOf = (type: string) =>
      read(whole(update(notice().replace(/<references>.*<\/references>/s, bug), type))).notices[0]?.cves;

    expect(cvesOf('security')).toEqual(['CVE-2023-44487', 'CVE-2023-45803']);
    expect(cvesOf('bugfix')).toEqual([]);
  });

  it('a package is one of the module of its collection only', () => {
    const inModule = `<pkglist><collection><module name="nodejs" stream="18" version="9" context="c" arch="x86_64"/>${pkg()}</collection>`;
    const { notices } = read(whole(update(`${body}${inModule}<collection>${pkg()}</collection></pkglist>`)));

    expect(notices[0]?.packages.map(({ module }) => module)).toEqual(['nodejs:18', null]);
  });

  it.each([
    ['2023-11-28', '2023-11-28'],
    ['1695081600', '2023-09-19'],
    ['2023-02-30 00:00:00', null],
    ['yesterday', null],
    ['', null],
  ])('issued %s is %s', (text, issued) => {
    const { notices } = read(whole(update(notice().replace('2023-11-28 00:00:00', text))));

    expect(notices[0]?.issued).toBe(issued);
  });

  it('no epoch is 0, and None is no severity', () => {
    const xml = whole(update(notice(pkg().replace('epoch="1" ', '')).replace('Moderate', 'None')));
    const [one] = read(xml).notices;

    expect(one?.packages[0]?.epoch).toBe('0');
    expect(one?.severity).toBeNull();
  });
});

describe('when an update is not what it must be', () => {
  it.each([
    ['no id', notice().replace('ALSA-2023:7549', '')],
    ['an id that is none', notice().replace('ALSA-2023:7549', '&lt;script&gt;')],
    ['a version that is none', notice(pkg().replace('18.18.2', '18 18'))],
    ['a name that is a path', notice(pkg().replace('"nodejs"', '"../../x"'))],
    ['an epoch that is none', notice(pkg().replace('epoch="1"', 'epoch="-1"'))],
    ['a module without a stream', notice(pkg(), '<module name="nodejs"/>')],
    ['too many packages', notice(pkg().repeat(20_001))],
  ])('%s: it is left out as a whole, and the next one stands', (_, inner) => {
    const { notices, problems } = read(whole(update(inner), update(notice())), 65_536);

    expect(notices).toHaveLength(1);
    expect(problems).toHaveLength(1);
  });

  it.each([
    ['another document', '<rss></rss>'],
    [
      'a document type',
      whole(update(notice())).replace('<updates>', '<!DOCTYPE updates [<!ENTITY a "aaaa">]><updates>'),
    ],
    ['an entity that nobody defined', whole(update(notice().replace('Moderate', '&a;')))],
    ['half of it', whole(update(notice())).slice(0, -30)],
    ['two roots', `${whole()}<updates/>`],
    ['nothing', ''],
    ['depth', `<updates>${'<a>'.repeat(100)}${'</a>'.repeat(100)}</updates>`],
    [
      'attributes',
      `<updates><update ${Array.from({ length: 100 }, (_, index) => `a${index}=""`).join(' ')}/></updates>`,
    ],
    ['JSON', '{"updates":[]}'],
  ])('%s is refused', (_, xml) => {
    expect(() => read(xml, 65_536)).toThrow(expect.objectContaining({ code: 'PARSE' }));
  });

  it('a text or a tag that does not end is refused before it is kept', () => {
    for (const start of ['<updates><update type="security"><id>', '<updates><update type="', '<updates><!--']) {
      const reader = createUpdateinfoReader({ notice: () => undefined, problem: () => undefined });
      reader.write(start);
      let written = 0;

      expect(() => {
        for (;;) {
          written += 65_536;
          reader.write('a'.repeat(65_536));
        }
      }).toThrow(expect.objectContaining({ code: 'PARSE' }));
      expect(written).toBeLessThan(16 * 1024 * 1024);
    }
  });
});

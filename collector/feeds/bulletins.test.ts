import { describe, expect, it } from 'vitest';
import { markOf, readMark } from './bulletins/mark.ts';
import { bulletins } from './bulletins.ts';
import { codeOf, readAll, sourceOf } from './testing/reading.ts';

const read = async (content: string | Uint8Array, mark = { vendor: 'Example', product: 'Browser' as string | null }) =>
  readAll(bulletins, sourceOf(`a${markOf(mark)}`, content));

const rss = (...items: string[]) =>
  `<?xml version="1.0"?><rss version="2.0" xmlns:content="x"><channel><title>Security &amp; more</title><link>https://e.org</link>
   <image><title>no</title></image>${items.join('')}</channel></rss>`;
const item = (inner = '') =>
  `<item><title>ALAS-2024-1 (important): <![CDATA[openssl]]></title><link>https://e.org/1</link><guid isPermaLink="false">g-1</guid>
   <pubDate>Tue, 13 Aug 2024 17:00:00 GMT</pubDate><description>cve-2024-1000, &lt;b&gt;CVE-2024-1001&lt;/b&gt;</description>${inner}</item>`;
const atom = (entries: string) =>
  `<feed xmlns="http://www.w3.org/2005/Atom"><title>Stable updates</title><updated>2024-08-13T00:00:00Z</updated>${entries}</feed>`;
const rdf = `<?xml version="1.0" encoding="UTF-8"?>
  <rdf:RDF xmlns:rdf="a" xmlns="b" xmlns:dc="c"><channel rdf:about="https://www.debian.org/security/dsa.rdf"><title>Debian Security</title></channel>
  <item rdf:about="https://www.debian.org/security/2024/dsa-5600"><title>DSA-5600-1 php</title><link>https://www.debian.org/security/2024/dsa-5600</link>
  <description>x</description><dc:date>2024-01-15</dc:date></item></rdf:RDF>`;
const mail = (subject: string, headers = '', body = 'CVE ID : CVE-2023-5363 CVE-2023-5363\n') =>
  `Return-Path: <a@b>\nFrom: Team <team@example.org>\nDate: Tue, 24 Oct 2023 20:11:05 +0000\nMessage-ID: <abc@host>\nSubject: ${subject}\n${headers}\n${body}`;

describe('when news are read', () => {
  it('RSS 2.0: title, address, date and the CVEs of its text', async () => {
    const { bulletins: found, problems } = await read(rss(item()));

    expect(problems).toEqual([]);
    expect(found).toEqual([
      {
        ...{ id: 'g-1', vendor: 'Example', product: 'Browser', title: 'ALAS-2024-1 (important): openssl' },
        ...{ url: 'https://e.org/1', published: '2024-08-13T17:00:00Z', cves: ['CVE-2024-1000', 'CVE-2024-1001'] },
      },
    ]);
  });

  it('Atom: published before updated, and no title of where an entry came from', async () => {
    const { bulletins: found } = await read(
      atom(`<entry><id>tag:e.org,2024:1</id><title type="html">Update</title><link rel="edit" href="https://e.org/no"/>
        <link href="https://e.org/2"/><published>2024-08-01T10:00:00+02:00</published><updated>2024-09-01T00:00:00Z</updated>
        <source><title>elsewhere</title><id>other</id></source>
        <content type="xhtml"><div><p>Fixes <b>CVE-2024-2000</b>.</p></div></content></entry>`),
    );

    expect(found).toEqual([
      expect.objectContaining({
        ...{ id: 'tag:e.org,2024:1', title: 'Update', url: 'https://e.org/2', published: '2024-08-01T08:00:00Z' },
        cves: ['CVE-2024-2000'],
      }),
    ]);
  });

  it('CVEs in neighbouring elements are apart', async () => {
    const { bulletins: found } = await read(
      rss(
        item(
          '<category>CVE-2024-1002</category><category>CVE-2024-1003</category><content:encoded>4 more</content:encoded>',
        ),
      ),
    );
    const { bulletins: cells } = await read(
      atom(
        `<entry><id>a</id><title>t</title><updated>2024-09-01T00:00:00Z</updated><content type="xhtml"><table><tr><td>CVE-2024-2000</td><td>CVE-2024-2001</td><td>7</td></tr></table></content></entry>`,
      ),
    );

    expect(found[0]?.cves).toEqual(['CVE-2024-1000', 'CVE-2024-1001', 'CVE-2024-1002', 'CVE-2024-1003']);
    expect(cells[0]?.cves).toEqual(['CVE-2024-2000', 'CVE-2024-2001']);
  });

  it('RSS 1.0, as Debian serves it, and the title of the whole where nobody says the vendor', async () => {
    const { bulletins: found } = await readAll(bulletins, sourceOf('dsa.rdf', rdf));

    expect(found).toEqual([
      expect.objectContaining({
        vendor: 'Debian Security',
        title: 'DSA-5600-1 php',
        published: '2024-01-15T00:00:00Z',
      }),
    ]);
  });

  it('an announcement without a date is said, and addresses that are none are left out', async () => {
    const { bulletins: found, problems } = await read(
      rss(
        item().replace('Tue, 13 Aug 2024 17:00:00 GMT', 'soon'),
        item().replace('https://e.org/1', 'javascript:alert(1)').replace('g-1', 'g-2'),
      ),
    );

    expect(problems).toEqual([{ name: 'g-1', reason: 'it has no date that can be read' }]);
    expect(found).toEqual([expect.objectContaining({ id: 'g-2', url: null })]);
  });
});

describe('when CSAF or what was kept is read', () => {
  it('a document is one announcement, of its publisher where nobody says the vendor', async () => {
    const csaf = {
      document: {
        category: 'csaf_security_advisory',
        title: 'Some flaw',
        publisher: { name: 'Example PSIRT' },
        references: [{ category: 'self', url: 'https://e.org/a' }],
        tracking: { id: 'EX-2024-1', initial_release_date: '2024-07-09T07:00:00.000Z' },
      },
      vulnerabilities: [{ cve: 'CVE-2024-3000' }, {}],
    };
    const { bulletins: found } = await readAll(bulletins, sourceOf('a.json', JSON.stringify(csaf)));

    expect(found).toEqual([
      {
        ...{ id: 'EX-2024-1', vendor: 'Example PSIRT', product: null, title: 'Some flaw', url: 'https://e.org/a' },
        ...{ published: '2024-07-09T07:00:00Z', cves: ['CVE-2024-3000'] },
      },
    ]);
  });

  it('what the collector kept from before is what it was', async () => {
    const { bulletins: first } = await read(rss(item()));
    const again = await readAll(bulletins, sourceOf('kept.json', JSON.stringify({ selvageBulletins: first })));

    expect(again.bulletins).toEqual(first);
  });
});

describe('when mails are read', () => {
  it.each([
    ['[SECURITY] [DSA 5532-1] openssl security update', 'Debian', 'DSA-5532-1'],
    ['[SECURITY] [DLA 3623-1] linux-5.10 security update', 'Debian', 'DLA-3623-1'],
    ['[USN-6450-1] OpenSSL vulnerabilities', 'Ubuntu', 'USN-6450-1'],
    ['[RHSA-2024:0811] Moderate: sudo security update', 'Red Hat', 'RHSA-2024:0811'],
    ['SUSE-SU-2023:3313-1: important: Security update', 'SUSE', 'SUSE-SU-2023:3313-1'],
    ['=?UTF-8?Q?[USN-6451-1]_ncurses?=', 'Ubuntu', 'USN-6451-1'],
  ])('%s', async (subject, vendor, id) => {
    const { bulletins: found } = await readAll(bulletins, sourceOf('cur/1.host:2,S', mail(subject)));

    expect(found).toEqual([
      expect.objectContaining({ vendor, id, published: '2023-10-24T20:11:05Z', cves: ['CVE-2023-5363'] }),
    ]);
  });

  it('a signed one in parts, in another encoding, folded', async () => {
    const parts = [
      'MIME-Version: 1.0',
      'Content-Type: multipart/signed; boundary="b"',
      '',
      '--b',
      'Content-Type: text/plain; charset=iso-8859-1',
      'Content-Transfer-Encoding: quoted-printable',
      '',
      'M=FCller found CVE-2024-=\n4000.',
      '--b',
      'Content-Type: application/pgp-signature',
      '',
      'x',
      '--b--',
    ].join('\n');
    const text = mail('[SECURITY] [DSA 5533-1]\n  gst-plugins', parts, '');
    const { bulletins: found } = await readAll(bulletins, sourceOf('new/1', Buffer.from(`${text}\nü`, 'latin1')));

    expect(found).toEqual([expect.objectContaining({ id: 'DSA-5533-1', cves: ['CVE-2024-4000'] })]);
  });

  it.each([
    ['an answer', mail('Re: [SECURITY] [DSA 5532-1] openssl'), 'answer'],
    ['without a date', mail('[USN-1-1] x').replace(/^Date:.*\n/m, ''), 'date'],
    ['of nobody', mail('Hello'), 'whose'],
    ['without a subject', mail('').replace(/^Subject:.*\n/m, ''), 'subject'],
    ['too deep', mail('[USN-1-1] x', nested(50), ''), 'no mail'],
  ])('one that is %s is said', async (_, content, reason) => {
    const { bulletins: found, problems } = await readAll(bulletins, sourceOf('cur/1', content));

    expect(found).toEqual([]);
    expect(problems[0]?.reason).toContain(reason);
  });

  it('of a maildir finished mails are taken', () => {
    expect(['cur/1', 'new/1', 'tmp/1'].map((name) => bulletins.member?.(name))).toEqual([true, true, false]);
  });
});

describe('when something else comes instead', () => {
  const bomb = `<!DOCTYPE rss [<!ENTITY a "aaaaaaaaaa">${'bcdefghij'
    .split('')
    .map((each, index) => `<!ENTITY ${each} "${`&${'abcdefghij'[index]};`.repeat(10)}">`)
    .join('')}]><rss><channel><item><title>&j;</title></item></channel></rss>`;

  it.each([
    ['nothing', ''],
    ['a page', '<!DOCTYPE html><html><body>blocked</body></html>'],
    ['XML of another kind', '<svg></svg>'],
    ['a bomb of entities', bomb],
    ['an external entity', '<!DOCTYPE rss [<!ENTITY x SYSTEM "file:///etc/passwd">]><rss>&x;</rss>'],
    ['half of it', rss(item()).slice(0, -40)],
    ['news without any', rss()],
    ['depth', `<rss>${'<channel>'.repeat(10_000)}`],
    ['other JSON', '{"a":1}'],
    ['a text', 'hello\nworld\n'],
    ['bytes', new Uint8Array([0, 1, 2, 3, 255])],
    ['too many', rss(...Array.from({ length: 20_001 }, (_, index) => `<item><guid>${index}</guid></item>`))],
    ['a huge title', `<rss><channel><title>${'a'.repeat(5 * 1024 * 1024)}`],
  ])('%s is refused', async (_, content) => {
    expect(await codeOf(bulletins, sourceOf('a#vendor=X', content, 1 << 16))).toBe('FEED_INVALID');
  });
});

describe('when a source is marked', () => {
  it('the mark is read back, and what is none is none', () => {
    const mark = { vendor: 'Red Hat & more', product: 'a#b' };

    expect(readMark(`https://e.org/x.xml${markOf(mark)}`)).toEqual(mark);
    expect(readMark(`x${markOf({ vendor: 'A', product: null })}`)).toEqual({ vendor: 'A', product: null });
    expect(readMark('https://e.org/x#top')).toBeNull();
    expect(readMark('x#vendor=')).toBeNull();
  });
});

function nested(depth: number): string {
  const open = Array.from(
    { length: depth },
    (_, index) => `Content-Type: multipart/mixed; boundary="b${index}"\n\n--b${index}\n`,
  );

  return `MIME-Version: 1.0\n${open.join('')}Content-Type: text/plain\n\nx\n`;
}

// One announcement mail → a bulletin. Whoever can write to the maildir can write any: it says what to look at, it decides nothing.
//   Subject: [SECURITY] [DSA 5532-1] openssl security update          (debian-security-announce)
//   Subject: [USN-6450-1] OpenSSL vulnerabilities                     (ubuntu-security-announce)
//   Subject: [RHSA-2024:0811] Moderate: sudo security update          (rhsa-announce)
import PostalMime from 'postal-mime';
import { cvesIn, mailTimeOf, shortened, timeOf } from '../decode/words.ts';
import type { Bulletin } from '../feed.ts';
import type { BulletinMark } from './mark.ts';

/** Parts in each other, and bytes of headers: announcements have two and some KB. */
const LIMITS = { maxNestingDepth: 10, maxHeadersSize: 256 * 1024 } as const;
const MAX_TITLE = 300;
/** Characters of the text that are looked into for CVE ids. */
const MAX_TEXT = 2 * 1024 * 1024;

/** Subjects of the lists, and whose they are. The id is the first group, in their own spelling. */
const SUBJECTS: readonly {
  readonly pattern: RegExp;
  readonly vendor: string;
  readonly id: (found: string) => string;
}[] = [
  { pattern: /\[((?:DSA|DLA|ELA)[ -]\d{1,5}-\d{1,3})\]/, vendor: 'Debian', id: (found) => found.replace(' ', '-') },
  { pattern: /\b((?:USN|LSN)-\d{1,5}-\d{1,3})\b/, vendor: 'Ubuntu', id: (found) => found },
  { pattern: /\b(RH[SBE]A-\d{4}:\d{3,6})\b/, vendor: 'Red Hat', id: (found) => found },
  { pattern: /\b(AL[SBE]A-\d{4}:\d{3,6})\b/, vendor: 'AlmaLinux', id: (found) => found },
  { pattern: /\b(RL[SBE]A-\d{4}:\d{3,6})\b/, vendor: 'Rocky', id: (found) => found },
  { pattern: /\b((?:open)?SUSE-[SR]U-\d{4}:\d{1,6}-\d{1,3})\b/, vendor: 'SUSE', id: (found) => found },
  { pattern: /\b(FreeBSD-SA-\d{2}:\d{2}\.[a-z0-9_-]+)\b/i, vendor: 'FreeBSD', id: (found) => found },
];

/** The bulletin, or why there is none. `mark`: whose the list is, where the settings say so. */
export async function bulletinOfMail(bytes: Uint8Array, mark: BulletinMark | null): Promise<Bulletin | string> {
  const mail = await parsed(bytes);
  if (typeof mail === 'string') return mail;
  const subject = shortened(mail.subject ?? '', MAX_TITLE);
  if (subject === '') return 'it has no subject';
  const known = SUBJECTS.flatMap(({ pattern, vendor, id }) => {
    const found = pattern.exec(subject)?.[1];
    return found === undefined ? [] : [{ vendor, id: id(found) }];
  })[0];
  // An answer on a list is no announcement.
  if (/^(re|fwd?|aw|wg):/i.test(subject)) return 'it is an answer or was passed on';
  const vendor = mark?.vendor ?? known?.vendor;
  if (vendor === undefined) return 'whose announcement it is cannot be told from its subject';
  const published = mailTimeOf(header(mail.headers, 'date')) ?? timeOf(mail.date);
  if (published === null) return 'it has no date';
  const id = known?.id ?? shortened(mail.messageId ?? '', 150).replace(/^<|>$/g, '');
  if (id === '') return 'it has neither an id of an advisory nor one of its own';

  return {
    ...{ id, vendor, product: mark?.product ?? null, title: subject, url: null, published },
    cves: cvesIn(subject, mail.text?.slice(0, MAX_TEXT), mail.text ? null : mail.html?.slice(0, MAX_TEXT)),
  };
}

async function parsed(bytes: Uint8Array) {
  try {
    return await PostalMime.parse(bytes, LIMITS);
  } catch (error) {
    return `it is no mail: ${(error as Error).message.slice(0, 200)}`;
  }
}

function header(headers: readonly { readonly key: string; readonly value: string }[], name: string): string | null {
  return headers.find(({ key }) => key === name)?.value ?? null;
}

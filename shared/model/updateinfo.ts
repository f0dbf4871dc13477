// What the package manager of an rpm host knows of advisories, from its own repositories: the section `updateinfo` of an inventory.
// Shapes and bounds only; who reads which cache is in agent/providers/rpm, what is made of it in collector/feeds.
import * as z from 'zod';

/** Advisories in one section, the newest ones; packages in all of them. */
export const MAX_NOTICES = 4000;
export const MAX_NOTICE_PACKAGES = 20_000;
/** CVEs of one advisory: a kernel's names some 800. */
export const MAX_NOTICE_CVES = 2000;
const MAX_PROBLEMS = 20;

const version = z.string().regex(/^[A-Za-z0-9._+~^]{1,150}$/);
const word = z.string().min(1).max(100);

const noticePackage = z.strictObject({
  name: z.string().regex(/^[A-Za-z0-9_][A-Za-z0-9._+-]{0,199}$/),
  epoch: z.string().regex(/^\d{1,9}$/),
  version,
  release: version,
  arch: z.string().regex(/^[a-z0-9_]{1,30}$/),
  /** `nodejs:18`; null: of no module. */
  module: z
    .string()
    .regex(/^[A-Za-z0-9._+-]+:[A-Za-z0-9._+-]+$/)
    .max(201)
    .nullable(),
});

export const notice = z.strictObject({
  id: word,
  /** As the repository writes it: security, bugfix … */
  type: word,
  severity: word.nullable(),
  issued: z.iso.date().nullable(),
  cves: z.array(z.string().regex(/^CVE-\d{4}-\d{4,19}$/)).max(MAX_NOTICE_CVES),
  packages: z.array(noticePackage).min(1).max(MAX_NOTICE_PACKAGES),
});
export type Notice = z.infer<typeof notice>;

export const updateinfo = z.strictObject({
  /** When the newest of the repositories was asked; null: none has advisories here. */
  asOf: z.iso.datetime({ offset: true }).nullable(),
  /** False: some of it could not be read, or there is more than is told. */
  complete: z.boolean(),
  problems: z.array(z.strictObject({ repository: z.string().max(200), reason: z.string().max(500) })).max(MAX_PROBLEMS),
  /** Of security, and only of packages that are installed. */
  notices: z.array(notice).max(MAX_NOTICES),
});
export type Updateinfo = z.infer<typeof updateinfo>;

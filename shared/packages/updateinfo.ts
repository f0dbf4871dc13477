// updateinfo.xml of a dnf or zypper repository: what each advisory updates. Reduced to ids, versions and dates while it is read; texts
// are never kept. Pure.
//
//   <update from="…" status="final" type="security" version="1">
//     <id>ALSA-2023:7549</id> <issued date="2023-11-28 00:00:00"/> <severity>Moderate</severity>
//     <references><reference href="…" id="CVE-2023-44487" type="cve"/>
//       <reference href="…" id="2242803" type="bugzilla" title="CVE-2023-44487 HTTP/2: …"/></references>
//     <pkglist><collection short="…"><module name="nodejs" stream="18" …/>
//       <package name="nodejs" version="18.18.2" release="1.el9" epoch="1" arch="x86_64" src="…"><filename>…</filename></package>
//     </collection></pkglist>
//   </update>
import { CodedError } from '../errors/coded-error.ts';
import { createXmlReader, type XmlReader } from './xml.ts';

export interface UpdatedPackage {
  readonly name: string;
  readonly epoch: string;
  readonly version: string;
  readonly release: string;
  readonly arch: string;
  /** `nodejs:18`. */
  readonly module: string | null;
}

export interface UpdateNotice {
  readonly id: string;
  /** security, bugfix, enhancement, newpackage, recommended …, as it is written. */
  readonly type: string;
  readonly severity: string | null;
  /** Date in UTC. */
  readonly issued: string | null;
  readonly cves: readonly string[];
  readonly packages: readonly UpdatedPackage[];
}

export interface UpdateinfoHandler {
  notice(notice: UpdateNotice): void;
  /** An update that is not understood, or has more of something than any has: it is left out as a whole. */
  problem(id: string, reason: string): void;
}

const ID = /^[A-Za-z0-9][A-Za-z0-9:._ -]{0,99}$/;
const NAME = /^[A-Za-z0-9_][A-Za-z0-9._+-]{0,199}$/;
const VERSION = /^[A-Za-z0-9._+~^]{1,150}$/;
const EPOCH = /^\d{1,9}$/;
const ARCH = /^[a-z0-9_]{1,30}$/;
const WORD = /^[A-Za-z0-9][A-Za-z0-9 ._-]{0,49}$/;
const STREAM = /^[A-Za-z0-9][A-Za-z0-9._+-]{0,99}$/;
const CVE = /^CVE-\d{4}-\d{4,19}$/i;
const CVE_IN_TITLE = /\bCVE-\d{4}-\d{4,19}\b/gi;
/** Characters of the title of a reference that are looked at. */
const MAX_REFERENCE_TITLE = 2000;
/** Of one update: a release of a desktop touches some 3,000 packages in all architectures. */
const MAX_PACKAGES = 20_000;
const MAX_CVES = 5000;
/** Characters of a short text that are kept while it is read. */
const MAX_SHORT = 300;
/** Elements whose text counts. */
const SHORT_TEXTS = ['id', 'severity'];

interface Draft {
  type: string;
  id: string;
  severity: string;
  issued: string | null;
  module: string | null;
  cves: Set<string>;
  packages: UpdatedPackage[];
  fault: string | null;
}

/** Throws PARSE where it is no XML, or no updateinfo. */
export function createUpdateinfoReader(handler: UpdateinfoHandler): XmlReader {
  const path: string[] = [];
  let draft: Draft | null = null;
  let short: 'id' | 'severity' | null = null;

  const xml = createXmlReader({
    open: (name, attributes) => {
      path.push(name);
      if (path.length === 1 && name !== 'updates') xmlFault(name);
      if (path.length === 2 && name === 'update') draft = draftOf(attributes);
      if (draft === null) return;
      short = path.length === 3 && SHORT_TEXTS.includes(name) ? (name as 'id' | 'severity') : null;
      take(draft, name, attributes);
    },
    text: (text) => {
      if (draft === null || short === null) return;
      if (draft[short].length < MAX_SHORT) draft[short] += text.slice(0, MAX_SHORT);
    },
    close: (name) => {
      path.pop();
      short = null;
      if (draft === null) return;
      if (name === 'collection') draft.module = null;
      if (path.length === 1 && name === 'update') {
        finish(draft, handler);
        draft = null;
      }
    },
  });

  return xml;
}

function draftOf({ type = '' }: Readonly<Record<string, string>>): Draft {
  const fault = WORD.test(type) ? null : 'its type is no word';

  return {
    ...{ type, id: '', severity: '', issued: null, module: null },
    ...{ cves: new Set(), packages: [], fault },
  };
}

function take(draft: Draft, name: string, attributes: Readonly<Record<string, string>>): void {
  switch (name) {
    case 'issued':
      draft.issued = dateOf(attributes.date ?? '');
      return;
    case 'reference': {
      for (const id of cvesOf(draft.type, attributes)) draft.cves.add(id.toUpperCase());
      if (draft.cves.size > MAX_CVES) draft.fault ??= `it names more than ${MAX_CVES} CVEs`;
      return;
    }
    case 'module': {
      const { name: module = '', stream = '' } = attributes;
      if (STREAM.test(module) && STREAM.test(stream)) draft.module = `${module}:${stream}`;
      // Packages of a module that nobody can name would be taken for everybody's.
      else draft.fault ??= 'a module of it has no name and stream';
      return;
    }
    case 'package': {
      const found = packageOf(attributes, draft.module);
      if (found === null)
        draft.fault ??= `a package of it is none: ${JSON.stringify(attributes.name?.slice(0, 100) ?? '')}`;
      else if (draft.packages.length >= MAX_PACKAGES) draft.fault ??= `it has more than ${MAX_PACKAGES} packages`;
      else draft.packages.push(found);
    }
  }
}

/** Fedora and EPEL refer to bugs, whose titles begin with the CVEs. What mends a bug in the fix of a CVE says its id too, and is no fix. */
function cvesOf(type: string, { id = '', title = '' }: Readonly<Record<string, string>>): readonly string[] {
  if (CVE.test(id)) return [id];

  return type === 'security' ? (title.slice(0, MAX_REFERENCE_TITLE).match(CVE_IN_TITLE) ?? []) : [];
}

function packageOf(attributes: Readonly<Record<string, string>>, module: string | null): UpdatedPackage | null {
  const { name = '', version = '', release = '', arch = '' } = attributes;
  // Left out means 0, as in rpm itself.
  const epoch = attributes.epoch || '0';
  if (!NAME.test(name) || !VERSION.test(version) || !VERSION.test(release) || !EPOCH.test(epoch) || !ARCH.test(arch)) {
    return null;
  }

  return { name, epoch, version, release, arch, module };
}

function finish(draft: Draft, handler: UpdateinfoHandler): void {
  const id = draft.id.trim();
  const severity = draft.severity.trim();
  const fault = ID.test(id) ? draft.fault : 'it has no id';
  if (fault !== null) {
    handler.problem(ID.test(id) ? id : 'an update', fault);
    return;
  }
  handler.notice({
    ...{ id, type: draft.type, issued: draft.issued, cves: [...draft.cves], packages: draft.packages },
    // "None" is how some write that there is none.
    severity: WORD.test(severity) && severity !== 'None' ? severity : null,
  });
}

/** `2023-11-28 00:00:00`, `2023-11-28`, or seconds since 1970 (SUSE). */
function dateOf(text: string): string | null {
  const trimmed = text.trim();
  try {
    if (/^\d{9,10}$/.test(trimmed)) {
      return Temporal.Instant.fromEpochMilliseconds(Number(trimmed) * 1000)
        .toString()
        .slice(0, 10);
    }
    const date = /^(\d{4}-\d{2}-\d{2})(?:[T ]|$)/.exec(trimmed)?.[1];

    return date === undefined ? null : Temporal.PlainDate.from(date, { overflow: 'reject' }).toString();
  } catch {
    // 30 February: no date.
    return null;
  }
}

function xmlFault(name: string): never {
  throw new CodedError('PARSE', `this is no updateinfo: its outermost element is ${JSON.stringify(name.slice(0, 40))}`);
}

// What a report of another scanner is: one file per format in formats/, and a line in ./formats.ts. Pure. A format only reads; who the
// hosts are and who is right is asked elsewhere.
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import type { Timestamp } from '@selvage/shared/model/ids.ts';

/** One CVE on one host, as the scanner says it. */
export interface Reported {
  readonly cve: string;
  /** Package as the scanner names it; null where it names none. */
  readonly package: string | null;
  /** Version that it saw. */
  readonly version: string | null;
  /** Its word for how bad it is. */
  readonly severity: string | null;
  readonly title: string | null;
}

export interface ReportedHost {
  /** Host names and fully qualified ones, in small letters; none for a report that names no host. */
  readonly names: readonly string[];
  readonly addresses: readonly string[];
  readonly scannedAt: Timestamp | null;
  readonly findings: readonly Reported[];
}

export interface Report {
  /** Name of the product, such as `Nessus`. */
  readonly scanner: string;
  readonly format: string;
  readonly hosts: readonly ReportedHost[];
  /** Lines of the scanner without a CVE: settings, notes, end of life. They cannot be held against anything here. */
  readonly withoutCve: number;
}

export interface ScannerFormat {
  readonly name: string;
  readonly about: string;
  /** By the first characters of the file; `value` is the whole of it where it is JSON. */
  detect(head: string, value: unknown): boolean;
  /** Throws SCAN_REPORT_INVALID. */
  parse(text: string, value: unknown): Omit<Report, 'format'>;
}

/** Bounds of one report, so that a small file cannot become endless. */
const MAX_HOSTS = 50_000;
const MAX_FINDINGS = 2_000_000;
const MAX_NAME = 253;
const MAX_TEXT = 300;
const MAX_NAMES = 32;
const CVE = /\bCVE-\d{4}-\d{4,19}\b/gi;

/** Every CVE id in a text, once each. */
export function cvesIn(text: string): readonly string[] {
  return [...new Set(Array.from(text.matchAll(CVE), ([id]) => id.toUpperCase()))];
}

/** Gathers what a report says host by host; each finding once, however many ports or paths it was seen at. */
export class Gathering {
  readonly #hosts = new Map<
    string,
    { names: Set<string>; addresses: Set<string>; at: Timestamp | null; findings: Map<string, Reported> }
  >();
  #findings = 0;
  withoutCve = 0;

  /** The host is one and the same for the same key. */
  host(
    key: string,
    about: {
      names?: readonly (string | null | undefined)[];
      addresses?: readonly (string | null | undefined)[];
      at?: string | null;
    },
  ): void {
    const found = this.#of(key);
    for (const name of about.names ?? []) {
      const plain = nameOf(name);
      if (plain === null || found.names.size >= MAX_NAMES) continue;
      (isAddress(plain) ? found.addresses : found.names).add(plain);
    }
    for (const address of about.addresses ?? []) {
      const plain = nameOf(address);
      if (plain !== null && found.addresses.size < MAX_NAMES)
        (isAddress(plain) ? found.addresses : found.names).add(plain);
    }
    const at = instantOf(about.at ?? null);
    if (at !== null && (found.at === null || found.at < at)) found.at = at;
  }

  /** Counts a line without a CVE. */
  add(key: string, cves: readonly string[], about: Partial<Omit<Reported, 'cve'>>): void {
    if (cves.length === 0) {
      this.withoutCve += 1;

      return;
    }
    const { findings } = this.#of(key);
    const rest = {
      package: short(about.package),
      version: short(about.version),
      severity: short(about.severity),
      title: short(about.title),
    };
    for (const cve of cves) {
      const known = `${cve} ${rest.package ?? ''}`;
      if (findings.has(known)) continue;
      this.#findings += 1;
      if (this.#findings > MAX_FINDINGS) throw invalidReport(`it has more than ${MAX_FINDINGS} findings`);
      findings.set(known, { cve, ...rest });
    }
  }

  report(scanner: string): Omit<Report, 'format'> {
    return {
      scanner,
      hosts: [...this.#hosts.values()].map(({ names, addresses, at, findings }) => ({
        ...{ names: [...names], addresses: [...addresses], scannedAt: at, findings: [...findings.values()] },
      })),
      withoutCve: this.withoutCve,
    };
  }

  #of(key: string) {
    const found = this.#hosts.get(key) ?? { names: new Set(), addresses: new Set(), at: null, findings: new Map() };
    if (!this.#hosts.has(key)) {
      if (this.#hosts.size >= MAX_HOSTS) throw invalidReport(`it has more than ${MAX_HOSTS} hosts`);
      this.#hosts.set(key, found);
    }

    return found;
  }
}

/** Small letters without the dot at the end; null for what can be no name or address. */
function nameOf(text: string | null | undefined): string | null {
  const plain = (text ?? '').trim().toLowerCase().replace(/\.$/, '');

  return plain.length > 0 && plain.length <= MAX_NAME && /^[\x21-\x7e]+$/.test(plain) ? plain : null;
}

function isAddress(text: string): boolean {
  return /^\d{1,3}(\.\d{1,3}){3}$/.test(text) || /^[0-9a-f:.]*:[0-9a-f:.]*:[0-9a-f:.]*$/.test(text);
}

/** RFC 3339, seconds since 1970, `Thu Nov 20 10:00:00 2026` as Nessus writes it, `05/25/2021 07:36:58` as Qualys does; else null. */
export function instantOf(text: string | null): Timestamp | null {
  if (text === null || text.trim() === '') return null;
  const plain = text.trim();
  if (/^\d{9,10}$/.test(plain))
    return Temporal.Instant.fromEpochMilliseconds(Number(plain) * 1000).toString() as Timestamp;
  const slashed = /^(\d\d)\/(\d\d)\/(\d{4})(?: at)? (\d\d):(\d\d):(\d\d)/.exec(plain);
  const worded = /^[A-Z][a-z]{2} ([A-Z][a-z]{2}) +(\d{1,2}) (\d\d:\d\d:\d\d) (\d{4})$/.exec(plain);
  const month = worded === null ? 0 : MONTHS.indexOf(worded[1] ?? '') + 1;
  const iso = slashed
    ? `${slashed[3]}-${slashed[1]}-${slashed[2]}T${slashed[4]}:${slashed[5]}:${slashed[6]}Z`
    : worded && month > 0
      ? `${worded[4]}-${String(month).padStart(2, '0')}-${(worded[2] ?? '').padStart(2, '0')}T${worded[3]}Z`
      : plain;

  try {
    const written = Temporal.Instant.from(iso).toString();

    // Years beyond four digits have a sign, and are nobody's scan.
    return /^\d/.test(written) ? (written as Timestamp) : null;
  } catch (error) {
    // A date that is none says nothing; when it scanned is not what a report is compared by.
    if (error instanceof RangeError) return null;
    throw error;
  }
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

function short(text: string | null | undefined): string | null {
  const plain = (text ?? '').replaceAll(/[\s\p{Cc}]+/gu, ' ').trim();

  return plain === '' ? null : plain.slice(0, MAX_TEXT);
}

export function invalidReport(why: string, cause?: unknown): CodedError {
  return new CodedError('SCAN_REPORT_INVALID', `${why}: nothing was compared`, cause === undefined ? {} : { cause });
}

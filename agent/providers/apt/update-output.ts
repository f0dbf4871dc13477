// What `apt-get update -q` says about each repository. Pure. Runs with LC_MESSAGES=C; what it does not recognise counts
// against the repository it names, or against all of them.
import type { Code } from '@selvage/shared/errors/codes.ts';
import { type ListedRepository, printedSuite } from '@selvage/shared/packages/apt-repositories.ts';
import type { Problem } from './belief.ts';
import { saysFull } from './no-space.ts';

export interface UpdateVerdict {
  /** The signed index answered "unchanged": nothing else had to come. */
  readonly hit: boolean;
  /** It was mentioned as fetched or unchanged. */
  readonly reached: boolean;
  readonly error: Problem | null;
}

export interface UpdateReport {
  readonly verdicts: ReadonlyMap<string, UpdateVerdict>;
  /** Errors that name no repository (disk full, lock, malformed settings). */
  readonly general: readonly string[];
}

interface Findings {
  hit: boolean;
  reached: boolean;
  /** Lines indented below the last `Err:` of the repository; the first says why. */
  causes: string[];
  errors: string[];
  signature: string | null;
}

/** HTTP statuses (RFC 9110, 15.5) that say that this host may not, or that there is nothing. */
const NOT_ENTITLED = ['401', '402', '403', '407'];
const GONE = ['404', '410'];
const MAX_REASON = 500;
/** The second wording is that of apt 3, which verifies with sqv. */
const SIGNATURE = /GPG error: |OpenPGP signature verification failed: /;

/*
 * Hit:1 http://deb.debian.org/debian bookworm InRelease
 * Get:2 http://deb.debian.org/debian-security bookworm-security InRelease [34.8 kB]
 * Ign:3 http://127.0.0.1:8099/unsigned stable InRelease
 * Err:4 http://127.0.0.1:8099/e401 stable InRelease
 *   401  Unauthorized [IP: 127.0.0.1 8099]
 * Err:5 http://127.0.0.1:8099/gone stable Release
 *   404  File not found [IP: 127.0.0.1 8099]
 * Err:6 file:/tmp/nothere stable Release
 *   File not found - /tmp/nothere/dists/stable/Release (2: No such file or directory)
 * Reading package lists...
 * E: The repository 'http://127.0.0.1:8099/e401 stable InRelease' is not signed.
 * E: Failed to fetch http://127.0.0.1:8099/e401/dists/stable/InRelease  401  Unauthorized [IP: 127.0.0.1 8099]
 * E: The repository 'http://127.0.0.1:8099/gone stable Release' does not have a Release file.
 * E: The repository 'http://127.0.0.1:8099/unsigned stable Release' is not signed.
 * W: GPG error: http://127.0.0.1:8099/badsig stable InRelease: The following signatures were invalid: BADSIG 6C09DD2C9355AC8F
 * W: An error occurred during the signature verification. The repository is not updated and the previous index files will
 *    be used. GPG error: http://127.0.0.1:8099/good stable InRelease: The following signatures were invalid: BADSIG 6C09…
 * E: Release file for http://127.0.0.1:8099/expired/dists/stable/InRelease is expired (invalid since 16s). Updates for …
 * W: Failed to fetch http://127.0.0.1:1/x/dists/stable/InRelease  Could not connect to 127.0.0.1:1 (127.0.0.1). - connect (111: …
 * W: Some index files failed to download. They have been ignored, or old ones used instead.
 * W: Target Packages (main/binary-amd64/Packages) is configured multiple times in … and …
 * W: Skipping acquire of configured file 'contrib/…' as repository 'http://… stable InRelease' doesn't have the component
 */
export function readUpdateOutput(lines: readonly string[], repositories: readonly ListedRepository[]): UpdateReport {
  const findings = new Map(repositories.map((repository) => [repository.id, empty()]));
  const general: string[] = [];
  let failing: Findings[] = [];

  for (const line of lines) {
    const progress = /^(Hit|Get|Ign|Err):\d+ (.+)$/.exec(line);
    if (progress) {
      const named = repositories.filter((repository) => names(progress[2] ?? '', repository));
      failing = progress[1] === 'Err' ? found(findings, named) : [];
      for (const finding of found(findings, named)) note(finding, progress[1] ?? '', line);
    } else if (line.startsWith('  ')) {
      for (const finding of failing) finding.causes.push(line.trim());
    } else if (line.startsWith('E: ') || line.startsWith('W: ')) {
      failing = [];
      const named = found(
        findings,
        repositories.filter((repository) => mentions(line, repository)),
      );
      if (named.length === 0 && line.startsWith('E: ')) general.push(line.slice(3));
      for (const finding of named) noteMessage(finding, line);
    }
  }

  const verdicts = [...findings].map(([id, finding]) => [id, verdict(finding)] as const);

  return { verdicts: new Map(verdicts), general };
}

function note(finding: Findings, word: string, line: string): void {
  const isIndex = / (InRelease|Release)( \[|$)/.test(line);
  if (word === 'Hit' && isIndex) finding.hit = true;
  if ((word === 'Hit' || word === 'Get') && isIndex) finding.reached = true;
  if (word === 'Err') finding.errors.push(line);
}

function noteMessage(finding: Findings, line: string): void {
  const signature = SIGNATURE.exec(line);
  if (signature) finding.signature = line.slice(signature.index);
  else if (line.startsWith('E: ') || line.startsWith('W: Failed to fetch ')) finding.errors.push(line.slice(3));
}

function verdict({ hit, reached, causes, errors, signature }: Findings): UpdateVerdict {
  const code = signature === null ? codeOf(causes, errors) : 'REPOSITORY_BAD_SIGNATURE';
  // apt prints an `Err:` for a bad signature and a 401 alike "is not signed": the cause decides, the sentence comes last.
  const reason = signature ?? causes[0] ?? errors.at(-1);

  return {
    hit,
    reached,
    error: code === null ? null : { code, reason: (reason ?? 'apt failed').slice(0, MAX_REASON) },
  };
}

function codeOf(causes: readonly string[], errors: readonly string[]): Code | null {
  if (causes.length === 0 && errors.length === 0) return null;
  if ([...causes, ...errors].some(saysFull)) return 'DISK_FULL';
  const statuses = causes.map((cause) => /^(\d{3}) {2}/.exec(cause)?.[1] ?? '');
  if (statuses.some((status) => NOT_ENTITLED.includes(status))) return 'REPOSITORY_NOT_ENTITLED';
  if (statuses.some((status) => GONE.includes(status))) return 'REPOSITORY_GONE';
  if (causes.some((cause) => cause.startsWith('File not found - '))) return 'REPOSITORY_GONE';
  if (errors.some((error) => error.startsWith('Release file for ') && error.includes(' is expired '))) {
    return 'REPOSITORY_EXPIRED';
  }
  if (causes.some((cause) => /^\D/.test(cause))) return 'REPOSITORY_UNREACHABLE';
  if (errors.some((error) => error.endsWith("' is not signed."))) return 'REPOSITORY_UNSIGNED';
  if (errors.some((error) => error.endsWith(' does not have a Release file.'))) return 'REPOSITORY_GONE';

  return 'REPOSITORY_UNREACHABLE';
}

/** `http://deb.debian.org/debian bookworm/main amd64 Packages [8790 kB]` names uri and suite. */
function names(text: string, { uri, suite }: ListedRepository): boolean {
  const start = `${uri} ${printedSuite(suite)}`;

  return text.startsWith(start) && /^( |\/)/.test(text.slice(start.length));
}

/** `'<uri> <suite> InRelease'`, or a URL below the suite's folder. */
function mentions(line: string, repository: ListedRepository): boolean {
  const { uri, suite } = repository;
  const folder = suite.endsWith('/') ? `${uri}/${suite}` : `${uri}/dists/${suite}/`;

  return (
    line.split(/(?<=[ '])/).some((_, index, parts) => names(parts.slice(index).join(''), repository)) ||
    line.split(' ').some((word) => word.startsWith(folder))
  );
}

function found(findings: ReadonlyMap<string, Findings>, named: readonly ListedRepository[]): Findings[] {
  return named.flatMap((repository) => findings.get(repository.id) ?? []);
}

function empty(): Findings {
  return { hit: false, reached: false, causes: [], errors: [], signature: null };
}

// Writes the text format that debsecan reads (VERSION 1 of its feed, zlib-compressed) from rules of Debian's own records, so that both
// can be asked about the same host and the same data. The format is only documented by the program that reads it.
import { deflateSync } from 'node:zlib';
import type { Rule } from '../../../collector/matching/rule.ts';

/** Urgency of the tracker → the letter of the format; what it has no letter for stays blank. */
const URGENCIES: Readonly<Record<string, string>> = { low: 'L', medium: 'M', high: 'H' };

/**
 * One entry for each package and CVE. Announcements (DSA) are no entries there, as in the feed that Debian itself writes.
 * `unstable version` carries the version with the fix: affected is what is older; without one every version is.
 */
export function debsecanFeed(rules: Iterable<Rule>): Buffer {
  const names: string[] = [];
  const numbers = new Map<string, number>();
  const entries: string[] = [];

  for (const { record, package: source, status, ranges, urgency = '', withdrawn } of rules) {
    if (!/^(?:CVE|TEMP)-/.test(record) || withdrawn !== undefined || status === 'not-affected') continue;
    const number = numbers.get(record) ?? names.push(`${record},,`) - 1;
    numbers.set(record, number);
    const fixed = ranges[0]?.fixed ?? '';
    const flags = `S${URGENCIES[urgency] ?? ' '}?${fixed === '' ? ' ' : 'F'}`;
    entries.push(`${source},${number},${flags},${fixed},`);
  }

  return deflateSync(['VERSION 1', ...names, '', ...entries, '', ''].join('\n'));
}

/** A dpkg status file of whole packages, with what debsecan reads of it. */
export function dpkgStatus(
  packages: readonly {
    readonly binary: string;
    readonly version: string;
    readonly source: string;
    readonly sourceVersion: string;
  }[],
): string {
  return packages
    .map(({ binary, version, source, sourceVersion }) =>
      [
        `Package: ${binary}`,
        'Status: install ok installed',
        'Architecture: amd64',
        `Version: ${version}`,
        ...(source === binary && sourceVersion === version
          ? []
          : [`Source: ${source}${sourceVersion === version ? '' : ` (${sourceVersion})`}`]),
        '',
        '',
      ].join('\n'),
    )
    .join('');
}

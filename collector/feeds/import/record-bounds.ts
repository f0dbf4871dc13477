// How much one thing that a feed says may hold, whichever feed it is. Pure; what is more is refused as a whole, never cut: half a list
// of versions would be a wrong answer.
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import type { Rule } from '../../matching/rule.ts';
import type { FeedRecord } from '../feed.ts';

export const MAX_CVE_LENGTH = 32;
const CVE = /^CVE-\d{4}-\d{4,19}$/;
const MAX_ID = 200;
const MAX_NAME = 500;
/** Characters of a version; the longest true one of the data known has some 90. */
const MAX_VERSION = 400;
const MAX_RANGES = 1000;
const MAX_VERSIONS = 20_000;
const MAX_CVES = 5000;
const MAX_WORD = 200;
/** Characters of all facts about one CVE, and of a bulletin. */
const MAX_TEXT = 64 * 1024;

/** Something that a record says. */
export type Item = Exclude<FeedRecord, { readonly type: 'record' }>;

/** Throws FEED_INVALID saying what is too long. */
export function assertBounded(item: Item): void {
  switch (item.type) {
    case 'rule':
      assertRule(item.rule);
      break;
    case 'cve':
      if (!CVE.test(item.cve) || item.cve.length > MAX_CVE_LENGTH)
        throw refused(`${shown(item.cve)} is no id of a CVE`);
      break;
    case 'bulletin':
      assertLength('its id', item.bulletin.id, MAX_ID);
      assertCves(item.bulletin.cves);
      break;
    case 'cycle':
      assertLength('its product', item.cycle.product, MAX_NAME);
      break;
  }
}

function assertRule(rule: Rule): void {
  const { ecosystem, package: name, record, cves, ranges, versions = [], module, pocket, urgency } = rule;
  assertLength('its ecosystem', ecosystem, MAX_WORD);
  assertLength('the name of a package', name, MAX_NAME);
  assertLength('its id', record, MAX_ID);
  assertCves(cves);
  if (ranges.length > MAX_RANGES) throw refused(`it has ${ranges.length} ranges`);
  if (versions.length > MAX_VERSIONS) throw refused(`it has ${versions.length} versions`);
  for (const { introduced, fixed, lastAffected } of ranges) {
    for (const each of [introduced, fixed, lastAffected])
      if (each !== null) assertLength('a version', each, MAX_VERSION);
  }
  for (const each of versions) assertLength('a version', each, MAX_VERSION);
  for (const each of [module, pocket, urgency]) if (each !== undefined) assertLength('a word of it', each, MAX_WORD);
}

function assertCves(cves: readonly string[]): void {
  if (cves.length > MAX_CVES) throw refused(`it names ${cves.length} CVEs`);
  for (const each of cves) if (!CVE.test(each)) throw refused(`${shown(each)} is no id of a CVE`);
}

/** All facts about one CVE, or one bulletin, as text. Throws FEED_INVALID. */
export function boundedText(value: object): string {
  const text = JSON.stringify(value);
  if (text.length > MAX_TEXT) throw refused(`it has ${text.length} characters`);

  return text;
}

function assertLength(what: string, text: string, max: number): void {
  if (text.length === 0 || text.length > max) throw refused(`${what} has ${text.length} characters`);
}

const shown = (text: string) => JSON.stringify(text.slice(0, MAX_CVE_LENGTH));

function refused(why: string): CodedError {
  return new CodedError('FEED_INVALID', why);
}

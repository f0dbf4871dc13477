// What machines are not open to because the version that is installed has the fix: the words of VEX that no finding stands for. Rules are
// read once for each distinct software, however many machines have it.
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import { inTurns } from '../api/in-turns.ts';
import type { Fleet, Machine } from '../findings/fleet.ts';
import { judge, packagesOf } from '../matching/matching.ts';
import type { Software } from '../matching/software.ts';
import type { FeedReader, PackageRules } from '../store/feed-ports.ts';
import type { SoftwareId } from '../store/software-ports.ts';
import { purlOf } from './purl.ts';
import { evidenceText, MAX_WORDS, type Word } from './words.ts';

/** Software whose rules are asked for at once. */
const AT_ONCE = 100;

/** Throws REQUEST_TOO_LARGE. */
export async function fixedWords(
  fleet: Fleet,
  machines: readonly Machine[],
  feeds: Pick<FeedReader, 'rules'>,
): Promise<readonly Word[]> {
  const known = machines.filter(({ unknown }) => unknown === null);
  const ids = await inTurns(idSteps(known));
  const fixed = new Map<SoftwareId, readonly Fixed[]>();
  for (let from = 0; from < ids.length; from += AT_ONCE) {
    const some = ids.slice(from, from + AT_ONCE);
    const rules = await feeds.rules(some.flatMap((id) => packagesOf(fleet.software(id))));
    await inTurns(fixedSteps(fleet, some, rules, fixed));
  }

  return inTurns(wordSteps(fleet, known, fixed));
}

/** Each software once: a large fleet has millions of rows and some thousand of these. */
function* idSteps(machines: readonly Machine[]): Generator<void, readonly SoftwareId[]> {
  const ids = new Set<SoftwareId>();
  for (const { software } of machines) {
    for (const { id } of software) ids.add(id);
    yield;
  }

  return [...ids];
}

interface Fixed {
  readonly cve: string;
  readonly detail: string;
}

function* fixedSteps(
  fleet: Fleet,
  ids: readonly SoftwareId[],
  rules: readonly PackageRules[],
  fixed: Map<SoftwareId, readonly Fixed[]>,
): Generator<void, void> {
  for (const id of ids) {
    const software = fleet.software(id);
    const open = new Set(fleet.matches(id).map(({ cve }) => cve));
    const own: Fixed[] = [];
    for (const [cve, about] of rulesByCve(software, rules)) {
      if (open.has(cve)) continue;
      const { says, evidence } = judge(software, cve, about);
      if (says === 'fixed') own.push({ cve, detail: evidenceText(evidence) });
      yield;
    }
    fixed.set(id, own);
    yield;
  }
}

/** Of the packages that may be about the software, each CVE with the rules that speak of it alone: else every CVE would read all. */
function rulesByCve(software: Software, rules: readonly PackageRules[]): ReadonlyMap<string, readonly PackageRules[]> {
  const names = new Set(packagesOf(software).map((each) => `${each.ecosystem} ${each.package}`));
  const found = new Map<string, PackageRules[]>();
  for (const each of rules) {
    if (!names.has(`${each.ecosystem} ${each.package}`)) continue;
    for (const rule of each.rules) {
      for (const cve of rule.cves.length === 0 ? [rule.record] : rule.cves) {
        const list = found.get(cve);
        const one = { ...each, rules: [rule] };
        if (list) list.push(one);
        else found.set(cve, [one]);
      }
    }
  }

  return found;
}

function* wordSteps(
  fleet: Fleet,
  machines: readonly Machine[],
  fixed: ReadonlyMap<SoftwareId, readonly Fixed[]>,
): Generator<void, readonly Word[]> {
  const words: Word[] = [];
  for (const { key, name, software } of machines) {
    for (const { id } of software) {
      const purl = purlOf(fleet.software(id));
      for (const { cve, detail } of fixed.get(id) ?? []) {
        words.push({
          ...{ machine: key, name, purl, cve, status: 'fixed', justification: null, detail, action: null },
        });
      }
    }
    if (words.length > MAX_WORDS) {
      throw new CodedError('REQUEST_TOO_LARGE', `these machines have more than ${MAX_WORDS} fixed weaknesses`, {
        next: 'choose fewer of them with --select',
      });
    }
    yield;
  }

  return words;
}

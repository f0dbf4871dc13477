// Does a line of shell text update packages, and does it install or only tell? Pure. It looks for the programs by their names
// and the verbs they install with; what hides behind another script is not seen.
export type CommandKind = 'installs' | 'tells';

const APT = /^(upgrade|dist-upgrade|full-upgrade|safe-upgrade|install|reinstall)$/;
const DNF =
  /^(upgrade|update|up|upgrade-minimal|update-minimal|distro-sync|dsync|install|reinstall|system-upgrade|offline-upgrade)$/;
const ZYPPER = /^(update|up|patch|dist-upgrade|dup|install|in)$/;
/** Program → verbs that install; null: it always does. */
const PROGRAMS: Readonly<Record<string, RegExp | null>> = {
  apt: APT,
  'apt-get': APT,
  aptitude: APT,
  dnf: DNF,
  dnf5: DNF,
  'dnf-3': DNF,
  microdnf: DNF,
  yum: DNF,
  zypper: ZYPPER,
  'transactional-update': /^(up|dup|patch|cleanup)?$/,
  'unattended-upgrade': null,
  'unattended-upgrades': null,
  online_update: null,
  pkcon: /^(update|install)$/,
};
/** Verbs with which a program only looks or brings. */
const TELLS =
  /^(update|check-update|check-upgrade|list|list-updates|lu|list-patches|lp|download|makecache|refresh|ref|get-updates)$/;
const ONLY_LOOKS =
  /^(-d|-s|--download-only|--downloadonly|--simulate|--just-print|--dry-run|--recon|--no-act|--assumeno|--print-uris|--only-download)$/;

/** In front of a program: it is only named there. */
const SPEAKS = /^(then |do |else |if |! )*(echo|printf|logger|grep|which|type|test|\[|hash|command -v|wall|mail)\b/;

/** The strongest thing a line does; null where it names no updater. */
export function kindOfCommand(line: string): CommandKind | null {
  let kind: CommandKind | null = null;

  for (const simple of line.replace(/(^|\s)#.*$/, '').split(/[;&|()`\n]|\$\(/)) {
    const words = simple.split(/\s+/).map((word) => word.replace(/["']/g, ''));
    const at = words.findIndex((word) => Object.hasOwn(PROGRAMS, programOf(word)));
    if (at === -1 || SPEAKS.test(words.slice(0, at).join(' ').trim())) continue;
    const verbs = PROGRAMS[programOf(words[at] ?? '')] ?? null;
    const given = words.slice(at + 1).filter((word) => word !== '');
    const looks = given.some((word) => ONLY_LOOKS.test(word) || (/^-[a-z]*[ds][a-z]*$/.test(word) && verbs === APT));
    const installs = !looks && (verbs === null || given.some((word) => verbs.test(word)));
    if (installs) return 'installs';
    if (looks || given.some((word) => TELLS.test(word))) kind = 'tells';
  }

  return kind;
}

function programOf(word: string): string {
  return word.slice(word.lastIndexOf('/') + 1);
}

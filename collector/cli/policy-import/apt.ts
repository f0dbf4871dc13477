// 50unattended-upgrades, 20auto-upgrades and the like: what of them a policy can say. Pure. The table names every option that
// unattended-upgrades and apt's periodic script know, with what becomes of it; an option that is not in it is said too.
import { type AptSetting, parseAptConf } from '@selvage/shared/text/apt-conf.ts';
import {
  DAYS,
  type Draft,
  forYou,
  hold,
  note,
  type Setting,
  type Source,
  type Told,
  translated,
  untranslated,
} from './draft.ts';
import { globOf } from './python-pattern.ts';

const REBOOT = 'Selvage does not reboot hosts yet: it says which need it (reboot in the inventory)';
const MAIL = 'mail is not sent: look at selvage status, or let your monitoring read /v1/alarms';
const LOGS = 'runs are told as signed results and in the ledger, not to a log of your choice';
const REMOVES = 'nothing is removed that an approval does not name';
const POWER = 'power and metered networks are not looked at yet';
const LISTS = 'the agent refreshes lists of its own: lists.refreshEvery in the settings of the host';
const DAYS_LATER = 'say it as the delay of a lane';
const ITSELF = 'the runner does so by itself';

/** Option (lower case) → why it is not translated. */
const WHY: Readonly<Record<string, string>> = {
  'unattended-upgrade::package-whitelist':
    'a policy allows by origin (allow.from); approve by hand what is on the list',
  'unattended-upgrade::package-whitelist-strict': 'a policy allows by origin (allow.from)',
  'unattended-upgrade::autofixinterrupteddpkg': ITSELF,
  'unattended-upgrade::minimalsteps': 'a fix is installed in one transaction, exactly as it was approved',
  'unattended-upgrade::installonshutdown': 'installations happen in windows, not at shutdown',
  'unattended-upgrade::mail': MAIL,
  'unattended-upgrade::mailreport': MAIL,
  'unattended-upgrade::mailonlyonerror': MAIL,
  'unattended-upgrade::sender': MAIL,
  'unattended-upgrade::remove-unused-kernel-packages': REMOVES,
  'unattended-upgrade::remove-new-unused-dependencies': REMOVES,
  'unattended-upgrade::remove-unused-dependencies': REMOVES,
  'unattended-upgrade::automatic-reboot': REBOOT,
  'unattended-upgrade::automatic-reboot-withusers': REBOOT,
  'unattended-upgrade::automatic-reboot-time': REBOOT,
  'unattended-upgrade::syslogenable': LOGS,
  'unattended-upgrade::syslogfacility': LOGS,
  'unattended-upgrade::verbose': LOGS,
  'unattended-upgrade::debug': LOGS,
  'unattended-upgrade::onlyonacpower': POWER,
  'unattended-upgrade::skip-updates-on-metered-connections': POWER,
  'unattended-upgrade::keep-debs-after-install': 'the fetcher keeps what is approved and not installed yet',
  'unattended-upgrade::devrelease': 'a policy selects hosts: select, os',
  'unattended-upgrade::allow-downgrade': 'a downgrade is an approval of its own',
  'unattended-upgrade::allow-apt-mark-fallback': 'an approval names exact versions',
  'unattended-upgrade::ignore-apps-require-restart': 'what must be restarted is told, not done',
  'unattended-upgrade::forceifinstalledpackages': REMOVES,
  'unattended-upgrade::postpone-for-days': DAYS_LATER,
  'unattended-upgrade::postpone-wait-time': 'a window that is missed is followed by the next',
  'unattended-upgrade::dry-run': 'mode advise in the settings of the host: it plans and never installs',
  'apt::periodic::update-package-lists': LISTS,
  'apt::periodic::download-upgradeable-packages': 'the fetcher brings what is approved, and nothing else',
  'apt::periodic::download-upgradeable-packages-debdelta': 'the fetcher brings whole packages',
  'apt::periodic::autocleaninterval': 'the fetcher cleans up after itself',
  'apt::periodic::cleaninterval': 'the fetcher cleans up after itself',
  'apt::periodic::backuparchiveinterval': 'not kept by Selvage',
  'apt::periodic::backuplevel': 'not kept by Selvage',
  'apt::periodic::maxage': 'the fetcher cleans up after itself',
  'apt::periodic::minage': 'the fetcher cleans up after itself',
  'apt::periodic::maxsize': 'the fetcher cleans up after itself',
  'apt::periodic::randomsleep': 'hosts differ by their rings and their own jitter',
  'apt::periodic::verbose': LOGS,
  'acquire::http::dl-limit': 'lists.byteBudget in the settings of the host bounds what is fetched',
};

/** `until`: when holds end that somebody must look at. Throws PARSE with line and column. */
export function importApt(text: string, file: string, draft: Draft, until: string): void {
  for (const one of parseAptConf(text, file)) {
    const setting: Setting = { file, line: one.line, option: one.name, value: one.value };
    note(draft, setting, importSetting(one, setting, draft, until));
  }
}

function importSetting(one: AptSetting, setting: Setting, draft: Draft, until: string): Told {
  const option = one.name.toLowerCase();
  if (one.directive) {
    return one.name.startsWith('#clear')
      ? forYou('apt forgets what was said of that before: take back below what stands here because of it')
      : untranslated('hand that file to this command too, or leave it out');
  }

  switch (option) {
    case 'unattended-upgrade::allowed-origins':
    case 'unattended-upgrade::origins-pattern':
      return origin(draft, option.endsWith('pattern') ? ofPattern(one.value) : ofOrigin(one.value));
    case 'unattended-upgrade::package-blacklist': {
      const glob = globOf(one.value);
      if (glob !== null) return hold(draft, setting, glob, until);

      return untranslated('a hold knows * and no other pattern: write the names out');
    }
    case 'unattended-upgrade::update-days':
      return updateDay(draft, setting);
    case 'apt::periodic::unattended-upgrade':
      return every(draft, setting);
    case 'apt::periodic::enable':
      if (one.value !== '0') return translated('it is on');

      return forYou('it was switched off there: nothing was installed by it');
    default:
      return untranslated(WHY[option] ?? 'this option is not known here');
  }
}

function origin(draft: Draft, source: Source | string): Told {
  if (source !== 'security' && source !== 'updates' && source !== 'point-release') {
    return untranslated(source);
  }
  draft.from.add(source);
  return translated(`allow.from ${source}`);
}

/** `Debian:stable`, `${distro_id}:${distro_codename}-security`; the older form has a blank in place of the colon. */
function ofOrigin(value: string): Source | string {
  const [from = '', archive = ''] = value.split(/[: ]/);

  return sourceOf(from, archive, '');
}

/** `origin=Debian,codename=${distro_codename}-security,label=Debian-Security`; a comma in a value is written %2C. */
function ofPattern(value: string): Source | string {
  const parts = new Map(
    value.split(',').map((part) => {
      const at = part.indexOf('=');

      return [part.slice(0, at).trim().toLowerCase(), part.slice(at + 1).trim()] as const;
    }),
  );
  const get = (...names: readonly string[]) => names.map((name) => parts.get(name)).find((text) => text !== undefined);
  const archive = get('a', 'archive', 'suite') ?? get('n', 'codename') ?? '';

  return sourceOf(get('o', 'origin') ?? '', archive, get('l', 'label') ?? '');
}

function sourceOf(from: string, archive: string, label: string): Source | string {
  if (!/^(Debian|Ubuntu|\$\{distro_id\}|UbuntuESM(Apps)?|\$\{distro_id\}ESM(Apps)?)$/i.test(from)) {
    return 'only archives of the distribution have a name in allow.from; approve by hand what comes from elsewhere';
  }
  if (/-(proposed|backports)/.test(archive)) return 'what is proposed or backported is approved by hand';
  if (/-security$/.test(archive) || /security$/i.test(label) || /ESM/.test(from)) return 'security';
  if (/-updates$/.test(archive)) return 'updates';
  if (/^(testing|unstable|sid|experimental|rc-buggy)$/i.test(archive)) {
    return 'what is in preparation is approved by hand';
  }
  if (/[*]/.test(archive) || archive === '') return 'it allows every archive of the distribution: name them';

  return 'point-release';
}

/** `Mon`, `Monday` or 0 to 6 from Sunday, as python's calendar and cron name them. */
function updateDay(draft: Draft, setting: Setting): Told {
  const text = setting.value.toLowerCase();
  const day = /^[0-6]$/.test(text) ? DAYS[(Number(text) + 6) % 7] : DAYS.find((name) => text.startsWith(name));
  if (day === undefined) return untranslated('this is no day of the week');
  draft.days = [...new Set([...(draft.days ?? []), day])];
  return translated(`days of the window: ${day}`);
}

function every(draft: Draft, setting: Setting): Told {
  const [, number] = /^(\d{1,4})d?$/.exec(setting.value) ?? [];
  if (setting.value === 'always') return translated('every day');
  if (number === undefined) return untranslated('a window comes once a day at most');
  if (Number(number) === 0) return forYou('it was switched off: nothing was installed by it');
  draft.everyDays = Number(number);
  return translated(number === '1' ? 'every day' : `every ${number} days`);
}

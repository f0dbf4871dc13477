// automatic.conf of dnf-automatic (dnf 4 and dnf 5): what of it a policy can say. Pure. Every key is told, known or not.
import { type Draft, forYou, hold, note, type Setting, type Told, translated, untranslated } from './draft.ts';
import { parseIni } from './ini-lines.ts';

const MAIL = 'mail and other emitters are not built: look at selvage status, or let your monitoring read /v1/alarms';
const REBOOT = 'Selvage does not reboot hosts yet: it says which need it (reboot in the inventory)';
const WHY: Readonly<Record<string, string>> = {
  'commands.network_online_timeout': 'the agent waits for its collector as long as it takes',
  'commands.random_sleep': 'hosts differ by their rings and their own jitter',
  'commands.reboot': REBOOT,
  'commands.reboot_command': REBOOT,
  'base.debuglevel': 'the log level of the agent is SELVAGE_LOG',
};
const EMITTERS = /^(emitters|email|command|command_email)[.]/;
const ALL = ['security', 'updates', 'point-release'] as const;
const NAME = /^[A-Za-z0-9+._*-]+$/;
const YES = /^(1|yes|true|on)$/i;

/** Throws PARSE with line and column. */
export function importDnf(text: string, file: string, draft: Draft, until: string): void {
  for (const { section, key, value, line } of parseIni(text, file)) {
    const setting: Setting = { file, line, option: `[${section}] ${key}`, value };
    const option = `${section}.${key}`.toLowerCase();
    // A list of names: each is told by itself.
    const names = /^base[.]exclude(pkgs)?$/.test(option) ? value.split(/[\s,]+/).filter((name) => name !== '') : null;

    if (names === null) note(draft, setting, toldOf(option, value, draft));
    else for (const name of names) note(draft, { ...setting, value: name }, excluded(draft, setting, name, until));
  }
}

function toldOf(option: string, value: string, draft: Draft): Told {
  switch (option) {
    case 'commands.upgrade_type':
      return upgradeType(draft, value);
    case 'commands.apply_updates':
      return YES.test(value)
        ? translated('it installs what is approved')
        : forYou('it installed nothing there, it only told: keep the host in mode advise for that');
    case 'commands.download_updates':
      return untranslated('the fetcher brings what is approved, and nothing else');
    default:
      return untranslated(EMITTERS.test(option) ? MAIL : (WHY[option] ?? 'this key is not known here'));
  }
}

function upgradeType(draft: Draft, value: string): Told {
  const from = value === 'security' ? (['security'] as const) : value === 'default' ? ALL : null;
  if (from === null) return untranslated('it is neither default nor security');
  // Said twice, the last one counts.
  draft.from.clear();
  for (const source of from) draft.from.add(source);

  return translated(`allow.from ${from.join(', ')}`);
}

function excluded(draft: Draft, setting: Setting, name: string, until: string): Told {
  return NAME.test(name)
    ? hold(draft, setting, name, until)
    : untranslated('a hold knows names and *: write the names out');
}

// dnf-automatic, of dnf 4 and dnf 5: a service for each of its timers, and one file that says whether "automatic" means to
// install. The timers named after what they do overrule that file.
import { nextOf, timerWay } from './timers.ts';
import type { UpdaterFacts, UpdaterHost } from './updater.ts';

const CONFIGS = {
  'dnf-automatic': ['etc/dnf/automatic.conf'],
  'dnf5-automatic': [
    'etc/dnf/automatic.conf',
    'etc/dnf/dnf5-plugins/automatic.conf',
    'usr/share/dnf5/dnf5-plugins/automatic.conf',
  ],
} as const;
/** Null: as `apply_updates` says. */
const TIMERS: readonly {
  readonly timer: string;
  readonly config: keyof typeof CONFIGS;
  readonly installs: boolean | null;
}[] = [
  { timer: 'dnf-automatic', config: 'dnf-automatic', installs: null },
  { timer: 'dnf-automatic-install', config: 'dnf-automatic', installs: true },
  { timer: 'dnf-automatic-download', config: 'dnf-automatic', installs: false },
  { timer: 'dnf-automatic-notifyonly', config: 'dnf-automatic', installs: false },
  { timer: 'dnf5-automatic', config: 'dnf5-automatic', installs: null },
];

export async function lookForDnfAutomatic(host: UpdaterHost): Promise<readonly UpdaterFacts[]> {
  const rows = await Promise.all(
    TIMERS.map(async ({ timer, config, installs: always }): Promise<readonly UpdaterFacts[]> => {
      const way = await timerWay(host, `${timer}.timer`, `${timer}.service`);
      if (way === null) return [];
      const applies = appliesUpdates(host, CONFIGS[config]);
      const installs = always ?? applies;
      const why = always === null ? `apply_updates = ${applies ? 'yes' : 'no'}` : `as its name says`;

      return [
        {
          name: timer,
          kind: 'timer',
          installs,
          enabled: way.on,
          nextRun: way.next,
          detail: `${installs ? 'installs' : 'tells or downloads'}: ${why}${nextOf(way, host)}`,
          units: way.units,
          stops: installs ? way.stops : [],
        },
      ];
    }),
  );

  return rows.flat();
}

/** The first file that says it; without a word of it dnf installs nothing. */
function appliesUpdates(host: UpdaterHost, files: readonly string[]): boolean {
  for (const file of files) {
    // Of several lines the last one counts.
    const [, value] = [...(host.text(file) ?? '').matchAll(/^\s*apply_updates\s*[=:]\s*(\S+)/gim)].at(-1) ?? [];
    if (value !== undefined) return /^(1|yes|true|on)$/i.test(value);
  }

  return false;
}

// Landscape: a server orders, its client installs. It also watches the host, so it is not ours to switch off.
import { isMasked, isOn } from './timers.ts';
import type { UpdaterFacts, UpdaterHost } from './updater.ts';

const SERVICE = 'landscape-client.service';
const CONFIG = 'etc/landscape/client.conf';

export async function lookForLandscape(host: UpdaterHost): Promise<readonly UpdaterFacts[]> {
  if (!host.has('usr/bin/landscape-client')) return [];
  const units = await host.units.look([SERVICE]);
  const [service] = units;
  const registered = /^\s*computer_title\s*=\s*\S/m.test(host.text(CONFIG) ?? '');
  const enabled = registered && (service === undefined || (!isMasked(service) && isOn(service)));

  return [
    {
      name: 'landscape-client',
      kind: 'service',
      installs: true,
      enabled,
      nextRun: null,
      detail: enabled ? 'installs what its server orders, whenever it does' : 'not registered, or its service is off',
      units,
      stops: [
        {
          by: 'person',
          what: `landscape-client also watches this host: take the host out of Landscape, or systemctl disable --now ${SERVICE}`,
        },
      ],
    },
  ];
}

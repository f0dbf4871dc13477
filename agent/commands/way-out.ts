// The way out to the collector, as the host's settings and the environment want it.

import { type ProxyEnvironment, parseProxy, proxyFor } from '@selvage/shared/net/proxy.ts';
import { connectVia } from '@selvage/shared/net/tunnel.ts';
import type { Connect } from '@selvage/shared/pki/https.ts';
import type { Settings } from '../settings.ts';

export function wayOut({ proxy }: Settings, environment: ProxyEnvironment): Connect {
  const setting = proxy === null || proxy === 'none' ? proxy : parseProxy(proxy, 'the setting "proxy"');

  return connectVia((target) => proxyFor(target, setting, environment));
}

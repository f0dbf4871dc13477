// The way out to the collector, as the host's settings and the environment want it.
import type { Connect } from '@selvage/shared/pki/https.ts';
import { connectVia } from '../connector/tunnel.ts';
import { type ProxyEnvironment, parseProxy, proxyFor } from '../proxy.ts';
import type { Settings } from '../settings.ts';

export function wayOut({ proxy }: Settings, environment: ProxyEnvironment): Connect {
  const setting = proxy === null || proxy === 'none' ? proxy : parseProxy(proxy, 'the setting "proxy"');

  return connectVia((target) => proxyFor(target, setting, environment));
}

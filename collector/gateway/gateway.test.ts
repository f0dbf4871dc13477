import { describe, expect, it } from 'vitest';
import { makeWorld, NOW } from './testing/world.ts';

describe('when an enrolled host connects', () => {
  it('is welcomed, seen and connected', async () => {
    const world = await makeWorld();
    const host = await world.enroll(1);
    const client = await world.connect(host);

    expect(client.welcome).toMatchObject({ type: 'welcome', version: 1, now: NOW, heartbeatSeconds: 30, inFlight: 16 });
    expect(world.gateway.connected()).toEqual([host.id]);
    expect(await world.store.read.hosts.byId(host.id)).toMatchObject({ lastSeen: NOW, agentVersion: '0.1.0' });
    expect(world.seen).toEqual([{ type: 'host.connected', host: host.id, name: 'host-1' }]);
  });
});

// How a host follows a new authority of hosts without a person: told, trusted because it is endorsed, said so, renewed under it.
import { endorse } from '@selvage/shared/pki/endorsement.ts';
import { describe, expect, it } from 'vitest';
import { isIssuedBy, makeAuthority, nextOf, startCollector } from './testing/collector.ts';
import { certify, identityFolder } from './testing/identity-folder.ts';
import { comesBack, FRESH, file, greeted, HOUR_MS, started } from './testing/renewing.ts';
import { message, startLink, worksWithoutRenewal } from './testing/started-link.ts';

describe('when the hosts’ authority changes', () => {
  const [present, next] = [makeAuthority('hosts'), makeAuthority('hosts 2')];
  const named = [
    { certificate: present.certificate, endorsedBy: null, endorsement: new Uint8Array(0) },
    { certificate: next.certificate, ...endorse({ endorser: present, certificate: next.certificate }) },
  ];

  it('the host trusts the next one because the present one endorsed it, comes back to say so, and follows', async () => {
    const { collector, link } = await started({ dates: FRESH }, await startCollector({ authority: present }));
    const told = await greeted(collector, { heartbeatSeconds: 600 });
    expect((await told.hello).authorities).toHaveLength(1);
    expect(await told.next()).toMatchObject({ type: 'policyRequest' });
    told.send({ type: 'policyFile', name: 'timestamp.json', found: false, content: new Uint8Array(0) });
    told.send({ type: 'authorities', authorities: named });
    expect(await link.event('authorities')).toMatchObject({ count: 2 });
    // Within ten minutes: a whole fleet that was told at once must not come in one second.
    await link.clock.sleeping(3);
    await link.clock.advance(10 * 60_000);
    expect((await link.event('disconnected')).error.details).toEqual({ comingBack: true });
    const { peer: early } = await comesBack(collector, link);
    expect((await early.hello).authorities).toHaveLength(2);

    // Long before it is due: its certificate is not one of the newest authority.
    const { csr } = await nextOf(early, 'renewalRequest');
    early.send({ type: 'renewal', certificate: certify(csr, next) });
    const { peer: back } = await comesBack(collector, link);
    await link.event('connected');
    expect(isIssuedBy(back.certificate, next)).toBe(true);
    await link.stop();
    await collector.close();

    // The collector proves itself under the next one too: nobody needs the first one any more.
    const moved = await startCollector({ authority: next });
    const host = await startLink(moved, { identity: link.identity });
    const last = await greeted(moved);
    last.send({ type: 'authorities', authorities: named.slice(1) });
    expect(await host.event('authorities')).toMatchObject({ count: 1 });
    expect(await file(host, 'authority.crt')).toBe(next.certificate);
  });

  it('a collector that goes on issuing under the old one is asked once a day, not in a circle', async () => {
    const identity = await identityFolder(present, {
      dates: FRESH,
      files: { 'authority.crt': present.certificate + next.certificate },
    });
    const collector = await startCollector({ authority: present, server: next });
    const link = await startLink(collector, { identity });
    const first = await greeted(collector);
    const { csr } = await nextOf(first, 'renewalRequest');
    first.send({ type: 'renewal', certificate: certify(csr, present) });

    for (const passed of [0, HOUR_MS, 22 * HOUR_MS]) {
      const { peer } = await comesBack(collector, link);
      await link.event('connected');
      await worksWithoutRenewal(link, peer);
      peer.socket.terminate();
      await link.event('disconnected');
      await link.clock.advance(passed);
    }
    const { peer } = await comesBack(collector, link);
    await link.event('connected');
    await worksWithoutRenewal(link, peer);
    peer.socket.terminate();
    await link.event('waiting');
    await link.clock.advance(2 * HOUR_MS);

    await nextOf(await greeted(collector), 'renewalRequest');
  });

  it('an authority that nobody endorsed changes nothing, is told, and ends nothing', async () => {
    const { collector, link } = await started({ dates: FRESH }, await startCollector({ authority: present }));
    const peer = await greeted(collector);
    const stranger = makeAuthority('stranger');
    const lie = {
      certificate: stranger.certificate,
      ...endorse({ endorser: stranger, certificate: stranger.certificate }),
    };
    peer.send({ type: 'authorities', authorities: [...named.slice(0, 1), lie] });

    expect((await link.event('problem')).error.code).toBe('AUTHORITY_UNKNOWN');
    expect(await file(link, 'authority.crt')).toBe(present.certificate);
    await link.outbox.add(message('goes on'));
    await nextOf(peer, 'durable');
  });
});

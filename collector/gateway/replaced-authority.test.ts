import { once } from 'node:events';
import { connect as tlsConnect } from 'node:tls';
import { systemRandom } from '@selvage/shared/random.ts';
import { CONNECT_PATH } from '@selvage/shared/wire/wire.ts';
import { describe, expect, it } from 'vitest';
import { makeAuthority, makeServerIdentity } from '../enrollment/authorities.ts';
import { forged, identityLabs } from './testing/identity-lab.ts';

const lab = identityLabs('replaced-authority');

describe('when the authority of hosts has been replaced because somebody else has its key', () => {
  it('a socket whose handshake was before that opens nothing with a certificate of the old one', async () => {
    const { enroll, gateway, hosts, clock, record } = await lab();
    const host = await enroll('web-1');
    const socket = tlsConnect({ port: gateway.port, host: '127.0.0.1', ca: hosts.certificate, ...forged(host, hosts) });
    await once(socket, 'secureConnect');
    const at = { now: clock.now(), random: systemRandom };
    const next = makeAuthority('hosts', at);
    gateway.secure({ ...makeServerIdentity(next, ['127.0.0.1'], at), hostsAuthority: next.certificate });

    const upgrade = ['Upgrade: websocket', 'Connection: Upgrade', 'Sec-WebSocket-Version: 13'];
    const key = `Sec-WebSocket-Key: ${Buffer.alloc(16).toString('base64')}`;
    socket.write([`GET ${CONNECT_PATH} HTTP/1.1`, 'Host: 127.0.0.1', ...upgrade, key, '', ''].join('\r\n'));
    const [answer] = await once(socket, 'data');

    expect(String(answer)).toMatch(/^HTTP\/1\.1 401.*Selvage-Code: CERTIFICATE_INVALID/s);
    expect((await record(host)).quarantine).toBeNull();
    socket.destroy();
  });
});

// The rooms of a collector together: what one does is felt in the others. A host enrolls over the real gateway.
import { once } from 'node:events';
import { silentLog } from '@selvage/shared/log/log.ts';
import { createRequest, runnerProofMessage } from '@selvage/shared/pki/csr.ts';
import { firstContact, postJson } from '@selvage/shared/pki/first-contact.ts';
import { generateKey, signBytes } from '@selvage/shared/pki/keys.ts';
import { systemRandom } from '@selvage/shared/random.ts';
import { fakeClock } from '@selvage/shared/testing/fake-clock.ts';
import {
  CONNECT_PATH,
  type CollectorFrame,
  decodeCollectorFrame,
  encodeAgentFrame,
} from '@selvage/shared/wire/wire.ts';
import { describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { type CollectorLab, collectorLab, type Running } from './cli/testing/collector-lab.ts';
import { homeAt, readSettings } from './home.ts';
import { serve } from './serve.ts';

async function connectedHost(lab: CollectorLab, running: Running, name: string) {
  const { token } = (await lab.run(['token', 'create', '--host', name, '--json'])).json<{ token: string }>();
  const { authority } = await firstContact({ url: running.gateway, pin: running.gatewayPin });
  const [host, runner] = [generateKey(), generateKey()];
  const csr = createRequest({ commonName: name, privateKey: host.privateKey });
  const runnerProof = Buffer.from(signBytes(runnerProofMessage(csr), runner.privateKey)).toString('base64');
  const body = { token, name, csr, machineId: 'm', mode: 'observe', runnerKey: runner.publicKey, runnerProof };
  const answer = (await postJson({ url: running.gateway, path: '/v1/enroll', authority, body })) as {
    certificate: string;
  };
  const socket = new WebSocket(`${running.gateway}${CONNECT_PATH}`, {
    ...{ ca: authority, key: host.privateKey, cert: answer.certificate, perMessageDeflate: false },
  });
  const frames: CollectorFrame[] = [];
  let heard: () => void = () => undefined;
  socket.on('message', (data: Buffer) => {
    frames.push(decodeCollectorFrame(data));
    heard();
  });
  await once(socket, 'open');
  const hello = {
    type: 'hello',
    versions: [1],
    agentVersion: '0.1.0',
    machineId: 'm',
    mode: 'observe',
    authorities: [],
    now: '',
    understands: [],
  } as const;
  socket.send(encodeAgentFrame({ ...hello, streams: [] }));
  const until = async (type: CollectorFrame['type']) => {
    for (;;) {
      const found = frames.find((frame) => frame.type === type);
      if (found) return found;
      await new Promise<void>((resolve) => {
        heard = resolve;
      });
    }
  };
  await until('welcome');

  return { socket, until, closed: once(socket, 'close'), identity: { key: host.privateKey, cert: answer.certificate } };
}

const POLICY = `kind: Window
name: nights
days: [mon]
start: "01:00"
for: 3h
timezone: host
`;

describe('when a host is connected', () => {
  it('new policy is announced to it, and revoking it closes the connection at once', async () => {
    const lab = collectorLab();
    await lab.init();
    const running = await lab.serve();
    const host = await connectedHost(lab, running, 'web-1');
    expect((await lab.run(['host', 'list'])).stdout).toMatch(/^web-1 +\? +observe +up /m);

    await lab.run(['policy', 'push', lab.file('p.yaml', POLICY)]);
    expect(await host.until('policyAvailable')).toMatchObject({ timestampVersion: expect.any(BigInt) });

    await lab.run(['host', 'revoke', 'web-1']);
    const [, reason] = await host.closed;
    expect(String(reason)).toBe('HOST_REVOKED');
    expect((await lab.run(['host', 'list', '--all'])).stdout).toMatch(/^web-1 .*revoked/m);
    await running.stop();
  });

  it('what it says it holds is in status, and the way back that status names ends it', async () => {
    const lab = collectorLab();
    await lab.init();
    const running = await lab.serve();
    const host = await connectedHost(lab, running, 'web-1');
    const roles = [
      { role: 'policy', version: 7n },
      { role: 'root', version: 1n },
    ];
    host.socket.send(encodeAgentFrame({ type: 'policyHeld', roles, problem: 'POLICY_ROLLED_BACK' }));
    host.socket.send(encodeAgentFrame({ type: 'ping', nonce: 1n }));
    await host.until('pong');
    const { exit, stdout } = await lab.run(['status']);
    expect(exit).toBe(0);
    expect(stdout).toMatch(
      /^CRITICAL {2}1 hosts have accepted up to version 7 of policy; this collector has 1 \(web-1\)\n/,
    );
    expect(stdout).toContain('  next:  selvage policy recover, on the machine of the admin who pushed last\n');

    const asked = await lab.run(['policy', 'recover']);
    expect(asked.stdout).toMatch(/^hosts hold version 7 of policy; neither the collector nor this machine has it\n/);
    expect((await lab.run(['status'])).stdout).toContain('have accepted up to version');
    const signed = await lab.run(['policy', 'recover', '--sign-above']);
    expect(signed.stdout).toBe('signed policy anew as version 8\n');
    expect((await lab.run(['status'])).stdout).not.toContain('have accepted up to version');
    host.socket.terminate();
    await running.stop();
  });

  it('its certificate opens nothing on the port for admins', async () => {
    const lab = collectorLab();
    await lab.init();
    const running = await lab.serve();
    const { identity, socket } = await connectedHost(lab, running, 'web-1');
    const { authority } = await firstContact({ url: running.api, pin: running.apiPin });

    await expect(
      postJson({ url: running.api, path: '/v1/tokens', authority, body: { host: 'x' }, ...identity }),
    ).rejects.toMatchObject({ code: 'CERTIFICATE_INVALID' });
    socket.terminate();
    await running.stop();
  });
});

describe('when a collector runs for long', () => {
  it('the timestamp is signed anew before half of its day is over, and hosts hear of it', async () => {
    const lab = collectorLab();
    await lab.init();
    const home = homeAt(lab.home);
    const clock = fakeClock(Temporal.Now.instant().toString());
    const served = await serve(await readSettings(home), { home, clock, random: systemRandom, log: silentLog });
    const changed = new Promise((resolve) => {
      served.events.subscribe((event) => event.type === 'policy.changed' && resolve(event));
    });
    for (let hour = 0; hour < 13; hour++) {
      await clock.sleeping(1);
      await clock.advance(3_600_000);
    }

    expect(await changed).toMatchObject({ type: 'policy.changed' });
    const closing = served.close();
    await clock.advance(60_000);
    await closing;
  });
});

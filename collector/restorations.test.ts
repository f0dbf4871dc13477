// A collector restored from a backup has forgotten what it issued since: hosts and admins go on with it all the same.
import type { Sha256 } from '@selvage/shared/model/ids.ts';
import { fingerprint } from '@selvage/shared/pki/certificate.ts';
import { createRequest, runnerProofMessage } from '@selvage/shared/pki/csr.ts';
import { firstContact, postJson } from '@selvage/shared/pki/first-contact.ts';
import { generateKey, signBytes } from '@selvage/shared/pki/keys.ts';
import { systemClock } from '@selvage/shared/time/clock.ts';
import { describe, expect, it } from 'vitest';
import { collectorLab } from './cli/testing/collector-lab.ts';
import { helloOf, type Machine, machineIdOf } from './gateway/testing/identity-lab.ts';
import { dial } from './gateway/testing/world.ts';
import { isInForgottenTime } from './restorations.ts';

const MINUTE_MS = 60_000;

describe('when a collector was restored from a backup', () => {
  it('a host that was renewed after the backup goes on, and its certificate before is one of a copy', async () => {
    const lab = collectorLab();
    await lab.init();
    let running = await lab.serve();
    const { token } = (await lab.run(['token', 'create', '--host', 'web-1', '--json'])).json<{ token: string }>();
    const { authority } = await firstContact({ url: running.gateway, pin: running.gatewayPin });
    const [keys, runner, later] = [generateKey(), generateKey(), generateKey()];
    const csr = createRequest({ commonName: 'web-1', privateKey: keys.privateKey });
    const runnerProof = Buffer.from(signBytes(runnerProofMessage(csr), runner.privateKey)).toString('base64');
    const who = { token, name: 'web-1', csr, machineId: machineIdOf('a'), mode: 'observe' };
    const body = { ...who, runnerKey: runner.publicKey, runnerProof };
    const answer = (await postJson({ url: running.gateway, path: '/v1/enroll', authority, body })) as {
      hostId: Machine['id'];
      certificate: string;
    };
    const host = { id: answer.hostId, name: 'web-1', machineId: machineIdOf('a'), key: keys.privateKey };
    const first: Machine = { ...host, cert: answer.certificate };
    const connect = async (machine: Machine) => {
      const client = await dial({ url: running.gateway }, { certificate: authority, privateKey: '' }, machine);
      client.send(helloOf(machine, { authorities: [fingerprint(authority)] as Sha256[] }));

      return { ...client, first: await client.next() };
    };
    expect((await lab.run(['backup', `${lab.home}-backup`])).exit).toBe(0);

    const client = await connect(first);
    // Certificates count whole seconds: one of the same second is not newer.
    await systemClock.sleep(1100);
    client.send({ type: 'renewalRequest', csr: createRequest({ commonName: 'x', privateKey: later.privateKey }) });
    const frame = await client.next();
    if (frame.type !== 'renewal') throw new Error(`a frame ${frame.type}`);
    const second: Machine = { ...host, key: later.privateKey, cert: frame.certificate };
    expect((await connect(second)).first).toMatchObject({ type: 'welcome' });
    await running.stop();
    expect(await lab.run(['restore', `${lab.home}-backup`])).toMatchObject({ exit: 0, stderr: '' });

    running = await lab.serve();
    expect((await connect(second)).first).toMatchObject({ type: 'welcome' });
    expect((await connect(first)).first).toMatchObject({ type: 'problem', code: 'CERTIFICATE_SUPERSEDED' });
    await running.stop();
    await lab.withStore(async (store) => {
      const actions = (await store.read.audit.after(0, 1000)).map(({ action }) => action);
      expect(actions).toEqual(expect.arrayContaining(['collector.restored', 'host.adopted', 'host.quarantined']));
    });
  });

  it('a token that was used after the backup makes no host a second time, and an open one none at all', async () => {
    const lab = collectorLab();
    await lab.init();
    let running = await lab.serve();
    const tokenFor = async (name: string) =>
      (await lab.run(['token', 'create', '--host', name, '--json'])).json<{ token: string }>().token;
    const enroll = async (token: string, name: string) => {
      const { authority } = await firstContact({ url: running.gateway, pin: running.gatewayPin });
      const [keys, runner] = [generateKey(), generateKey()];
      const csr = createRequest({ commonName: name, privateKey: keys.privateKey });
      const runnerProof = Buffer.from(signBytes(runnerProofMessage(csr), runner.privateKey)).toString('base64');
      const who = { token, name, csr, machineId: machineIdOf('a'), mode: 'observe' };
      const body = { ...who, runnerKey: runner.publicKey, runnerProof };

      return postJson({ url: running.gateway, path: '/v1/enroll', authority, body });
    };
    const [spent, open] = [await tokenFor('web-1'), await tokenFor('web-2')];
    expect((await lab.run(['backup', `${lab.home}-backup`])).exit).toBe(0);
    await enroll(spent, 'web-1');
    await running.stop();
    const { stdout } = await lab.run(['restore', `${lab.home}-backup`]);
    expect(stdout).toContain('revoke them first');

    running = await lab.serve();
    await expect(enroll(spent, 'web-1')).rejects.toMatchObject({ code: 'TOKEN_REVOKED' });
    await expect(enroll(open, 'web-2')).rejects.toMatchObject({ code: 'TOKEN_REVOKED' });
    expect(await enroll(await tokenFor('web-1'), 'web-1')).toMatchObject({ name: 'web-1' });
    await running.stop();
  });

  it('the time that is forgotten is from the backup to the restoration, and no other', () => {
    const restorations = [{ from: 100 * MINUTE_MS, until: 200 * MINUTE_MS }];
    // Certificates are dated back by ten minutes.
    const isForgotten = (issued: number) => isInForgottenTime((issued - 10) * MINUTE_MS, restorations);

    expect([99, 100, 150, 200, 201].map(isForgotten)).toEqual([false, true, true, true, false]);
    expect(isInForgottenTime(150 * MINUTE_MS, [])).toBe(false);
  });
});

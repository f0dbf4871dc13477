// A collector that was restored from a backup, and the short way back: from the machine of an admin, by what hosts say.
import { cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { createSigningKey } from '@selvage/shared/policy/keys.ts';
import { MAX_VERSION_LEAD } from '@selvage/shared/policy/limits.ts';
import { adminKeysOf } from '@selvage/shared/policy/rotate.ts';
import { addSignature, changeAdmins, changeDocuments, createRepository } from '@selvage/shared/policy/sign.ts';
import { patchPolicySample, windowSample } from '@selvage/shared/policy/testing/sample-documents.ts';
import { temporaryFolder } from '@selvage/shared/testing/temporary-folder.ts';
import { systemClock } from '@selvage/shared/time/clock.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ApiLab, apiLab } from '../api/testing/api-lab.ts';
import { homeAt } from '../home.ts';
import { main } from '../main.ts';
import { initializePolicy } from '../policy/initialize.ts';
import { createPolicyRepository, type PolicyRepository } from '../policy/repository.ts';
import { adminSample } from '../store/samples.ts';
import { AdminFolder } from './admin-folder.ts';
import { aboveHeld } from './recovery.ts';
import { type CollectorLab, collectorLab, type Running } from './testing/collector-lab.ts';

const windowOf = (name: string) =>
  `kind: Window\nname: ${name}\ndays: [mon, tue]\nstart: "01:00"\nfor: 3h\ntimezone: host\n`;

describe('when a collector is restored from a backup', () => {
  let lab: CollectorLab;
  let running: Running;
  const backup = join(temporaryFolder('backup'), 'collector');
  let minutes = 0;
  /** A restore takes a minute; versions of snapshot and timestamp hold the time. */
  const clock = { ...systemClock, now: () => systemClock.now().add({ minutes }) };
  const names = async () =>
    (await lab.run(['policy', 'get', '--json']))
      .json<{ documents: { name: string }[] }>()
      .documents.map(({ name }) => name)
      .toSorted();
  const push = async (name: string) => {
    const { exit, stderr } = await lab.run(['policy', 'push', lab.file(`${name}.yaml`, windowOf(name))]);

    expect([exit, stderr]).toEqual([0, '']);
  };
  const restore = async () => {
    await running.stop();
    minutes += 1;
    const { folder } = homeAt(lab.home).collector;
    rmSync(folder, { recursive: true });
    cpSync(backup, folder, { recursive: true });
    running = await lab.serve();
  };
  beforeAll(async () => {
    lab = collectorLab(clock);
    await lab.init();
    running = await lab.serve();
    await push('before');
    await running.stop();
    cpSync(homeAt(lab.home).collector.folder, backup, { recursive: true });
    running = await lab.serve();
  });
  afterAll(() => running.stop());

  it('the admin is told, brings back what was signed since, and everything goes on', async () => {
    await push('after');
    await restore();
    const { exit, stderr } = await lab.run(['policy', 'get']);
    expect([exit, stderr]).toEqual([3, expect.stringContaining('POLICY_ROLLED_BACK')]);
    expect(stderr).toContain('next: was the collector restored from a backup? then: selvage policy recover');

    const recovered = await lab.run(['policy', 'recover', '--json']);
    expect([recovered.exit, recovered.stderr]).toEqual([0, '']);
    expect(recovered.json()).toEqual({
      broughtBack: ['3.policy.json'],
      differs: [],
      signedAbove: [],
      hostsHoldMore: [],
    });
    expect(await names()).toEqual(['after', 'before']);
    await push('later');
    expect((await lab.run(['policy', 'recover'])).stdout).toContain('has lost nothing known here');
  });

  it('rotations that the backup does not know come back too, also those of the online keys', async () => {
    await restore();
    for (const command of ['policy recover', 'key rotate', 'key rotate-online']) {
      const { exit, stderr } = await lab.run(command.split(' '));
      expect([command, exit, stderr]).toEqual([command, 0, '']);
    }
    await push('much-later');
    await restore();
    const { exit, stderr } = await lab.run(['policy', 'push', lab.file('x.yaml', windowOf('x'))]);
    expect([exit, stderr]).toEqual([3, expect.stringContaining('selvage policy recover')]);

    // It may be the one that was stolen, which is why the keys were replaced: no root is signed for it unasked.
    const ledger = async () => (await lab.run(['status', '--json'])).json<{ audit: object }>().audit;
    const before = await ledger();
    const unasked = await lab.run(['policy', 'recover']);
    expect([unasked.exit, unasked.stderr]).toEqual([3, expect.stringContaining('--new-online-keys')]);
    expect(await ledger()).toEqual(before);

    const recovered = await lab.run(['policy', 'recover', '--new-online-keys']);
    expect([recovered.exit, recovered.stderr]).toEqual([0, '']);
    expect(recovered.stdout).toContain('brought back 2.root.json');
    expect(await names()).toContain('much-later');
    await push('in-the-end');
    const keys = (await lab.run(['key', 'list', '--json'])).json<{ keys: { here: boolean; counts: boolean }[] }>();
    expect(keys.keys).toMatchObject([{ here: true, counts: true }]);
  });

  it('what was signed twice after a restore is said, and the collector keeps its own', async () => {
    const second = join(lab.home, 'second');
    cpSync(homeAt(lab.home).admin, homeAt(second).admin, { recursive: true });
    await running.stop();
    const { folder } = homeAt(lab.home).collector;
    const middle = join(temporaryFolder('middle'), 'collector');
    cpSync(folder, middle, { recursive: true });
    running = await lab.serve();
    await push('mine');
    await running.stop();
    minutes += 1;
    rmSync(folder, { recursive: true });
    cpSync(middle, folder, { recursive: true });
    running = await lab.serve();
    cpSync(join(homeAt(lab.home).admin, 'config.json'), join(homeAt(second).admin, 'config.json'));
    const theirs = await lab.run(['policy', 'push', lab.file('theirs.yaml', windowOf('theirs'))], { home: second });
    expect(theirs.exit).toBe(0);

    const { exit, stdout } = await lab.run(['policy', 'recover']);
    expect([exit, stdout]).toEqual([0, expect.stringContaining('policy: this version was signed twice')]);
    expect(await names()).toContain('theirs');
    expect(await names()).not.toContain('mine');
  });
});

describe('when hosts have seen more than any machine remembers', () => {
  const home = join(temporaryFolder('held'), 'home');
  let lab: ApiLab;
  let repository: PolicyRepository;
  let held: { role: string; version: number; hosts: string[] }[] = [];
  const run = async (...args: string[]) => {
    const text = { stdout: '', stderr: '' };
    const exit = await main(args, {
      env: { SELVAGE_HOME: home },
      stdout: { write: (more) => (text.stdout += more) },
      stderr: { write: (more) => (text.stderr += more) },
    });

    return { exit, ...text };
  };
  beforeAll(async () => {
    lab = await apiLab();
    const clock = lab.clock;
    const admin = createSigningKey();
    const online = { snapshot: createSigningKey(), timestamp: createSigningKey() };
    const parts = { store: lab.store, keys: online, clock };
    const first = createRepository({ admins: [admin], threshold: 1, signers: [admin], online, now: clock.now() });
    const root = await initializePolicy({ ...parts, proposal: first });
    repository = createPolicyRepository({ ...parts, events: lab.events });
    const { policy } = await repository.current();
    const put = [windowSample(), patchPolicySample()];
    await repository.push({
      ...changeDocuments({ current: policy, put, signers: [admin], now: clock.now() }),
      by: 'admin:ann',
    });
    const { current, push, proposeOnlineKeys } = repository;
    Object.assign(lab.deps.policy, { current, push, proposeOnlineKeys });
    Object.assign(lab.deps, { alarms: async () => ({ alarms: [], held: held.map((each) => ({ ...each, here: 0 })) }) });
    const identity = await lab.admin('ann', 'admin');
    const folder = new AdminFolder(join(home, 'admin'));
    await folder.save({
      config: { name: 'ann', url: `https://127.0.0.1:${lab.port}`, pin: 'sha256:a' },
      ...{ authority: lab.admins.certificate, certificate: identity.cert, privateKey: identity.key },
      root,
    });
    await folder.addSigningKey(admin);
  });
  afterAll(() => lab.close());

  it('nothing is signed above it unless the admin says so: the collector may only pretend', async () => {
    held = [{ role: 'policy', version: 9, hosts: ['web-1'] }];
    const before = (await repository.current()).policy.versions;
    const { exit, stdout } = await run('policy', 'recover');

    expect([exit, stdout]).toEqual([0, expect.stringContaining('selvage policy recover --sign-above')]);
    expect((await repository.current()).policy.versions).toEqual(before);
  });

  it('with --sign-above roles are signed above it, with the same documents', async () => {
    held = [{ role: 'policy', version: 9, hosts: ['web-1'] }];
    const { exit, stdout } = await run('policy', 'recover', '--sign-above');
    const { policy } = await repository.current();

    expect([exit, stdout]).toEqual([0, 'signed policy anew as version 10\n']);
    expect([policy.versions.policy, policy.documents.length]).toEqual([10, 2]);
  });

  it('a month of approvals that nobody has any more is left behind by new online keys', async () => {
    held = [{ role: 'approvals-2026-10', version: 2, hosts: ['web-1'] }];
    const before = (await repository.current()).policy;
    const { exit, stderr } = await run('policy', 'recover', '--sign-above');
    const { policy } = await repository.current();

    expect([exit, stderr]).toEqual([0, expect.stringContaining('approvals-2026-10 is lost')]);
    expect(policy.signed.root.roles.snapshot.keyids).not.toEqual(before.signed.root.roles.snapshot.keyids);
  });

  it('a host that lies moves nothing far, and a root is signed by nobody who has not its key', async () => {
    const before = (await repository.current()).policy.versions;
    held = [
      { role: 'policy', version: (before.policy ?? 0) + MAX_VERSION_LEAD, hosts: ['liar'] },
      { role: 'root', version: 40, hosts: ['liar'] },
    ];
    const { exit, stderr } = await run('policy', 'recover', '--sign-above');

    expect(exit).toBe(0);
    expect(stderr).toContain(`more than ${MAX_VERSION_LEAD} ahead: not believed`);
    expect(stderr).toContain('liar trust root 40: run this on the machine of the admin who made it');
    expect((await repository.current()).policy.versions).toEqual(before);
  });

  it('where several must sign it is refused plainly: it cannot wait for others', async () => {
    const { policy } = await repository.current();
    const own = adminKeysOf(policy.signed.root);
    const other = createSigningKey();
    const signing = await new AdminFolder(join(home, 'admin')).signingKey();
    if (!signing) throw new Error('the admin has a key');
    await lab.store.transaction(({ admins }) => admins.add(adminSample('bob', { keyId: other.keyId })));
    const signers = [signing];
    const now = lab.clock.now();
    const change = changeAdmins({ current: policy, admins: [...own, other], threshold: 2, signers, now });
    const { number } = await repository.offer({ ...change, note: '', by: 'admin:ann', proposal: null });
    const metadata = change.metadata.map((file) => addSignature(file, other));
    await repository.offer({ metadata, targets: [], note: '', by: 'admin:bob', proposal: number });
    const before = (await repository.current()).policy.versions;
    held = [{ role: 'policy', version: (before.policy ?? 0) + 3, hosts: ['web-1'] }];
    const { exit, stderr } = await run('policy', 'recover', '--sign-above');

    expect([exit, stderr]).toEqual([2, expect.stringContaining('NOT_BUILT: the policy needs 2 signatures')]);
    expect((await repository.current()).policy.versions).toEqual(before);
  });

  it('of what several hosts say the highest that is believed counts', () => {
    const versions = { root: 2, policy: 5, timestamp: 7 };
    const said = [
      { role: 'policy', version: 6, hosts: ['a'] },
      { role: 'policy', version: 8, hosts: ['b'] },
      { role: 'policy', version: 5 + MAX_VERSION_LEAD, hosts: ['c'] },
      { role: 'timestamp', version: 99, hosts: ['d'] },
    ];

    expect(aboveHeld(said, versions)).toMatchObject({ above: { policy: 8 }, beyond: [{ hosts: ['c'] }], missing: [] });
  });
});

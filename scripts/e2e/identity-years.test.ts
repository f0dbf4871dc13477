// An identity in two places, and the authority of hosts replaced, as an admin lives through it: the real commands, real
// agents in processes of their own, and a collector that is killed in the middle.
import { cpSync, rmSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { documentOf, succeeded } from '../lab/commands.ts';
import { waitFor } from '../lab/waiting.ts';
import { makeCollector, type RealCollector } from './testing/collector.ts';
import type { Daemon } from './testing/daemon.ts';
import { enroll, makeHost, type RealHost } from './testing/host.ts';

const DEADLINE_MS = 120_000;

interface Authorities {
  readonly phase: string;
  readonly authorities: readonly { trustedBy: number; issued: number; signs: boolean }[];
  readonly behind: readonly { name: string }[];
}

let collector: RealCollector;
let serving: Daemon;
const show = async (name: string) => succeeded(await collector.selvage(['host', 'show', name])).stdout;
const authority = (...args: readonly string[]) => collector.selvage(['authority', ...args, '--json']);
const status = async () => documentOf<Authorities>(await authority('list'));
const actions = async (name: string) =>
  (await collector.withStore((store) => store.read.audit.after(0, 1000)))
    .filter(({ details }) => details.name === name)
    .map(({ action }) => action);
beforeAll(async () => {
  collector = await makeCollector();
  serving = await collector.serve();
});

/** Connects until `wanted` is printed, and stops. */
async function connectUntil(host: RealHost, wanted: RegExp): Promise<void> {
  const agent = host.start(['connect']);
  await agent.line(wanted);
  await agent.kill('SIGTERM');
}

describe('when the disk of a host is copied to another machine', () => {
  let host: RealHost;
  let clone: RealHost;
  beforeAll(async () => {
    host = await makeHost({ name: 'db-1' });
    await enroll(collector, host);
    // Another machine id, the same files of the agent.
    clone = await makeHost({ name: 'db-1-copy' });
    rmSync(clone.stateDir, { recursive: true, force: true });
    cpSync(host.stateDir, clone.stateDir, { recursive: true });
    await clone.handOver();
  });

  it('both are stopped, and the admin sees both machines, where they were, and what to do', async () => {
    const agent = host.start(['connect']);
    await agent.line(/^connected to collector/);
    const told = agent.line(/^disconnected: HOST_QUARANTINED: /);
    await connectUntil(clone, /^disconnected: HOST_QUARANTINED: /);
    await told;
    await agent.kill('SIGTERM');
    await serving.line(/db-1 is quarantined \(cloned\)/);

    const page = await show('db-1');
    expect(page).toMatch(/^ {2}QUARANTINED {2}two machines use this identity/m);
    expect(page.match(/^ +machine [0-9a-f]{64}( \(enrolled\))?$/gm)).toHaveLength(2);
    expect(page).toMatch(/^ +from 127\.0\.0\.1, then 127\.0\.0\.1$/m);
    expect(page).toContain('selvage host readmit db-1 --machine ID');
    expect((await collector.selvage(['host', 'list'])).stdout).toMatch(/^db-1 .*quarantine/m);
    expect((await host.agent(['status'])).stdout).toMatch(/HOST_QUARANTINED/);
  });

  it('a readmission names the machine; that one renews and goes on, the other stays out and stops nobody', async () => {
    const vague = await collector.selvage(['host', 'readmit', 'db-1']);
    expect(vague).toMatchObject({ exitCode: 2, error: { code: 'REQUEST_INVALID' } });
    const [machine = ''] = /[0-9a-f]{64}(?= \(enrolled\))/.exec(await show('db-1')) ?? [];
    succeeded(await collector.selvage(['host', 'readmit', 'db-1', '--machine', machine.slice(0, 16)]));
    await connectUntil(clone, /^disconnected: HOST_QUARANTINED: /);

    const agent = host.start(['connect']);
    await waitFor(
      'the new certificate to be used',
      async () => ((await actions('db-1')).includes('host.superseded') ? true : null),
      DEADLINE_MS,
    );
    await connectUntil(clone, /^disconnected: CERTIFICATE_SUPERSEDED: /);
    expect(await show('db-1')).not.toContain('QUARANTINED');
    expect(await show('db-1')).toMatch(/^db-1 {3}active · connected/m);
    await agent.kill('SIGTERM');
    expect((await actions('db-1')).filter((action) => action !== 'host.enrolled')).toEqual([
      ...['host.quarantined', 'host.readmitted', 'host.knocked', 'host.renewed', 'host.superseded'],
    ]);
    succeeded(await collector.selvage(['host', 'revoke', 'db-1']));
  });
});

describe('when the authority of hosts is replaced', () => {
  let host: RealHost;
  /** The collector dies without a word, and comes back. */
  const crash = async () => {
    await serving.kill('SIGKILL');
    serving = await collector.serve();
  };
  beforeAll(async () => {
    host = await makeHost({ name: 'app-1' });
    await enroll(collector, host);
  });

  it('a host follows without anybody touching it, also when the collector dies after each step', async () => {
    await connectUntil(host, /^connected to collector/);
    succeeded(await authority('begin'));
    await crash();
    expect(await authority('switch')).toMatchObject({ exitCode: 2, error: { code: 'REQUEST_INVALID' } });

    // Told in its greeting; the next time it says so, and is renewed by the next authority.
    await connectUntil(host, /^2 authorities trusted from now on/);
    const follower = host.start(['connect']);
    await waitFor('it to follow', async () => ((await moved()) ? true : null), DEADLINE_MS);
    await follower.kill('SIGTERM');

    succeeded(await authority('switch'));
    await crash();
    await connectUntil(host, /^connected to collector/);
    succeeded(await authority('finish'));
    await crash();
    expect(await status()).toMatchObject({ phase: 'single', authorities: [{ trustedBy: 1, issued: 1, signs: true }] });
    await connectUntil(host, /^connected to collector/);
    expect(await show('app-1')).not.toMatch(/QUARANTINED|REFUSED/);
  });

  it('a new host enrolls with the pin of today, and not with the one before', async () => {
    const late = await makeHost({ name: 'app-2' });
    const { token } = documentOf<{ token: string }>(
      await collector.selvage(['token', 'create', '--host', 'app-2', '--json']),
    );
    const contact = ['--collector', collector.gateway, '--token', token, '--name', 'app-2'];
    expect(await late.agent(['enroll', ...contact, '--pin', collector.pin])).toMatchObject({
      error: { code: 'PIN_MISMATCH' },
    });
    await enroll(collector, late);
    await connectUntil(late, /^connected to collector/);
  });

  const moved = async () => {
    const { authorities, behind } = await status();

    return behind.length === 0 && authorities[1]?.issued === 1;
  };
});

// A stolen collector serves policy that admins did not sign like that, to a real agent on a system with the real apt: nothing
// new is installed, the host keeps reporting, and `selvage-agent status` says why. The same approval, well signed, installs.
import { join } from 'node:path';
import type { RunResult } from '@selvage/shared/model/result.ts';
import { type ApprovalDocument, type PolicyDocument, pathOf } from '@selvage/shared/policy/documents.ts';
import { approvalSample, patchPolicySample, windowSample } from '@selvage/shared/policy/testing/sample-documents.ts';
import { type SampleRepository, sampleRepository } from '@selvage/shared/policy/testing/sample-repository.ts';
import { needs } from '@selvage/shared/testing/needs.ts';
import { temporaryFolder } from '@selvage/shared/testing/temporary-folder.ts';
import { beforeAll, expect, it } from 'vitest';
import { documentOf, succeeded } from '../lab/commands.ts';
import { makeRepository } from '../lab/repository.ts';
import { makeSandbox, type Sandbox } from '../lab/sandbox.ts';
import { waitFor } from '../lab/waiting.ts';
import type { Daemon } from './testing/daemon.ts';
import { makeHost, type RealHost, run } from './testing/host.ts';
import { type HostileCollector, hostileCollector } from './testing/hostile-collector.ts';
import { idOf, prepareResults, report } from './testing/report.ts';

const PARTS = ['dpkg-deb', 'apt-ftparchive', 'gpg', 'gpgv', 'apt-get', 'busybox-static', 'unshare'] as const;
const DEADLINE_MS = 120_000;
const DAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;
const top = temporaryFolder('hostile-policy');

needs(PARTS, 'when a collector serves policy that admins did not sign so', () => {
  let policy: SampleRepository;
  let collector: HostileCollector;
  let host: RealHost;
  let sandbox: Sandbox;
  let agent: Daemon;
  /** What the admins meant, and what they had withdrawn before. */
  let good: ReadonlyMap<string, Uint8Array>;
  let withdrawn: ReadonlyMap<string, Uint8Array>;
  // Down: an approval of the next second would rightly not be due yet.
  const now = Temporal.Now.instant().round({ smallestUnit: 'second', roundingMode: 'floor' });

  beforeAll(async () => {
    const repository = await makeRepository({
      folder: join(top, 'archive'),
      run,
      packages: [{ name: 'widget', version: '2.0' }],
    });
    sandbox = await makeSandbox({
      folder: join(top, 'host'),
      run,
      repositories: [repository],
      installed: [{ name: 'widget', version: '1.0' }],
    });
    policy = sampleRepository({ now, admins: 2, threshold: 2 });
    policy.change({ put: [...documents(now), approve('urgent', now)] }, now);
    withdrawn = policy.copy();
    policy.change({ put: [approve('scheduled', now)], remove: [pathOf(approve('urgent', now))] }, now);
    good = policy.copy();
    collector = await hostileCollector(policy);
    host = await makeHost({ name: 'lab-1', folder: sandbox.folder });
    await collector.enroll(host);
    await prepareResults(host);
    agent = host.start(['connect']);
    await agent.line(/^policy \d+ mirrored/);
    expect(await pass()).toMatchObject([{ outcome: 'waiting', problem: { code: 'NOT_FETCHED' } }]);
    succeeded(await host.agent(['fetch']));
    expect(await pass()).toMatchObject([{ outcome: 'waiting', problem: { code: 'WINDOW_CLOSED' } }]);
  });

  const pass = async () => documentOf<{ results: RunResult[] }>(await host.runner(['run', '--json'])).results;
  const versionOf = async () => (await sandbox.versions()).get('widget');
  const stored = async () => (await collector.store.read.results.ofHost(idOf(host), 100)).length;
  const mirrored = () => agent.line(new RegExp(`^policy ${collector.announce()} mirrored`));

  const expectNothingNew = async (code: string) => {
    expect(await pass()).toEqual([]);
    expect(await versionOf()).toBe('1.0');
    // It is written beside what is printed.
    const status = async () => (await host.agent(['status'])).stdout;
    await expect.poll(status).toMatch(new RegExp(`^wrong {8}${code}: .+\\n +next: +\\S`, 'm'));
    // What was accepted before still stands.
    expect(await status()).toMatch(/^waits {8}widget 2\.0: window /m);

    const before = await stored();
    await report(host);
    await waitFor('a result to arrive', async () => ((await stored()) > before ? true : null), DEADLINE_MS);
    expect(agent.lines.filter((line) => line.startsWith('disconnected'))).toEqual([]);
  };

  it.each<[string, string, () => void]>([
    [
      'rolled back to an approval that was withdrawn, under a newer timestamp',
      'POLICY_ROLLED_BACK',
      () => {
        policy.restore(withdrawn);
        policy.publish({ metadata: [], targets: [] }, now);
      },
    ],
    ['older as a whole', 'POLICY_ROLLED_BACK', () => policy.restore(withdrawn)],
    ['expired', 'POLICY_EXPIRED', () => policy.change({ put: [approve('urgent', now)] }, now.subtract({ hours: 72 }))],
    [
      'signed by one admin of two',
      'POLICY_SIGNATURES',
      () => policy.change({ put: [approve('urgent', now)], signers: policy.admins.slice(0, 1) }, now),
    ],
    [
      'signed by the collector with its own keys',
      'POLICY_SIGNATURES',
      () => {
        const { snapshot, timestamp } = policy.online;
        policy.change({ put: [approve('urgent', now)], signers: [snapshot, timestamp] }, now);
      },
    ],
  ])('%s: it is refused', async (_what, code, attack) => {
    policy.restore(good);
    attack();
    await mirrored();

    await expectNothingNew(code);
  });

  it('of which the files are not those that it names: the copy stays as it was, and that is said too', async () => {
    policy.restore(good);
    policy.publish({ metadata: [], targets: [] }, now);
    for (const name of policy.contents.keys()) {
      if (name.endsWith('.snapshot.json')) policy.contents.set(name, new TextEncoder().encode('{"signed":{}}'));
    }
    collector.announce();
    await agent.line(/^problem POLICY_INVALID: /);

    await expectNothingNew('POLICY_INVALID');
  });

  it('and the same approval, signed by both admins, is installed', async () => {
    policy.restore(good);
    policy.change({ put: [approve('urgent', now)] }, now);
    await mirrored();

    expect(await pass()).toContainEqual(expect.objectContaining({ outcome: 'installed', problem: null }));
    expect(await versionOf()).toBe('2.0');
    expect((await host.agent(['status'])).stdout).not.toContain('POLICY_');
  });
});

/** The window of the scheduled lane opens in two days. */
function documents(now: Temporal.Instant): readonly PolicyDocument[] {
  const day = DAYS[now.toZonedDateTimeISO('UTC').add({ days: 2 }).dayOfWeek - 1] ?? 'mon';
  const lane = { approve: 'manual' as const, delay: '0h', rings: [{ rest: true as const }] };

  return [
    windowSample({ days: [day], start: '12:00', for: '1h', timezone: 'UTC' }),
    patchPolicySample({
      allow: { from: ['security', 'updates', 'point-release'] },
      lanes: { scheduled: { ...lane, window: 'weekday-nights' }, urgent: { ...lane, window: 'any' } },
    }),
  ];
}

function approve(lane: 'scheduled' | 'urgent', now: Temporal.Instant): ApprovalDocument {
  return approvalSample({
    name: `linux-servers.widget-${lane}`,
    lane,
    fix: { provider: 'apt', source: 'widget', version: '2.0' },
    packages: [{ name: 'widget', version: '2.0', arch: 'all' }],
    // The latest decision about a fix counts: if the urgent one were accepted, it would be it.
    approvedAt: (lane === 'urgent' ? now : now.subtract({ minutes: 1 })).toString(),
    expires: now.add({ hours: 48 }).toString(),
  });
}

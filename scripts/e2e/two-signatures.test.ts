// Two admins on machines of their own, a real collector over TLS and a real agent: what one of them has signed binds no host, not even
// when the collector publishes it; the same bytes with both signatures do.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { sha256 } from '@selvage/shared/files/canonical.ts';
import { decodeDocuments } from '@selvage/shared/policy/decode.ts';
import { pathOf } from '@selvage/shared/policy/documents.ts';
import type { RoleFile } from '@selvage/shared/policy/online.ts';
import { documentBytes } from '@selvage/shared/policy/sign.ts';
import { needs } from '@selvage/shared/testing/needs.ts';
import { temporaryFolder } from '@selvage/shared/testing/temporary-folder.ts';
import { beforeAll, expect, it } from 'vitest';
import { openKeyring } from '../../collector/policy/keyring.ts';
import { lastRootOf, onlineBefore } from '../../collector/policy/next.ts';
import { snapshotOf } from '../../collector/policy/online-files.ts';
import { readStored } from '../../collector/policy/stored.ts';
import type { Store } from '../../collector/store/ports.ts';
import { documentOf, succeeded } from '../lab/commands.ts';
import { makeCollector, type RealCollector, type TokenDocument } from './testing/collector.ts';
import type { Daemon } from './testing/daemon.ts';
import { enroll, makeHost, type RealHost } from './testing/host.ts';

interface Handed {
  readonly timestampVersion: number | null;
  readonly waits: { readonly proposal: number; readonly have: number; readonly from: readonly string[] } | null;
}

const SETUP_DEADLINE_MS = 240_000;
const POLICY = `kind: Window
name: nights
days: [mon, tue, wed, thu, fri, sat, sun]
start: "01:00"
for: 3h
timezone: UTC
---
kind: PatchPolicy
name: servers
select: tier=e2e
allow: { from: [security, updates, point-release] }
lanes:
  scheduled: { approve: manual, delay: 0h, window: nights, rings: [{ rest: true }] }
`;

needs(['unshare'], 'when two admins must sign', () => {
  const folder = temporaryFolder('two-signatures');
  const file = join(folder, 'policy.yaml');
  let collector: RealCollector;
  let host: RealHost;
  let agent: Daemon;
  let waiting: string;

  const ann = async <T>(...args: readonly string[]) => documentOf<T>(await collector.selvage([...args, '--json']));
  const bob = (...args: readonly string[]) => collector.selvage(args, join(folder, 'bob'));
  const bobSigns = async (number: string) => {
    const { seen } = documentOf<{ seen: string }>(await bob('policy', 'sign', number, '--json'));

    return documentOf<Handed>(await bob('policy', 'sign', number, '--seen', seen, '--json'));
  };
  /** What the agent has mirrored is verified by its other half. */
  const status = async () => {
    documentOf(await host.runner(['run', '--json']));

    return (await host.agent(['status'])).stdout;
  };

  beforeAll(async () => {
    collector = await makeCollector();
    await collector.serve();
    mkdirSync(join(folder, 'bob'), { mode: 0o700 });
    const { token, pin, collector: url } = await ann<TokenDocument>('admin', 'add', 'bob');
    const contact = ['--collector', url, '--pin', pin, '--token', token, '--name', 'bob'];
    const { stdout } = succeeded(await bob('login', ...contact));
    const [, key = ''] = /key trust ([0-9a-f]{64})/.exec(stdout) ?? [];
    succeeded(await collector.selvage(['key', 'trust', key]));
    const asked = succeeded(await collector.selvage(['key', 'threshold', '2'])).stdout;
    expect(asked).toContain('proposal 1 waits: 1 of 2 signatures, needs one of: bob');
    await bobSigns('1');
    host = await makeHost({ name: 'lab-1' });
    await enroll(collector, host);
    agent = host.start(['connect']);
    await agent.line(/^policy \d+ mirrored/);
  }, SETUP_DEADLINE_MS);

  it('what one has signed waits, and no host hears of it', async () => {
    writeFileSync(file, POLICY);
    const { timestampVersion, waits } = await ann<Handed>('policy', 'push', file);

    expect(timestampVersion).toBeNull();
    expect(waits).toMatchObject({ have: 1, from: ['bob'] });
    waiting = `${waits?.proposal}`;
    expect(await status()).not.toContain('nights');
  });

  it('published by hand with one signature it is refused by the host', async () => {
    const honest = await collector.withStore((store) => store.read.policy.file('timestamp.json'));
    const version = await collector.withStore((store) => publishByHand(collector, store, Number(waiting)));
    // Nobody announces it: a new connection finds it.
    await agent.kill('SIGTERM');
    agent = host.start(['connect']);
    await agent.line(new RegExp(`^policy ${version} mirrored`));
    const refused = await status();

    expect(refused).toMatch(/^wrong {8}POLICY_SIGNATURES: .+\n +next: +\S/m);
    expect(refused).not.toContain('nights');
    // As if it had never been.
    await collector.withStore((store) =>
      store.transaction(async ({ policy }) => {
        const content = honest ?? new Uint8Array();
        await policy.put([{ name: 'timestamp.json', sha256: sha256(content), content }], version);
      }),
    );
  });

  it('with the second signature it is in force on the host', async () => {
    const { timestampVersion } = await bobSigns(waiting);
    expect(timestampVersion).not.toBeNull();
    await agent.line(new RegExp(`^policy ${timestampVersion} mirrored`));
    const accepted = await status();

    expect(accepted).toMatch(/^next window {2}nights /m);
    expect(accepted).toMatch(/^mode {9}managed, by servers$/m);
    expect(accepted).not.toContain('POLICY_');
    expect(await ann<{ proposals: unknown[] }>('policy', 'proposals', '--select', `number=${waiting}`)).toMatchObject({
      proposals: [{ outcome: 'signed', closedBy: 'admin:bob' }],
    });
  });
});

/** What a thief of the collector can do: its own keys date what waits, whoever has signed it. The timestamp version. */
async function publishByHand({ home }: RealCollector, store: Store, proposal: number): Promise<number> {
  const stored = await readStored(store.read.policy);
  const record = await store.read.proposals.byNumber(proposal);
  const keys = stored && (await openKeyring(home.collector.onlineKeys)).of(lastRootOf(stored));
  if (!stored || !keys || !record) throw new Error('the collector has a policy, its keys and a proposal');
  const files = (await store.read.proposals.files(proposal)).map(({ name, content }) => ({
    ...{ name, bytes: new TextEncoder().encode(content) },
    role: name.replace(/^\d+\./, '').replace(/\.json$/, ''),
    version: Number.parseInt(name, 10),
  }));
  const roles = new Map<string, RoleFile>([...stored.roles, ...files].map((each) => [each.role, each]));
  const online = snapshotOf(keys, onlineBefore(stored), [...roles.values()], Temporal.Now.instant());
  const documents = decodeDocuments(record.documents).map((one) => ({ name: pathOf(one), bytes: documentBytes(one) }));
  const all = [...files, ...documents, ...online.files];
  await store.transaction(({ policy }) =>
    policy.put(
      all.map(({ name, bytes }) => ({ name, sha256: sha256(bytes), content: bytes })),
      stored.timestamp.version,
    ),
  );

  return online.timestampVersion;
}

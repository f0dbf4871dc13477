// One host, its real apt and dpkg, a real collector: what somebody else changes is named with its actor, what Selvage installs is not
// among it, and what no log tells of is seen all the same.
import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { createRun } from '@selvage/shared/exec/run.ts';
import { needs } from '@selvage/shared/testing/needs.ts';
import { temporaryFolder } from '@selvage/shared/testing/temporary-folder.ts';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { fetch, pass } from '../lab/asking.ts';
import { FIX_ID, NEW_WIDGET, OLD_WIDGET, POLICY, policyDocuments, WINDOW_NOW } from '../lab/cast.ts';
import { documentOf, succeeded } from '../lab/commands.ts';
import { buildDeb } from '../lab/deb.ts';
import { type LabHost, type Stage, setStage } from '../lab/stage.ts';
import { collector } from '../lab/steps/collector.ts';
import { waitFor } from '../lab/waiting.ts';

const PARTS = ['apt-ftparchive', 'apt-get', 'busybox-static', 'dpkg-deb', 'gpg', 'gpgv', 'unshare'] as const;
const DEADLINE_MS = 120_000;
/** A user whom every system knows: apt asks for the name. */
const NOBODY = { uid: '65534', asked: 'nobody (65534)' };

interface Outside {
  readonly hosts: readonly {
    readonly name: string;
    readonly transactions: number;
    readonly last: {
      readonly actor: string | null;
      readonly source: string;
      readonly since: string | null;
      readonly packages: readonly object[];
    };
  }[];
}
interface History {
  readonly events: readonly { readonly kind: string; readonly origin: string; readonly source: string | null }[];
}

needs(PARTS, 'a host that others change too', () => {
  let stage: Stage;
  let host: LabHost;

  /** An inventory has arrived; what is made of it follows by itself. */
  const report = async () => succeeded(await host.agent(['connect', '--once']));
  const outside = async () =>
    documentOf<Outside>(await stage.selvage(['host', 'list', '--changed-outside', '1h', '--json']));
  const counted = (transactions: number) => {
    let seen: Outside | null = null;

    return waitFor(
      `${transactions} changes outside Selvage`,
      async () => {
        seen = await outside();

        return seen.hosts[0]?.transactions === transactions ? seen : null;
      },
      DEADLINE_MS,
      () => seen,
    );
  };

  beforeAll(async () => {
    const folder = temporaryFolder('changed-outside');
    chmodSync(folder, 0o755);
    stage = await setStage(createRun(process.env), folder, Temporal.Now.instant());
    await collector.play(stage);
    const [first] = stage.hosts;
    if (first === undefined) throw new Error('the lab has no host');
    host = first;
    const token = documentOf<{ token: string; collector: string; pin: string }>(
      await stage.selvage(['token', 'create', '--host', host.name, '--json']),
    );
    const contact = ['--collector', token.collector, '--pin', token.pin, '--token', token.token];
    succeeded(await host.agent(['enroll', ...contact, '--name', host.name]));
    await report();
  }, 2 * DEADLINE_MS);

  afterAll(() => stage?.clear(), DEADLINE_MS);

  it(
    'somebody with apt is named, with what they did',
    async () => {
      // What dpkg did before the enrollment is history, and nobody is asked about it.
      expect(await outside()).toMatchObject({ hosts: [] });
      await host.sandbox.run({
        file: 'apt-get',
        args: ['-y', 'remove', 'trinket'],
        deadlineMs: DEADLINE_MS,
        env: { APT_CONFIG: host.sandbox.aptConfig, DEBIAN_FRONTEND: 'noninteractive', SUDO_UID: NOBODY.uid },
        check: true,
      });
      await report();

      expect((await counted(1)).hosts).toMatchObject([
        {
          name: host.name,
          last: { source: 'apt', actor: NOBODY.asked, packages: [{ name: 'trinket', from: '0.9-1', to: null }] },
        },
      ]);
      const page = succeeded(await stage.selvage(['host', 'list', '--changed-outside']));
      expect(page.stdout).toMatch(/alpha +1 .* nobody \(65534\) +trinket 0\.9-1 removed/);
    },
    2 * DEADLINE_MS,
  );

  it(
    'what Selvage installs is in the history and not among it',
    async () => {
      const file = await stage.paper('now.yaml', policyDocuments(WINDOW_NOW, stage.began));
      succeeded(await stage.selvage(['policy', 'push', file]));
      succeeded(await stage.selvage(['fix', 'approve', FIX_ID, '--policy', POLICY, '--lane', 'scheduled']));
      const resident = host.connect();
      await waitFor(
        'the approval to reach the runner',
        async () => ((await pass(host)).some(({ outcome }) => outcome === 'waiting') ? true : null),
        DEADLINE_MS,
        () => resident.lines,
      );
      await fetch(host);
      expect(await pass(host)).toMatchObject([{ outcome: 'installed' }]);

      const history = await waitFor(
        'the installation to be told',
        async () => {
          const seen = documentOf<History>(await stage.selvage(['host', 'history', host.name, '--json']));

          return seen.events.some(({ kind }) => kind === 'installed') ? seen : null;
        },
        DEADLINE_MS,
      );
      await resident.stop();
      expect(history.events).toContainEqual(
        expect.objectContaining({
          ...{ kind: 'installed', origin: 'signed' },
          packages: [{ name: 'widget', arch: 'all', from: OLD_WIDGET, to: NEW_WIDGET }],
        }),
      );
    },
    2 * DEADLINE_MS,
  );

  it(
    'what no log tells of is seen between two inventories, and nobody is named',
    async () => {
      const { root, folder, run } = host.sandbox;
      const deb = await buildDeb(createRun(process.env), { name: 'ghost', version: '6.6' }, join(folder, 'debs'));
      await run({
        file: 'dpkg',
        args: [`--root=${root}`, '--log=/dev/null', '--force-unsafe-io', '--install', '--', deb],
        deadlineMs: DEADLINE_MS,
        check: true,
      });
      await report();

      expect((await counted(2)).hosts).toMatchObject([
        {
          last: {
            ...{ source: 'inventory', actor: null, since: expect.stringMatching(/Z$/) },
            packages: [{ name: 'ghost', from: null, to: '6.6' }],
          },
        },
      ]);
      // The same inventory told of the installation by Selvage, with its mark: it is none of the two.
      const { events } = documentOf<History>(await stage.selvage(['host', 'history', host.name, '--json']));
      expect(events.map(({ kind, origin, source }) => `${kind} ${origin} ${source ?? ''}`.trim()).sort()).toEqual([
        'approved witnessed',
        'changed not-witnessed dpkg',
        'changed-outside told apt',
        'changed-outside witnessed inventory',
        'host witnessed',
        'installed signed result',
      ]);
      const page = succeeded(await stage.selvage(['host', 'history', host.name]));
      expect(page.stdout).toContain('from host logs, not witnessed');
      expect(page.stdout).toMatch(/changed outside Selvage +nobody \(65534\) +trinket/);
    },
    2 * DEADLINE_MS,
  );
});

// The resident agent on its own: nobody types `fetch` or `run`. An admin approves a fix, and the host brings, installs,
// proves and reports it; revoking the host then ends its connection.
import { chmodSync } from 'node:fs';
import { createRun } from '@selvage/shared/exec/run.ts';
import { needs } from '@selvage/shared/testing/needs.ts';
import { temporaryFolder } from '@selvage/shared/testing/temporary-folder.ts';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { fixesOf, hostPage, versionsOf } from '../lab/asking.ts';
import { FIX_ID, NEW_WIDGET, OLD_GADGET, POLICY, policyDocuments, WINDOW_NOW } from '../lab/cast.ts';
import { documentOf, type Resident, succeeded } from '../lab/commands.ts';
import { type LabHost, type Stage, setStage } from '../lab/stage.ts';
import { collector } from '../lab/steps/collector.ts';
import { waitFor } from '../lab/waiting.ts';

const PARTS = ['apt-ftparchive', 'apt-get', 'busybox-static', 'dpkg-deb', 'gpg', 'gpgv', 'unshare'] as const;
/** Of what one test waits for; a test waits for two things at most. */
const STEP_DEADLINE_MS = 120_000;
const TEST_DEADLINE_MS = 2 * STEP_DEADLINE_MS;

needs(PARTS, 'a resident agent that starts fetcher and runner itself', () => {
  let stage: Stage;
  let host: LabHost;
  let agent: Resident;

  beforeAll(async () => {
    const folder = temporaryFolder('resident');
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
    agent = host.connect(['--with-runner']);
    await waitFor(
      'the updates to be known',
      async () => ((await hostPage(stage, host)).host.upgradable === 2 ? true : null),
      STEP_DEADLINE_MS,
    );
  }, TEST_DEADLINE_MS);

  afterAll(() => stage?.clear(), TEST_DEADLINE_MS);

  it(
    'installs what was approved, in the window, and the collector sees it proven',
    async () => {
      const file = await stage.paper('now.yaml', policyDocuments(WINDOW_NOW, stage.began));
      succeeded(await stage.selvage(['policy', 'push', file]));
      succeeded(await stage.selvage(['fix', 'approve', FIX_ID, '--policy', POLICY, '--lane', 'scheduled']));
      let seen: unknown = null;
      await waitFor(
        'the fix to be installed',
        async () => {
          const states = (await fixesOf(stage)).flatMap(({ id, hosts }) => (id === FIX_ID ? hosts : []));
          seen = states;

          return states.length === 1 && states[0]?.state === 'installed' ? true : null;
        },
        STEP_DEADLINE_MS,
        () => [seen, agent.lines],
      );

      expect(await versionsOf(host)).toMatchObject({ widget: NEW_WIDGET, gadget: OLD_GADGET });
      const { results } = await hostPage(stage, host);
      expect(results.filter(({ result }) => result.outcome === 'installed')).toHaveLength(1);
    },
    TEST_DEADLINE_MS,
  );

  it(
    'reports a fresh inventory soon after, without waiting for the next hour',
    async () => {
      await waitFor(
        'the new inventory',
        async () => ((await hostPage(stage, host)).host.upgradable === 1 ? true : null),
        STEP_DEADLINE_MS,
      );
    },
    TEST_DEADLINE_MS,
  );

  it(
    'is cut off at once when it is revoked, and says why and what to do',
    async () => {
      succeeded(await stage.selvage(['host', 'revoke', host.name]));
      await agent.line(/^disconnected: HOST_REVOKED/, STEP_DEADLINE_MS);
      // It is written beside what is printed.
      const wrong = async () =>
        documentOf<{ wrong: { code: string; next: string }[] }>(await host.agent(['status', '--json'])).wrong;
      await expect
        .poll(wrong)
        .toContainEqual(expect.objectContaining({ code: 'HOST_REVOKED', next: expect.any(String) }));
      expect(await versionsOf(host)).toMatchObject({ widget: NEW_WIDGET });
    },
    TEST_DEADLINE_MS,
  );

  it('leaves the ledger whole', async () => {
    const verified = documentOf<{ ok: boolean; entries: number }>(await stage.selvage(['audit', 'verify', '--json']));

    expect(verified.ok).toBe(true);
    expect(verified.entries).toBeGreaterThan(5);
  });
});

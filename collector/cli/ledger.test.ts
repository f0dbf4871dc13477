import { cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '@selvage/shared/testing/temporary-folder.ts';
import { systemClock } from '@selvage/shared/time/clock.ts';
import { describe, expect, it } from 'vitest';
import { collectorLab } from './testing/collector-lab.ts';

const WINDOW = 'kind: Window\nname: nights\ndays: [mon]\nstart: "01:00"\nfor: 3h\ntimezone: host\n';

describe('when ledger and policy are changed behind the collector', () => {
  it('entries that were cut off or written anew, and older policy, are noticed from the admin folder', async () => {
    let minutes = 0;
    // A restore takes a minute: versions of snapshot and timestamp hold the time, and in one second two of them could be alike.
    const lab = collectorLab({ ...systemClock, now: () => systemClock.now().add({ minutes }) });
    await lab.init();
    const window = lab.file('window.yaml', WINDOW);
    const kept = join(temporaryFolder('kept'), 'collector');
    cpSync(join(lab.home, 'collector'), kept, { recursive: true });
    const during = async (work: () => Promise<void>) => {
      const running = await lab.serve();
      await work();
      await running.stop();
    };
    const restore = () => {
      minutes += 1;
      rmSync(join(lab.home, 'collector'), { recursive: true });
      cpSync(kept, join(lab.home, 'collector'), { recursive: true });
    };

    await during(async () => {
      for (const host of ['a', 'b', 'c']) await lab.run(['token', 'create', '--host', host]);
      expect(await lab.run(['audit', 'verify'])).toMatchObject({ exit: 0 });
      expect(await lab.run(['policy', 'push', window])).toMatchObject({ exit: 0 });
      expect(await lab.run(['policy', 'get'])).toMatchObject({ exit: 0 });
    });
    restore();
    await during(async () => {
      await lab.run(['token', 'create', '--host', 'a']);
      expect(await lab.run(['audit', 'verify'])).toMatchObject({
        exit: 1,
        stderr: expect.stringMatching(/^error AUDIT_BROKEN: .*ends/),
      });
      expect(await lab.run(['policy', 'get'])).toMatchObject({
        exit: 3,
        stderr: expect.stringMatching(/^error POLICY_ROLLED_BACK/),
      });
      for (const host of ['d', 'e', 'f', 'g']) await lab.run(['token', 'create', '--host', host]);
      expect(await lab.run(['audit', 'verify'])).toMatchObject({
        exit: 1,
        stderr: expect.stringMatching(/^error AUDIT_BROKEN/),
      });
    });
  });
});

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fakeClock } from '@selvage/shared/testing/fake-clock.ts';
import { temporaryFolder } from '@selvage/shared/testing/temporary-folder.ts';
import { describe, expect, it } from 'vitest';
import { testContext } from '../testing/context.ts';
import { collectHardware } from './hardware.ts';

const NOW = '2026-11-23T12:00:00Z';
const BOOT = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
const FOUND = {
  vendor: 'Lab',
  model: 'remembered',
  serial: '1',
  virtual: false,
  cpu: { model: 'one', cores: 1 },
  memoryBytes: 1,
  disks: [],
};
const SAVED = { boot: BOOT, agent: '0.1.0', takenAt: '2026-11-23T11:00:00Z', data: FOUND };

async function collect(saved: string) {
  const hardwareFile = join(temporaryFolder('hardware'), 'hardware.json');
  writeFileSync(hardwareFile, saved);
  const found = await collectHardware(testContext({ hardwareFile, clock: fakeClock(NOW) }));

  return { model: found.model, kept: JSON.parse(readFileSync(hardwareFile, 'utf8')) as typeof SAVED };
}

describe('when the hardware is remembered', () => {
  it('in this boot, by this agent, within a day, it is not asked again', async () => {
    expect((await collect(JSON.stringify(SAVED))).model).toBe('remembered');
  });

  it.each([
    ['after another boot', { ...SAVED, boot: 'another' }],
    ['by another version of the agent', { ...SAVED, agent: '0.0.9' }],
    ['after a day', { ...SAVED, takenAt: '2026-11-22T11:59:59Z' }],
    ['when it was found in the future: a clock was wrong', { ...SAVED, takenAt: '2026-11-24T12:00:00Z' }],
    ['when it is not what the model says', { ...SAVED, data: { ...FOUND, memoryBytes: -1 } }],
    ['when the file is torn', JSON.stringify(SAVED).slice(0, 50)],
  ])('%s, it is asked anew and written over', async (_, saved) => {
    const { model, kept } = await collect(typeof saved === 'string' ? saved : JSON.stringify(saved));

    expect(model).not.toBe('remembered');
    expect(kept).toMatchObject({ boot: BOOT, agent: '0.1.0', takenAt: NOW });
  });
});

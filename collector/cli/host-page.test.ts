import type { Timestamp } from '@selvage/shared/model/ids.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hostSample } from '../store/samples.ts';
import { type CollectorLab, collectorLab, type Running } from './testing/collector-lab.ts';

const at = '2026-03-01T12:00:00Z' as Timestamp;

describe('when a host was refused at the door', () => {
  let lab: CollectorLab;
  let running: Running;
  const quarantine = { at, reason: 'cloned', machines: ['a', 'b'], addresses: ['192.0.2.1'] } as const;
  const codes = ['HOST_AWAY_TOO_LONG', 'CERTIFICATE_SUPERSEDED', 'HOST_QUARANTINED'] as const;
  beforeAll(async () => {
    lab = collectorLab();
    await lab.init();
    await lab.withStore((store) =>
      store.transaction(async ({ hosts }) => {
        for (const [index, code] of codes.entries()) {
          const { id } = hostSample(index + 1);
          await hosts.add(hostSample(index + 1));
          if (code === 'HOST_QUARANTINED') await hosts.quarantine(id, quarantine);
          await hosts.knock(id, { at, address: '192.0.2.9', code, entered: at });
        }
      }),
    );
    running = await lab.serve();
  });
  afterAll(() => running.stop());
  const refused = async (number: number) => {
    const { name } = hostSample(number);
    const { stdout } = await lab.run(['host', 'show', name]);

    return stdout.split('\n').find((line) => line.includes('REFUSED'));
  };

  it('one that was away for too long may be readmitted', async () => {
    expect(await refused(1)).toMatch(/HOST_AWAY_TOO_LONG from 192\.0\.2\.9.*selvage host readmit/);
  });

  it('nobody is asked to open the door to a copy of a host that goes on', async () => {
    expect(await refused(2)).toMatch(/CERTIFICATE_SUPERSEDED .*readmit nothing/);
    expect(await refused(2)).not.toContain('selvage host readmit');
  });

  it('where it is quarantined, that says what to do', async () => {
    expect(await refused(3)).toContain('HOST_QUARANTINED from 192.0.2.9');
    expect(await refused(3)).not.toContain('readmit');
  });
});

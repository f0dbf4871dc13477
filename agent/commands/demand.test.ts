import { existsSync, mkdirSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SECTION_NAMES } from '@selvage/shared/model/section-names.ts';
import { temporaryFolder } from '@selvage/shared/testing/temporary-folder.ts';
import { systemClock } from '@selvage/shared/time/clock.ts';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Parcel } from '../connector/parcel.ts';
import type { DurableStream } from '../connector/stream.ts';
import type { Settings } from '../settings.ts';
import { demandInventory, leaveParcel, newResults } from './demand.ts';
import { agentFolders } from './folders.ts';

const parcel = (takenAt: string): Parcel => ({
  takenAt: takenAt as Parcel['takenAt'],
  sections: SECTION_NAMES.map((name) => ({ name, sha256: null, code: 'TEST', reason: '' })) as Parcel['sections'],
  changed: {},
});
const OLD = parcel('2026-11-23T10:00:00Z');
const NEW = parcel('2026-11-23T11:00:00Z');
const { signal } = new AbortController();
let settings: Settings;

beforeEach(() => {
  settings = { stateDir: temporaryFolder('demand') } as Settings;
});

describe('when the connector asks for an inventory', () => {
  /** `act` is what a unit does while the connector waits. */
  const clock = (act: (looks: number) => Promise<void>) => {
    let looks = 0;

    return {
      ...systemClock,
      monotonic: () => looks * 1000,
      sleep: async () => {
        looks += 1;
        await act(looks);
      },
    };
  };

  it('it touches a file, and takes what comes after that, not what was there', async () => {
    await leaveParcel(settings, OLD);
    const got = await demandInventory(
      {
        clock: clock(async (looks) => {
          expect(existsSync(agentFolders(settings).inventoryWanted)).toBe(true);
          if (looks === 2) await leaveParcel(settings, NEW);
        }),
      },
      settings,
      signal,
    );

    expect(got).toEqual(NEW);
  });

  it('it asks again: a unit that was ending has not seen it', async () => {
    const { inventoryWanted } = agentFolders(settings);
    let again = false;
    await demandInventory(
      {
        clock: clock(async (looks) => {
          if (looks === 1) utimesSync(inventoryWanted, 1, 1);
          else again ||= statSync(inventoryWanted).mtimeMs > 1000;
          if (again) await leaveParcel(settings, NEW);
        }),
      },
      settings,
      signal,
    );

    expect(again).toBe(true);
  });

  it('where nobody answers it says which units to look at', async () => {
    await expect(demandInventory({ clock: clock(async () => undefined) }, settings, signal)).rejects.toMatchObject({
      code: 'PROCESS_DEADLINE',
      next: expect.stringContaining('systemctl status selvage-agent-inventory.path'),
    });
  });

  it('what is left is for root and the group only', async () => {
    await leaveParcel(settings, NEW);

    expect(statSync(agentFolders(settings).deposit).mode & 0o777).toBe(0o640);
  });
});

describe('when the runner tells results', () => {
  it('a new one says that the host may look different; polls and what was pruned do not', async () => {
    const folder = join(settings.stateDir, 'results');
    const steps = [
      () => mkdirSync(folder),
      () => writeFileSync(join(folder, '1.json'), ''),
      () => undefined,
      () => writeFileSync(join(folder, '10.json'), ''),
      () => writeFileSync(join(folder, '9.json'), ''),
    ];
    let step = 0;
    const stream = {
      changed: async function* () {
        for (const act of steps) {
          act();
          step += 1;
          yield;
        }
      },
    } as unknown as DurableStream;
    const seen: number[] = [];
    for await (const _ of newResults(stream, folder, signal)) seen.push(step);

    expect(seen).toEqual([2, 4]);
  });
});

// `host list --has` as an admin types it, against a collector that serves.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { OS_SECTION, putInventory } from '../api/testing/inventories.ts';
import { debs } from '../findings/testing/findings-lab.ts';
import { hostId, hostSample } from '../store/samples.ts';
import { collectorLab, type Running } from './testing/collector-lab.ts';

const lab = collectorLab();
let running: Running;
beforeAll(async () => {
  await lab.init();
  await lab.withStore(async (store) => {
    const at = Temporal.Now.instant().toString();
    for (const number of [1, 2, 3, 4]) {
      await store.transaction(({ hosts }) => hosts.add(hostSample(number)));
      if (number === 4) continue;
      const version = number === 1 ? '5.6.1-1' : '5.4.1-1';
      const packages = debs({ 'liblzma5 xz-utils': version });
      await putInventory(store, hostId(number), at, number === 3 ? {} : { os: OS_SECTION, packages });
    }
  });
  running = await lab.serve();
});
afterAll(async () => {
  expect(await running.stop()).toBe(0);
});

interface Listed {
  readonly hosts: readonly { readonly name: string }[];
  readonly hunt: { readonly complete: boolean; readonly unknown: readonly { readonly name: string }[] } | null;
}

/** The fleet is read after the start; the answer says whether that is done. */
async function hunted(...args: string[]): Promise<Listed> {
  for (;;) {
    const answer = (await lab.run(['host', 'list', ...args, '--json'])).json<Listed>();
    if (answer.hunt?.complete) return answer;
  }
}

describe('when machines are hunted for', () => {
  it('those that have it are listed, and those that cannot answer are said to be unknown', async () => {
    const { hosts, hunt } = await hunted('--has', 'xz-utils >=5.6.0 <5.6.2');
    expect(hosts.map(({ name }) => name)).toEqual(['host-1']);
    expect(hunt?.unknown.map(({ name }) => name)).toEqual(['host-3', 'host-4']);
    const { stdout, exit } = await lab.run(['host', 'list', '--has', 'liblzma5 >=5.6.0 <5.6.2']);
    expect(exit).toBe(0);
    expect(stdout).toMatch(/^1 machine has liblzma5 >=5.6.0 <5.6.2 · 2 unknown\n/);
    expect(stdout).toMatch(/host-1 +debian 12 .*liblzma5 5.6.1-1/);
    expect(stdout).toMatch(/^\? host-3: its packages are not known/m);
    expect(stdout).not.toContain('host-2');
  });

  it('a select text narrows it', async () => {
    const { hosts, hunt } = await hunted('--has', 'xz-utils', '--select', 'name=host-2');
    expect(hosts.map(({ name }) => name)).toEqual(['host-2']);
    expect(hunt?.unknown).toEqual([]);
  });

  it('who has it and is not seen to run it is said, not listed', async () => {
    const { stdout } = await lab.run(['host', 'list', '--has', 'xz-utils', '--running']);
    expect(stdout).toMatch(/^0 machines are seen to run xz-utils · 2 unknown\nnote: 2 more have it/);
  });

  it('a wrong text ends with its column and a caret, and --running alone is no question', async () => {
    const { exit, stderr } = await lab.run(['host', 'list', '--has', 'xz-utils 5.6.1']);
    expect(exit).toBe(2);
    expect(stderr).toMatch(/SELECT_INVALID: column 10: .*\n {4}xz-utils 5.6.1\n {4} {9}\^/);
    expect(await lab.run(['host', 'list', '--running'])).toMatchObject({ exit: 2 });
  });
});

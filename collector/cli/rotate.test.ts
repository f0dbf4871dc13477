// Keys replaced through the real command against a real collector, cut off where it hurts.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '@selvage/shared/time/clock.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { homeAt } from '../home.ts';
import { type CollectorLab, collectorLab, type Running } from './testing/collector-lab.ts';

interface Keys {
  readonly keys: readonly { readonly keyId: string; readonly admin: string | null; readonly counts: boolean }[];
}

const WINDOW = 'kind: Window\nname: nights\ndays: [mon, tue]\nstart: "01:00"\nfor: 3h\ntimezone: host\n';

describe('when things end', () => {
  it('status says so first, with the next command, and ends with 0 all the same', async () => {
    let days = 0;
    const lab = collectorLab({ ...systemClock, now: () => systemClock.now().add({ hours: 24 * days }) });
    await lab.init();
    const running = await lab.serve();
    const healthy = await lab.run(['status']);
    expect([healthy.exit, healthy.stdout.split(' ')[0]]).toEqual([0, 'collector']);
    days = 345;
    const { exit, stdout } = await lab.run(['status']);
    const json = (await lab.run(['status', '--json'])).json<{ alarms: { kind: string; next: string }[] }>();
    await running.stop();

    expect(exit).toBe(0);
    const lines = stdout.split('\n');
    expect(lines[0]).toMatch(/^CRITICAL {2}the (timestamp|snapshot) of signed policy was not signed again in time/);
    expect(stdout).toMatch(/WARNING {2}the root of signed policy ends in \d+d/);
    expect(stdout).toContain('  next:  selvage policy renew\n');
    expect(stdout).toContain('  stops: hosts accept no newer policy');
    expect(json.alarms.find(({ kind }) => kind === 'admin-certificate')).toBeDefined();
  });
});

describe('when keys are rotated from the command line', () => {
  let lab: CollectorLab;
  let running: Running;
  const admin = (name: string) => join(homeAt(lab.home).admin, name);
  const countedKeys = async () => (await lab.run(['key', 'list', '--json'])).json<Keys>().keys;
  let pushes = 0;
  const works = async () => {
    pushes += 1;
    // Another window each time: with the same one nothing would be signed.
    const file = lab.file('window.yaml', WINDOW.replace('3h', `${pushes}h`));
    const { exit, stderr } = await lab.run(['policy', 'push', file]);

    expect([exit, stderr]).toEqual([0, '']);
  };
  beforeAll(async () => {
    lab = collectorLab();
    await lab.init();
    running = await lab.serve();
  });
  afterAll(() => running.stop());

  it('the new key signs, the old one is gone, and the admin goes on under the same name', async () => {
    const old = readFileSync(admin('signing.key'), 'utf8');
    const [before] = await countedKeys();
    const { exit, stdout } = await lab.run(['key', 'rotate']);
    const [after] = await countedKeys();

    expect([exit, stdout]).toEqual([0, expect.stringContaining(`${after?.keyId} signs from here now`)]);
    expect(after).toMatchObject({ admin: 'ann', counts: true });
    expect(after?.keyId).not.toBe(before?.keyId);
    expect(readFileSync(admin('signing.key'), 'utf8')).not.toBe(old);
    expect(existsSync(admin('signing.next.key'))).toBe(false);
    await works();

    const next = readFileSync(admin('signing.key'), 'utf8');
    writeFileSync(admin('signing.key'), old, { mode: 0o600 });
    const { exit: refused, stderr } = await lab.run(['policy', 'push', lab.file('other.yaml', WINDOW)]);
    expect([refused, stderr]).toEqual([2, expect.stringContaining('KEY_UNUSABLE')]);
    writeFileSync(admin('signing.key'), next, { mode: 0o600 });
  });

  it('a rotation whose answer was lost is finished by whatever signs next', async () => {
    const old = readFileSync(admin('signing.key'), 'utf8');
    await lab.run(['key', 'rotate']);
    // As it lay on the disk when the machine stopped after the collector had committed.
    writeFileSync(admin('signing.next.key'), readFileSync(admin('signing.key')), { mode: 0o600 });
    writeFileSync(admin('signing.key'), old, { mode: 0o600 });
    await works();

    expect(readFileSync(admin('signing.key'), 'utf8')).not.toBe(old);
    expect(existsSync(admin('signing.next.key'))).toBe(false);
  });

  it('a rotation that was cut off before it was sent goes on with the same key', async () => {
    const waiting = join(lab.home, 'elsewhere');
    const other = await lab.run(['key', 'create'], { home: waiting });
    expect(other.exit).toBe(0);
    const key = readFileSync(join(homeAt(waiting).admin, 'signing.key'), 'utf8');
    writeFileSync(admin('signing.next.key'), key, { mode: 0o600 });
    await works();
    expect(readFileSync(admin('signing.key'), 'utf8')).not.toBe(key);
    expect((await lab.run(['key', 'rotate'])).exit).toBe(0);

    expect(readFileSync(admin('signing.key'), 'utf8')).toBe(key);
    await works();
  });

  it('the online keys are replaced, the root is renewed, and a collector that lost its keys comes back', async () => {
    const file = homeAt(lab.home).collector.onlineKeys;
    const before = readFileSync(file, 'utf8');
    const { exit, stdout } = await lab.run(['key', 'rotate-online']);
    expect([exit, stdout]).toEqual([0, expect.stringMatching(/root \d+ names new keys/)]);
    expect(readFileSync(file, 'utf8')).not.toBe(before);
    expect((await lab.run(['key', 'renew-root'])).stdout).toMatch(/root \d+ ends \d{4}-/);
    await works();

    await running.stop();
    writeFileSync(file, before);
    running = await lab.serve();
    expect(running.output()).toContain('selvage key rotate-online');
    expect((await lab.run(['key', 'rotate-online'])).exit).toBe(0);
    await works();
  });

  it('what ends soon is signed anew, and nothing else', async () => {
    const nothing = await lab.run(['policy', 'renew', '--json']);
    expect(nothing.json()).toEqual({ roles: [], timestampVersion: null, waits: null });
    const { roles } = (await lab.run(['policy', 'renew', '--within', '400d', '--json'])).json<{ roles: string[] }>();

    expect(roles.toSorted()).toEqual(['approvals', 'lifts', 'policy', 'root', 'targets', 'urgent']);
    await works();
  });
});

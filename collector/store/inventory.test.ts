import { describe, expect, it } from 'vitest';
import { AT, hostId, hostSample, LATER, packed } from './samples.ts';
import { freshStores } from './testing/fresh-store.ts';

const fresh = freshStores('inventory');
const code = (expected: string) => expect.objectContaining({ code: expected });

describe('when inventories are kept', () => {
  const reboot = packed({ required: true, reasons: ['kernel'] });
  const quiet = packed({ required: false, reasons: [] });
  const section = (sha256: typeof reboot.sha256) => ({ name: 'reboot' as const, sha256, problem: null });

  it('gives the newest report with data, problems and what the agent does not know', async () => {
    const store = await fresh();
    const problem = { code: 'PARSE' as const, reason: 'line 3' };
    await store.transaction(async (w) => {
      await w.hosts.add(hostSample(1));
      await w.inventory.putSection(hostId(1), 'reboot', reboot.sha256, reboot.zstdJson);
      await w.inventory.putReport(hostId(1), AT, [section(reboot.sha256), { name: 'users', sha256: null, problem }]);
    });
    const latest = await store.read.inventory.latest(hostId(1));

    expect(latest?.takenAt).toBe(AT);
    expect(latest?.sections.reboot).toEqual({ ok: true, data: { required: true, reasons: ['kernel'] } });
    expect(latest?.sections.users).toEqual({ ok: false, ...problem });
    expect(latest?.sections.os).toMatchObject({ ok: false, code: 'NOT_BUILT' });
    expect(await store.read.inventory.sections(hostId(1))).toEqual([
      { ...section(reboot.sha256), takenAt: AT },
      { name: 'users', sha256: null, problem, takenAt: AT },
    ]);
    expect(await store.read.inventory.latest(hostId(2))).toBeNull();
  });

  it('drops a section that no report uses any more', async () => {
    const store = await fresh();
    await store.transaction(async (w) => {
      await w.hosts.add(hostSample(1));
      await w.inventory.putSection(hostId(1), 'reboot', reboot.sha256, reboot.zstdJson);
      await w.inventory.putReport(hostId(1), AT, [section(reboot.sha256)]);
      await w.inventory.putSection(hostId(1), 'reboot', quiet.sha256, quiet.zstdJson);
      await w.inventory.putSection(hostId(1), 'reboot', quiet.sha256, quiet.zstdJson);
      await w.inventory.putReport(hostId(1), LATER, [section(quiet.sha256)]);
    });

    expect(await store.read.inventory.hasSection(hostId(1), 'reboot', reboot.sha256)).toBe(false);
    expect(await store.read.inventory.hasSection(hostId(1), 'reboot', quiet.sha256)).toBe(true);
    expect(await store.read.inventory.hasSection(hostId(1), 'users', quiet.sha256)).toBe(false);
  });

  it('knows which sections it has, of that host and with that hash', async () => {
    const store = await fresh();
    const [mine, changed, other] = [
      { name: 'reboot' as const, sha256: reboot.sha256 },
      { name: 'reboot' as const, sha256: quiet.sha256 },
      { name: 'users' as const, sha256: reboot.sha256 },
    ];
    await store.transaction(async (w) => {
      for (const number of [1, 2]) await w.hosts.add(hostSample(number));
      await w.inventory.putSection(hostId(1), 'reboot', reboot.sha256, reboot.zstdJson);
      await w.inventory.putSection(hostId(2), 'users', reboot.sha256, reboot.zstdJson);
    });

    expect(await store.read.inventory.kept(hostId(1), [mine, changed, other])).toEqual([mine]);
    expect(await store.read.inventory.kept(hostId(2), [mine, changed, other])).toEqual([other]);
    expect(await store.read.inventory.kept(hostId(1), [])).toEqual([]);
  });

  it('refuses a report that names a section it does not have, and keeps the one before', async () => {
    const store = await fresh();
    await store.transaction(async (w) => {
      await w.hosts.add(hostSample(1));
      await w.inventory.putSection(hostId(1), 'reboot', reboot.sha256, reboot.zstdJson);
      await w.inventory.putReport(hostId(1), AT, [section(reboot.sha256)]);
    });
    const report = store.transaction((w) => w.inventory.putReport(hostId(1), LATER, [section(quiet.sha256)]));
    const both = [section(reboot.sha256), section(reboot.sha256)];
    const doubled = store.transaction((w) => w.inventory.putReport(hostId(1), LATER, both));

    await expect(report).rejects.toThrow(code('NOT_FOUND'));
    await expect(doubled).rejects.toThrow(code('STORE_FAILED'));
    expect((await store.read.inventory.latest(hostId(1)))?.takenAt).toBe(AT);
  });

  it('gives one section of all active hosts, each with data or its problem', async () => {
    const store = await fresh();
    const problem = { code: 'PARSE' as const, reason: 'line 3' };
    await store.transaction(async (w) => {
      for (const number of [1, 2, 3, 4]) await w.hosts.add(hostSample(number));
      for (const number of [1, 3]) {
        await w.inventory.putSection(hostId(number), 'reboot', reboot.sha256, reboot.zstdJson);
        await w.inventory.putReport(hostId(number), AT, [section(reboot.sha256)]);
      }
      await w.inventory.putReport(hostId(2), AT, [{ name: 'reboot', sha256: null, problem }]);
      await w.hosts.revoke(hostId(3), AT);
    });

    expect(await Array.fromAsync(store.read.inventory.eachSection('reboot'))).toEqual([
      { host: hostId(1), takenAt: AT, data: { required: true, reasons: ['kernel'] }, problem: null },
      { host: hostId(2), takenAt: AT, data: null, problem },
    ]);
  });

  it('a whole fleet is looked through in pieces: each host once, as it is when its turn comes', async () => {
    const store = await fresh();
    const ids = Array.from({ length: 230 }, (_, number) => hostId(number + 1)).toSorted();
    await store.transaction(async (w) => {
      for (const number of ids.keys()) await w.hosts.add(hostSample(number + 1));
      for (const id of ids) {
        await w.inventory.putSection(id, 'reboot', reboot.sha256, reboot.zstdJson);
        await w.inventory.putReport(id, AT, [section(reboot.sha256)]);
      }
    });
    const seen: string[] = [];
    let takenAt = '';
    for await (const { host, takenAt: at } of store.read.inventory.eachSection('reboot')) {
      if (seen.push(host) === 1) {
        const last = ids.at(-1) ?? hostId(1);
        await store.transaction((w) => w.inventory.putReport(last, LATER, [section(reboot.sha256)]));
      }
      takenAt = at;
    }

    expect(seen).toEqual(ids);
    expect(takenAt).toBe(LATER);
  });

  it.each([
    ['does not unpack', 'reboot' as const, { ...reboot, zstdJson: new Uint8Array([1, 2, 3]) }],
    ['has another hash', 'reboot' as const, { ...reboot, zstdJson: quiet.zstdJson }],
    ['does not fit its shape', 'reboot' as const, packed({ required: 'yes' })],
  ])('fails on a section that %s, rather than leave it out', async (_, name, bad) => {
    const store = await fresh();
    await store.transaction(async (w) => {
      await w.hosts.add(hostSample(1));
      await w.inventory.putSection(hostId(1), name, bad.sha256, bad.zstdJson);
      await w.inventory.putReport(hostId(1), AT, [{ name, sha256: bad.sha256, problem: null }]);
    });

    await expect(store.read.inventory.latest(hostId(1))).rejects.toThrow(code('STORE_FAILED'));
    await expect(Array.fromAsync(store.read.inventory.eachSection(name))).rejects.toThrow(code('STORE_FAILED'));
  });
});

describe('when lists want little of a section of every host', () => {
  const required = packed({ required: true, reasons: ['kernel'] });
  const quiet = packed({ required: false, reasons: [] });
  const problem = { code: 'PARSE' as const, reason: 'line 3' };
  const counting = () => {
    const seen: boolean[] = [];

    return {
      seen,
      section: 'reboot' as const,
      of: ({ required }: { required: boolean }) => {
        seen.push(required);

        return required ? 'reboot' : 'none';
      },
    };
  };

  it('works it out once per content, and anew only for what changed', async () => {
    const store = await fresh();
    const report = async (number: number, content: typeof required | null, at = AT) =>
      store.transaction(async (w) => {
        if (content) await w.inventory.putSection(hostId(number), 'reboot', content.sha256, content.zstdJson);
        const state = content ? { sha256: content.sha256, problem: null } : { sha256: null, problem };
        await w.inventory.putReport(hostId(number), at, [{ name: 'reboot', ...state }]);
      });
    await store.transaction(async (w) => {
      for (const number of [1, 2, 3, 4]) await w.hosts.add(hostSample(number));
    });
    for (const number of [1, 2]) await report(number, required);
    await report(3, null);
    const derivation = counting();
    const list = async () =>
      (await Array.fromAsync(store.read.inventory.eachDerived(derivation))).map(({ data, problem }) => data ?? problem);

    expect(await list()).toEqual(['reboot', 'reboot', problem]);
    expect(derivation.seen).toEqual([true]);
    expect(await list()).toEqual(['reboot', 'reboot', problem]);
    expect(derivation.seen).toEqual([true]);
    await report(2, quiet, LATER);
    expect(await list()).toEqual(['reboot', 'none', problem]);
    expect(derivation.seen).toEqual([true, false]);
    // No host has it any more: it is not kept for ever.
    await report(2, required, LATER);
    await list();
    await report(2, quiet, LATER);
    expect(await list()).toEqual(['reboot', 'none', problem]);
    expect(derivation.seen).toEqual([true, false, false]);
    const other = counting();
    await Array.fromAsync(store.read.inventory.eachDerived(other));
    expect(other.seen).toEqual([true, false]);
  });
});

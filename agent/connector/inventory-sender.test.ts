import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { zstdDecompressSync } from 'node:zlib';
import { canonicalJson, sha256 } from '@selvage/shared/files/canonical.ts';
import { silentLog } from '@selvage/shared/log/log.ts';
import { type Inventory, SECTION_NAMES } from '@selvage/shared/model/inventory.ts';
import { reportHash } from '@selvage/shared/model/report-hash.ts';
import { seededRandom } from '@selvage/shared/testing/seeded-random.ts';
import { temporaryFolder } from '@selvage/shared/testing/temporary-folder.ts';
import { describe, expect, it } from 'vitest';
import { resendSections } from './inventory-sender.ts';
import { type Outbox, openOutbox } from './outbox.ts';
import { sendInventory } from './testing/send-inventory.ts';

const NOON = Date.parse('2026-03-01T12:00:00Z');

const root = temporaryFolder('sender');
const random = seededRandom('sender');
let folders = 0;

const open = (dir = join(root, String(folders++))) => openOutbox(dir, { random, log: silentLog });

const REBOOT = { required: false, reasons: [] as string[] };

/** An inventory of which only two sections could be taken; the rest says why not. */
function inventory(reboot: unknown = REBOOT, takenAt = '2026-03-01T12:00:00Z'): Inventory {
  const failed = { ok: false, code: 'PARSE', reason: 'line 7' } as const;
  const sections = Object.fromEntries(SECTION_NAMES.map((name) => [name, failed]));
  const containers = { ok: true, data: [] };

  return { takenAt, sections: { ...sections, reboot: { ok: true, data: reboot }, containers } } as unknown as Inventory;
}

/** What waits, short; section messages by name and reports by their hashes. */
async function waiting(outbox: Outbox, after = 0n): Promise<string[]> {
  return (await outbox.pending(after, 1000)).map(({ body }) => (body.type === 'section' ? body.name : body.type));
}

async function lastReport(outbox: Outbox) {
  const bodies = (await outbox.pending(await outbox.position(), 1000)).map(({ body }) => body);
  const report = bodies.findLast((body) => body.type === 'report');
  if (report?.type !== 'report') throw new Error('no report');

  return report;
}

describe('when an inventory is sent', () => {
  it('every section that could be taken goes whole, then the report with hashes and reasons', async () => {
    const outbox = await open();
    await sendInventory(inventory(), outbox);

    expect(await waiting(outbox)).toEqual(['containers', 'reboot', 'report']);
    const [, reboot] = await outbox.pending(0n, 10);
    if (reboot?.body.type !== 'section') throw new Error('no section');
    expect(JSON.parse(zstdDecompressSync(reboot.body.zstdJson).toString())).toEqual(REBOOT);
    expect(reboot.body.sha256).toBe(sha256(canonicalJson(REBOOT)));
    const report = await lastReport(outbox);
    expect(report.sections).toHaveLength(SECTION_NAMES.length);
    expect(report.sections).toContainEqual({ name: 'reboot', sha256: reboot.body.sha256, code: '', reason: '' });
    expect(report.sections).toContainEqual({ name: 'os', sha256: null, code: 'PARSE', reason: 'line 7' });
  });

  it('again without a change, it only says so, also after a restart', async () => {
    const dir = join(root, String(folders++));
    const first = await open(dir);
    await sendInventory(inventory(), first);
    const { sections } = await lastReport(first);
    await first.acknowledged(3n, first.id);

    const again = await open(dir);
    await sendInventory(inventory(REBOOT, '2026-03-01T13:00:00+01:00'), again);
    const [said] = await again.pending(3n, 10);
    expect(said?.body).toEqual({
      type: 'unchanged',
      // The wire takes UTC only.
      takenAt: '2026-03-01T12:00:00Z',
      sha256: reportHash(sections),
    });
    expect(await waiting(again, 3n)).toEqual(['unchanged']);
  });

  it('with a change, only the changed section goes; back again it goes again, for the collector keeps only the last', async () => {
    const outbox = await open();
    await sendInventory(inventory(), outbox);
    await sendInventory(inventory({ required: true, reasons: ['kernel'] }), outbox);
    await sendInventory(inventory(), outbox);

    expect(await waiting(outbox, 3n)).toEqual(['reboot', 'report', 'reboot', 'report']);
  });

  it('the order of keys is no change', async () => {
    const outbox = await open();
    await sendInventory(inventory({ required: false, reasons: [] }), outbox);
    await sendInventory(inventory({ reasons: [], required: false }), outbox);

    expect(await waiting(outbox, 3n)).toEqual(['unchanged']);
  });

  it('a section too large for a frame is reported as not taken, with the reason', async () => {
    const outbox = await open();
    const noise = randomBytes(1_300_000).toString('base64');
    await sendInventory(inventory({ required: true, reasons: [noise] }), outbox);

    expect(await waiting(outbox)).toEqual(['containers', 'report']);
    expect((await lastReport(outbox)).sections).toContainEqual(
      expect.objectContaining({ name: 'reboot', sha256: null, code: 'FRAME_TOO_LARGE' }),
    );
  });

  it('a reason beyond the limit of the wire is cut, not refused', async () => {
    const outbox = await open();
    const long = inventory();
    const os = { ok: false, code: 'PARSE', reason: 'ü'.repeat(10_000) } as const;
    await sendInventory({ ...long, sections: { ...long.sections, os } }, outbox);

    expect(await waiting(outbox)).toContain('report');
  });

  it('an instant that is none is refused', async () => {
    await expect(sendInventory(inventory(REBOOT, 'noon'), await open())).rejects.toMatchObject({
      code: 'FRAME_INVALID',
    });
  });

  it('after a new stream began, everything goes whole again', async () => {
    const outbox = await open();
    await sendInventory(inventory(), outbox);
    await outbox.restart();
    await sendInventory(inventory(), outbox);

    expect(await waiting(outbox)).toEqual(['containers', 'reboot', 'report']);
  });

  it('so long away that the outbox is full, one whole inventory takes the place of all of them', async () => {
    const outbox = await open();
    const { id } = outbox;
    await sendInventory(inventory(), outbox);
    const full: Outbox = { ...outbox, full: () => true, restart: outbox.restart, add: outbox.add };
    Object.defineProperty(full, 'folder', { get: () => outbox.folder });
    await sendInventory(inventory(), full);

    expect(outbox.id).not.toBe(id);
    expect(await waiting(outbox)).toEqual(['containers', 'reboot', 'report']);
  });
});

describe('when the collector lacks only the report before', () => {
  it('a whole one goes, once', async () => {
    const outbox = await open();
    await sendInventory(inventory(), outbox);
    await sendInventory(inventory(), outbox);

    expect(await resendSections([], outbox, NOON)).toEqual([]);
    expect(await waiting(outbox, 3n)).toEqual(['unchanged', 'report']);
    expect(await resendSections([], outbox, NOON)).toEqual([]);
    expect(await waiting(outbox, 3n)).toEqual(['unchanged', 'report']);
  });

  it('another reason why a section is missing is a change', async () => {
    const outbox = await open();
    const first = inventory();
    await sendInventory(first, outbox);
    const os = { ok: false, code: 'PARSE', reason: 'line 8' } as const;
    await sendInventory({ ...first, sections: { ...first.sections, os } }, outbox);

    expect(await waiting(outbox, 3n)).toEqual(['report']);
  });
});

describe('when the collector lacks sections', () => {
  it('they go again with the last report, also after a restart', async () => {
    const dir = join(root, String(folders++));
    const first = await open(dir);
    await sendInventory(inventory(), first);
    await first.acknowledged(3n, first.id);

    const again = await open(dir);
    expect(await resendSections(['reboot', 'os', 'nonsense', '../etc'], again, NOON)).toEqual(['reboot']);
    expect(await waiting(again, 3n)).toEqual(['reboot', 'report']);
  });

  it('the same content goes again only once a day: a collector that refuses it would ask for ever, one restored twice asks twice', async () => {
    const outbox = await open();
    await sendInventory(inventory(), outbox);

    expect(await resendSections(['reboot'], outbox, NOON)).toEqual(['reboot']);
    expect(await resendSections(['reboot'], outbox, NOON)).toEqual([]);
    const [later, nextDay, setBack] = [NOON + 19 * 3_600_000, NOON + 21 * 3_600_000, NOON - 30 * 3_600_000];
    expect(await resendSections(['reboot'], outbox, later)).toEqual([]);
    expect(await resendSections(['reboot'], outbox, nextDay)).toEqual(['reboot']);
    expect(await resendSections(['reboot'], outbox, nextDay)).toEqual([]);
    expect(await resendSections(['reboot'], outbox, setBack)).toEqual(['reboot']);
    expect(await waiting(outbox, 3n)).toEqual(['reboot', 'report', 'reboot', 'report', 'reboot', 'report']);

    await sendInventory(inventory({ required: true, reasons: ['kernel'] }), outbox);
    expect(await resendSections(['reboot'], outbox, NOON)).toEqual(['reboot']);
  });
});

// A machine that is known from a file and by its agent counts once, however and whenever it got both; clones never hide each other.
import type { Section } from '@selvage/shared/model/inventory.ts';
import { describe, expect, it } from 'vitest';
import { OS_SECTION } from '../api/testing/inventories.ts';
import type { ImportRecord } from '../store/import-ports.ts';
import type { Store } from '../store/ports.ts';
import { hostId, packed } from '../store/samples.ts';
import { at, debs, findingsLab, rule } from './testing/findings-lab.ts';

const { make } = findingsLab('earlier-selves');
type Lab = Awaited<ReturnType<typeof make>>;

const SERIAL = 'SN-4711';
const MAC = '52:54:00:12:34:56';
const hardware = (serial: string): Section<'hardware'> => ({
  ...{ vendor: 'x', model: 'x', serial, virtual: false, cpu: { model: 'x', cores: 1 }, memoryBytes: 1, disks: [] },
});
const network = (mac: string): Section<'network'> => ({
  addresses: [{ interface: 'eth0', address: '10.0.0.1', prefix: 24, mac }],
});

function importOf(name: string, number: number, over: Partial<ImportRecord> = {}): ImportRecord {
  return {
    ...{ id: `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`, name, state: 'current', asOf: at(1) },
    ...{ asOfFrom: 'machine', clock: at(1), importedAt: at(2), importedBy: 'admin:a' },
    ...{ sha256: packed(name).sha256, bytes: 1, hostname: name, machineId: 'machine-1', owner: null, labels: {} },
    facts: {
      ...{ os: null, kernel: '', arch: '', packages: 1, rebootRequired: null, staleProcesses: null },
      ...{ marks: { serials: [SERIAL], macs: [], instances: [] }, warnings: [], missing: [], unprivileged: false },
    },
    ...{ endedAt: null, endedBy: null },
    ...over,
  };
}

async function bring(lab: Lab, record: ImportRecord): Promise<void> {
  await put(lab.store, record);
  lab.events.publish({ type: 'import.changed', name: record.name });
  await lab.idle();
}

async function put(store: Store, record: ImportRecord): Promise<void> {
  const sections = { os: OS_SECTION, packages: debs({ openssl: '3.0.11-1' }) };
  const named = Object.entries(sections).map(([name, data]) => ({
    ...{ name: name as keyof typeof sections, ...packed(data), problem: null },
  }));
  await store.transaction((writers) => writers.imports.put(record, named));
}

const shown = (lab: Lab) => [...lab.fleet.machines.values()].map(({ name }) => name).sort();
const openssl = { openssl: '3.0.12-1' };

async function made(): Promise<Lab> {
  const lab = await make();
  await lab.feed('debian-tracker', 0, [rule('CVE-2026-1', 'openssl', '3.0.15-1')]);

  return lab;
}

describe('when a machine is known from a file and gets an agent', () => {
  it('both count until the agent has told what machine it is, then the agent alone, also after a start', async () => {
    const lab = await made();
    await bring(lab, importOf('hmi-07', 1));
    await lab.host(1);
    lab.events.publish({ type: 'host.accepted', host: hostId(1), name: 'host-1' });
    await lab.idle();
    expect(shown(lab)).toEqual(['hmi-07', 'host-1']);

    await lab.inventory(1, 5, openssl, { hardware: hardware(SERIAL) });
    expect(lab.lines()).toEqual(['host-1 openssl 3.0.12-1 CVE-2026-1 fixable']);
    expect((await lab.store.read.software.machines('', 10)).map(({ machine }) => machine)).toEqual([
      `host:${hostId(1)}`,
    ]);
    await lab.restart();
    expect(shown(lab)).toEqual(['host-1']);
    expect(lab.lines()).toHaveLength(1);
  });

  it('another file of it changes nothing, and it is back when the agent counts no more', async () => {
    const lab = await made();
    await lab.host(1);
    await lab.inventory(1, 5, openssl, { network: network(MAC) });
    const marks = { serials: [], macs: [MAC], instances: [] };
    const facts = { ...importOf('hmi-07', 1).facts, marks };
    await bring(lab, importOf('hmi-07', 1, { facts }));
    await bring(lab, importOf('hmi-07', 2, { facts, asOf: at(50) }));
    expect(shown(lab)).toEqual(['host-1']);

    await lab.store.transaction(({ hosts }) => hosts.revoke(hostId(1), at(60)));
    lab.events.publish({ type: 'host.revoked', host: hostId(1), name: 'host-1' });
    await lab.idle();
    expect(lab.lines()).toEqual(['hmi-07 openssl 3.0.11-1 CVE-2026-1 fixable']);
  });

  it('a collector that was not there meanwhile sees it at its start', async () => {
    const lab = await made();
    await bring(lab, importOf('hmi-07', 1));
    await lab.abandon();
    await lab.host(1);
    await lab.put(1, 5, { os: OS_SECTION, packages: debs(openssl), hardware: hardware(SERIAL) });
    lab.start();
    await lab.idle();
    expect(shown(lab)).toEqual(['host-1']);
  });
});

describe('when machines are clones of one image', () => {
  it('two agents with one machine id both count, and neither takes the place of a file that may be of either', async () => {
    const lab = await made();
    for (const number of [1, 2]) {
      await lab.host(number, { machineId: 'machine-1' });
      await lab.inventory(number, 5, openssl, { hardware: hardware(SERIAL) });
    }
    await bring(lab, importOf('hmi-07', 1));
    expect(shown(lab)).toEqual(['hmi-07', 'host-1', 'host-2']);
  });

  it.each([
    ['another serial number', hardware('SN-1'), { machineId: 'machine-1' }],
    ['a serial number that says nothing', hardware('None'), { machineId: 'machine-1' }],
    ['another machine id', hardware(SERIAL), { machineId: 'machine-2' }],
    ['nobody who accepted it', hardware(SERIAL), { machineId: 'machine-1', acceptedAt: null }],
  ])('an agent with %s hides no file', async (_, section, over) => {
    const lab = await made();
    await bring(lab, importOf('hmi-07', 1));
    await lab.host(1, over);
    await lab.inventory(1, 5, openssl, { hardware: section });
    lab.events.publish({ type: 'host.enrolled', host: hostId(1), name: 'host-1' });
    await lab.idle();
    expect(shown(lab)).toContain('hmi-07');
  });

  it('a machine without an id is only what its file says', async () => {
    const lab = await made();
    await bring(lab, importOf('hmi-07', 1, { machineId: null }));
    await lab.host(1);
    await lab.inventory(1, 5, openssl, { hardware: hardware(SERIAL) });
    expect(shown(lab)).toEqual(['hmi-07', 'host-1']);
  });
});

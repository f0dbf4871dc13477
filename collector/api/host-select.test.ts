import type { Timestamp } from '@selvage/shared/model/ids.ts';
import type { PolicyDocument } from '@selvage/shared/policy/documents.ts';
import { DOCUMENT_WORDS } from '@selvage/shared/policy/select-words.ts';
import { hostGroupSample, patchPolicySample } from '@selvage/shared/policy/testing/sample-documents.ts';
import { MAX_SELECT_BYTES } from '@selvage/shared/select/limits.ts';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { selectionChanges } from '../cli/policy-diff.ts';
import { hashOf, hostId, hostSample } from '../store/samples.ts';
import * as contract from './contract.ts';
import { HOST_WORDS } from './host-fields.ts';
import { selectableHosts } from './selectable.ts';
import { type ApiLab, apiLab, type ClientIdentity } from './testing/api-lab.ts';
import { OS_SECTION, pendingSample, putInventory } from './testing/inventories.ts';

let lab: ApiLab;
let ann: ClientIdentity;
beforeEach(async () => {
  lab = await apiLab();
  ann = await lab.admin('ann', 'admin');
  const ago = (time: string) => lab.clock.now().subtract(time).toString() as Timestamp;
  await lab.store.transaction(async ({ hosts }) => {
    await hosts.add(hostSample(1, { lastSeen: ago('PT1H'), enrolledAt: ago('PT2400H'), agentVersion: '0.1.9' }));
    await hosts.add(hostSample(2, { lastSeen: ago('PT120H'), enrolledAt: ago('PT2400H'), agentVersion: '0.2.0' }));
    await hosts.add(hostSample(3, { enrolledAt: ago('PT1H'), labels: { tier: ['db'], rack: ['r1'] }, owner: 'Ops' }));
    await hosts.add(hostSample(4, { lastSeen: ago('PT1H') }));
    await hosts.revoke(hostId(4), ago('PT1H'));
  });
  const at = ago('PT2H');
  const agent = { version: '0.1.9', mode: 'managed' as const, labels: { tier: ['web'] }, components: [] };
  await putInventory(lab.store, hostId(1), at, {
    os: OS_SECTION,
    agent,
    updates: { known: true, asOf: at, pending: [pendingSample()] },
    reboot: { required: true, reasons: ['linux'] },
    kernel: { running: '6.1.0-41-amd64', runningVersion: '6.1.190', installed: [], newest: null },
    network: { addresses: [{ interface: 'eth0', address: '10.20.0.7', prefix: 16, mac: '' }] },
  });
  lab.connected.add(hostId(1));
});
afterEach(() => lab.close());

const ask = async (text: string, query = '') => {
  const answer = await lab.call('GET', `/v1/hosts?${new URLSearchParams({ select: text })}${query}`, { as: ann });
  if (answer.status !== 200) return { status: answer.status, ...answer.json };
  const { hosts, selection } = contract.hosts.parse(answer.json);

  return { names: hosts.map(({ name }) => name), selection };
};

describe('when hosts are listed with a select text', () => {
  it.each<[string, readonly string[], number]>([
    ['name=host-*', ['host-1', 'host-2', 'host-3'], 0],
    ['tier=web', ['host-1'], 2],
    ['tier=db', ['host-3'], 1],
    ['tier in (web, db)', ['host-1', 'host-3'], 1],
    ['label.tier=web and connected', ['host-1'], 0],
    ['os=linux and not connected', ['host-2', 'host-3'], 0],
    ['os=debian', ['host-1'], 2],
    ['seen>3d', ['host-2'], 0],
    ['seen=never', ['host-3'], 0],
    ['enrolled<7d', ['host-3'], 0],
    ['inventory=never', ['host-2', 'host-3'], 0],
    ['inventory>1h', ['host-1', 'host-2', 'host-3'], 0],
    ['agent<0.2', ['host-1'], 1],
    ['kernel=6.1*', ['host-1'], 2],
    ['address=10.0.0.0/8', ['host-1'], 2],
    ['owner=ops', ['host-3'], 0],
    ['not owner=*', ['host-1', 'host-2'], 0],
    ['reboot', ['host-1'], 2],
    ['security>0 or seen>3d', ['host-1', 'host-2'], 1],
    ['state=revoked', ['host-4'], 0],
  ])('%s: %j, %i unknown', async (text, names, unknown) => {
    expect(await ask(text)).toMatchObject({ names, selection: { unknown } });
  });

  it('a host that is connected is seen now, however long ago it last reported: nobody retires it by its silence', async () => {
    lab.connected.add(hostId(2));

    expect(await ask('seen>3d')).toMatchObject({ names: [] });
    lab.connected.delete(hostId(2));
    expect(await ask('seen>3d')).toMatchObject({ names: ['host-2'] });
    lab.connected.add(hostId(3));
    expect(await ask('seen=never')).toMatchObject({ names: [] });
  });

  it('those of which it is not known are left out, counted and explained', async () => {
    expect(await ask('security>0 and (reboot or tier=web)')).toEqual({
      names: ['host-1'],
      selection: {
        ...{ select: 'security>0 and (reboot or tier=web)', of: 3, selected: 1, unknown: 2 },
        because: [
          { field: 'security', count: 2 },
          { field: 'reboot', count: 2 },
          { field: 'tier', count: 2 },
        ],
        notes: [],
      },
    });
  });

  it('a name that no host has as a label is said, with what was probably meant', async () => {
    expect(await ask('teir=web')).toMatchObject({
      names: [],
      selection: { notes: ['none of the hosts has a label teir; did you mean tier?'] },
    });
    expect(await ask('owners=ops')).toMatchObject({
      selection: { notes: ['none of the hosts has a label owners; did you mean owner?'] },
    });
  });

  it('the longest text that is read fits a request, however it is encoded', async () => {
    const word = `'${'語'.repeat(250)}'`;
    const text = `name in (${[word, word, word, word, word].join(', ')}, 'host-1')`;
    const rest = MAX_SELECT_BYTES - new TextEncoder().encode(text).length;

    expect((await ask(text + ' '.repeat(rest))).names).toEqual(['host-1']);
    expect(await ask(text + ' '.repeat(rest + 1))).toMatchObject({ code: 'SELECT_INVALID', details: { column: 1 } });
  });

  it('a wrong text is refused with its column, before anything is looked up', async () => {
    expect(await ask('os=debian and secuity>0')).toMatchObject({
      ...{ status: 400, code: 'SELECT_INVALID', details: { column: 15, text: 'os=debian and secuity>0' } },
      message: 'column 15: the label secuity has no order: expected =, != or in (did you mean security?)',
    });
  });
});

describe('when documents select', () => {
  const tier = (select: string) => patchPolicySample({ name: 'gold', select });
  const force = (...documents: readonly PolicyDocument[]) => {
    lab.policy.current = {
      ...lab.policy.current,
      documents: documents.map((document) => ({ path: '', sha256: hashOf(document.name), document })),
    };
  };
  const plan = async (host: number) => {
    const { json } = await lab.call('GET', `/v1/hosts/${hostId(host)}`, { as: ann });

    return contract.hostDetail.parse(json);
  };

  it('a label that only the collector asserts moves no host into a policy, in no preview', async () => {
    const agent = { version: '0.1.9', mode: 'managed' as const, labels: { site: ['north'] }, components: [] };
    await putInventory(lab.store, hostId(3), lab.clock.now().toString(), { os: OS_SECTION, agent });
    force(tier('tier=db'));

    expect((await ask('tier=db')).names).toEqual(['host-3']);
    expect((await plan(3)).plan).toMatchObject({ policies: [], policiesUnknown: [] });
    const { json } = await lab.call('GET', '/v1/hosts', { as: ann });
    const { hosts } = contract.hosts.parse(json);
    const [change] = selectionChanges([], [tier('tier=db or owner-team=ops')], selectableHosts(hosts));
    expect(change?.after?.selected).toEqual([]);
    expect(selectableHosts(hosts).map(({ labels }) => labels)).toContainEqual({ site: ['north'] });
  });

  it('hosts that get no policy are in no preview', async () => {
    await lab.store.transaction(({ hosts }) => hosts.add(hostSample(5, { acceptedAt: null })));
    const { json } = await lab.call('GET', '/v1/hosts?state=all', { as: ann });
    const { hosts } = contract.hosts.parse(json);

    expect(hosts.map(({ state }) => state)).toEqual(['active', 'active', 'active', 'revoked', 'pending']);
    expect(selectableHosts(hosts).map(({ name }) => name)).toEqual(['host-1', 'host-2', 'host-3']);
  });

  it('a label that a signed group gives does, and is shown and selected by beside the others', async () => {
    const agent = { version: '0.1.9', mode: 'managed' as const, labels: { site: ['north'] }, components: [] };
    await putInventory(lab.store, hostId(3), lab.clock.now().toString(), { os: OS_SECTION, agent });
    force(
      tier('tier=gold and site=north'),
      hostGroupSample({ name: 'one', hosts: ['host-3'], labels: { tier: ['gold'] } }),
      hostGroupSample({ name: 'two', hosts: undefined, select: 'site=north', labels: { tier: ['silver'] } }),
    );

    expect(await plan(3)).toMatchObject({
      plan: { policies: ['gold'] },
      labels: { site: ['north'] },
      // Two groups say different things of one host: both count.
      signedLabels: { tier: ['gold', 'silver'] },
      collectorLabels: { tier: ['db'], rack: ['r1'] },
    });
    expect((await ask('tier=silver')).names).toEqual(['host-3']);
    // Nobody knows yet where host 2 is, so that group two may give it the label.
    expect((await ask('tier=silver')).selection).toMatchObject({ unknown: 1, because: [{ field: 'tier', count: 1 }] });
  });

  it('every field that only the collector knows is refused in a document, by name', () => {
    const known = Object.keys(HOST_WORDS.fields);
    const taken = known.filter((name) => Object.hasOwn(DOCUMENT_WORDS.fields, name));

    expect(taken).toEqual(['name', 'id', 'os']);
    expect(known.filter((name) => !taken.includes(name) && !Object.hasOwn(DOCUMENT_WORDS.refused ?? {}, name))).toEqual(
      [],
    );
  });
});
